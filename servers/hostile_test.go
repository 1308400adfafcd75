package servers_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"medusa/control"
	"medusa/poller"
	"medusa/poller/loop"
	"medusa/servers/httpd"
)

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }

// serves checks that a client that asks n times is served now.
func (s *site) serves(n int) {
	s.t.Helper()
	c := s.dial()
	defer c.Close()
	in := bufio.NewReader(c)
	for i := range n {
		if _, err := io.WriteString(c, get(fmt.Sprintf("/fixed/%d", i))); err != nil {
			s.t.Fatalf("another client: %v", err)
		}
		s.expect(in, 200, i)
	}
}

// expect reads a response with a body of so many bytes.
func (s *site) expect(in *bufio.Reader, status, size int) {
	s.t.Helper()
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, response.Body)
	if err != nil || response.StatusCode != status || n != int64(size) {
		s.t.Fatalf("%d, %d bytes, %v; want %d, %d bytes", response.StatusCode, n, err, status, size)
	}
}

// heap is what the process holds, its clients' part included, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one found in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// perConnection bounds what a connection that has sent a part of a head costs
// on both sides, in bytes: an in buffer that keeps this part, one to read into
// where the engine has one for each connection, and what the server, the test
// and their goroutines keep.
const perConnection = 2*loop.DefaultBuffer + 16<<10

// crowd is how many connections a backend can hold of those wanted, both ends
// of which are in this process.
func crowd(t *testing.T, backend string, wanted int) int {
	t.Helper()
	limit := int(min(control.NoFile(), 1<<20))
	if b, err := poller.Lookup(backend); err == nil && b.Traits.MaxFD > 0 {
		limit = min(limit, b.Traits.MaxFD)
	}
	if most := (limit - 100) / 2; wanted > most {
		t.Logf("SKIPPED: all but %d of %d connections: the limit is %d descriptors", most, wanted, limit)
		return most
	}
	return wanted
}

// TestHostileSlowHeads: clients that send their heads a byte at a time, each
// byte soon after the other, are told that this takes too long.
func TestHostileSlowHeads(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, "", httpd.Config{HeadTimeout: 300 * time.Millisecond, IdleTimeout: -1})
		n := crowd(t, backend, 300)
		before := heap()
		conns := make([]*net.TCPConn, n)
		answers := make([]string, n)
		var readers sync.WaitGroup
		for i := range conns {
			c := s.dial()
			conns[i] = c
			readers.Go(func() {
				all, err := io.ReadAll(c)
				answers[i] = fmt.Sprint(string(all), err)
				c.Close() // which ends the dribbling
			})
		}
		ended := make(chan struct{})
		go func() {
			readers.Wait()
			close(ended)
		}()
		const head = "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nX: "
		most := int64(0)
		for round := 0; ; round++ {
			b := []byte("x")
			if round < len(head) {
				b[0] = head[round]
			}
			for _, c := range conns {
				_, _ = c.Write(b) // it may have been closed
			}
			s.serves(2)
			if round == 10 {
				most = heap()
			}
			select {
			case <-ended:
			default:
				continue
			}
			break
		}
		for i, answer := range answers {
			if !strings.HasPrefix(answer, "HTTP/1.1 408 ") || !strings.HasSuffix(answer, "408 Request Timeout\n<nil>") || strings.Count(answer, "HTTP/1.1") != 1 {
				t.Fatalf("client %d got %.300q", i, answer)
			}
		}
		if most == 0 {
			t.Error("they were answered before their memory was looked at")
		}
		if bound := int64(n) * perConnection; most-before > bound {
			t.Errorf("%d connections took %d bytes, more than %d", n, most-before, bound)
		}
		s.alone(ownFiles)
	})
}

// TestHostileHalfOpen: a thousand clients send half a head and stay, while
// others are served.
func TestHostileHalfOpen(t *testing.T) {
	const half = "GET /fixed/1 HTTP/1.1\r\nHos"
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, "", httpd.Config{HeadTimeout: time.Hour, IdleTimeout: time.Hour})
		n := crowd(t, backend, 1000)
		before := heap()
		conns := make([]*net.TCPConn, n)
		come := func() {
			read := s.counts().BytesIn
			for i := range conns {
				conns[i] = s.dial()
				if _, err := io.WriteString(conns[i], half); err != nil {
					t.Fatal(err)
				}
			}
			s.until("all half heads are read", func() bool { return s.counts().BytesIn == read+uint64(n*len(half)) })
		}
		leave := func() {
			for _, c := range conns {
				c.Close()
			}
			s.alone(ownFiles)
		}
		come()
		if used, bound := heap()-before, int64(n)*perConnection; used > bound {
			t.Errorf("%d half-open connections take %d bytes, more than %d", n, used, bound)
		}
		s.serves(500)
		if open := s.counts().Open; open < n {
			t.Errorf("%d connections are open, want %d at least", open, n)
		}
		// One of them goes on after all.
		if _, err := io.WriteString(conns[n/2], "t: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		s.expect(bufio.NewReader(conns[n/2]), 200, 1)
		leave()
		// The loop keeps up to 1,024 free buffers; another crowd takes these.
		left := heap() - before
		if bound := int64(1024*loop.DefaultBuffer + 8<<20); left > bound {
			t.Errorf("when they have gone, %d bytes are left, more than %d", left, bound)
		}
		come()
		leave()
		if more := heap() - before - left; more > 2<<20 {
			t.Errorf("another crowd leaves %d bytes more", more)
		}
	})
}

// TestHostileParallel: five hundred connections at once, some of which leave
// without a word in the middle.
func TestHostileParallel(t *testing.T) {
	root := webRoot(t)
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, root, httpd.Config{})
		n := crowd(t, backend, 500)
		conns := make([]*net.TCPConn, n)
		for i := range conns {
			conns[i] = s.dial()
		}
		errs := make(chan error, n)
		var group sync.WaitGroup
		for i, c := range conns {
			group.Go(func() { errs <- visit(c, i) })
		}
		group.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		if accepted := s.counts().Accepted; accepted != uint64(n) {
			t.Errorf("%d connections were accepted, want %d", accepted, n)
		}
		s.alone(ownFiles)
	})
}

// visit asks for this and that on a connection and closes it.
func visit(c *net.TCPConn, i int) error {
	defer c.Close()
	in := bufio.NewReader(c)
	for round := range 5 {
		if i%10 == round { // asks and goes
			_, err := io.WriteString(c, get("/text.txt"))
			return err
		}
		if _, err := io.WriteString(c, get("/fixed/5000")+get("/a.txt")+get("/none")); err != nil {
			return err
		}
		for _, want := range []struct{ status, size int }{{200, 5000}, {200, 10}, {404, 14}} {
			response, err := http.ReadResponse(in, nil)
			if err != nil {
				return err
			}
			n, err := io.Copy(io.Discard, response.Body)
			if err != nil || response.StatusCode != want.status || n != int64(want.size) {
				return fmt.Errorf("%d, %d bytes, %w", response.StatusCode, n, err)
			}
		}
	}
	return nil
}

// TestHostileResets: clients that reset in the middle of large files and many
// answers leave nothing open.
func TestHostileResets(t *testing.T) {
	root := webRoot(t)
	asks := []string{get("/big"), strings.Repeat(get("/fixed/1048576"), 20), get("/big") + get("/text.txt"), strings.Repeat(get("/list/"), 50)}
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, root, httpd.Config{})
		before := heap()
		for i := range 100 {
			c := s.dial()
			if _, err := io.WriteString(c, asks[i%len(asks)]); err != nil {
				t.Fatal(err)
			}
			if n, err := io.CopyN(io.Discard, c, int64(1+i*2000%20_000)); err != nil {
				t.Fatalf("%d bytes, %v", n, err)
			}
			if err := c.SetLinger(0); err != nil {
				t.Fatal(err)
			}
			c.Close()
			if i%10 == 0 {
				s.serves(10)
			}
		}
		s.alone(ownFiles)
		if used := heap() - before; used > 16<<20 {
			t.Errorf("%d bytes are left", used)
		}
		c := s.dial()
		if _, err := io.WriteString(c, get("/text.txt")); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(response.Body); err != nil || !bytes.Equal(got, text) {
			t.Errorf("afterwards: %d bytes, %v", len(got), err)
		}
	})
}
