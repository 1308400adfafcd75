package servers

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"medusa/control"
)

// TestEcho: what a client sends comes back, also while it sends more than any
// buffer holds, and after its FIN ours follows the last byte.
func TestEcho(t *testing.T) {
	sent := make([]byte, 8<<20)
	random := rand.New(rand.NewPCG(862, 1))
	for i := range sent {
		sent[i] = byte(random.Uint32())
	}
	eachBackend(t, func(t *testing.T, backend string) {
		r := start(t, Config{Backend: backend, Echo: "127.0.0.1:0", EchoBytes: 1000, Control: true})
		c := dial(t, r.ready.Echo)
		failed := make(chan error, 1)
		go func() {
			_, err := c.Write(sent)
			failed <- errors.Join(err, c.CloseWrite())
		}()
		got, err := io.ReadAll(c)
		if err := errors.Join(err, <-failed); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d of %d bytes came back, or others: %v", len(got), len(sent), err)
		}
		if s := r.snapshot(); s.Requests != uint64(len(sent)/1000) || s.BytesIn != uint64(len(sent)) || s.BytesOut != uint64(len(sent)) {
			t.Errorf("%d requests, %d bytes in, %d out", s.Requests, s.BytesIn, s.BytesOut)
		}
		r.terminate()
	})
}

// TestEchoTerminates: a client that reads late gets, after the server was told to
// end, all that it had read.
func TestEchoTerminates(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		r := start(t, Config{Backend: backend, Echo: "127.0.0.1:0", Control: true})
		idle, c := dial(t, r.ready.Echo), dial(t, r.ready.Echo)
		written := make(chan uint64, 1)
		go func() { // until the buffers of both ends are full
			var n uint64
			for p := make([]byte, 1<<16); ; {
				k, err := c.Write(p)
				if n += uint64(k); err != nil {
					written <- n
					return
				}
			}
		}()
		awaitSnapshot(t, r, func(was, is *control.Snapshot) bool {
			return is.BytesIn > 0 && is.BytesIn == was.BytesIn && is.BytesOut < is.BytesIn
		})
		if err := c.SetWriteDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		sent, before := <-written, r.snapshot().BytesIn
		r.signals <- syscall.SIGTERM
		// What it still reads it throws away: what lay unread would make the
		// system reset the connection in place of sending the rest.
		awaitSnapshot(t, r, func(_, is *control.Snapshot) bool { return is.BytesIn == sent })
		if n, err := io.Copy(io.Discard, c); err != nil || uint64(n) < before || uint64(n) > sent {
			t.Errorf("%d bytes came back of %d read and %d sent: %v", n, before, sent, err)
		}
		c.Close()
		if err := r.wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		idle.Close()
	})
}

// awaitSnapshot takes snapshots until one, with that before it, is as it should be.
func awaitSnapshot(t *testing.T, r *running, good func(was, is *control.Snapshot) bool) {
	t.Helper()
	was := r.snapshot()
	for end := time.Now().Add(patience); ; {
		time.Sleep(10 * time.Millisecond)
		is := r.snapshot()
		if good(was, is) {
			return
		}
		if was = is; time.Now().After(end) {
			t.Fatalf("%d bytes in, %d out", is.BytesIn, is.BytesOut)
		}
	}
}
