package uring

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a connection's output relies on: a send with these flags is over when it
// has been submitted, and it completes only if something is left to do.
const sendNow = unix.MSG_DONTWAIT | unix.MSG_WAITALL | unix.MSG_NOSIGNAL

// sends are the ways to send bytes.
var sends = map[string]func(b *bench, s *SQE, fd int, p []byte){
	"send": func(_ *bench, s *SQE, fd int, p []byte) { s.Send(fd, p, sendNow) },
	"vector": func(b *bench, s *SQE, fd int, p []byte) {
		slices := [][]byte{p[:len(p)/3], p[len(p)/3 : len(p)/2], p[len(p)/2:]}
		if n := b.SendVector(s, fd, slices, sendNow); n != len(slices) {
			b.Fatalf("SendVector took %d of %d slices", n, len(slices))
		}
	},
}

// TestKernelSendCompletesOnlyIfCutShort: no completion after it was submitted
// means that it was sent whole.
func TestKernelSendCompletesOnlyIfCutShort(t *testing.T) {
	for name, send := range sends {
		for network, connect := range map[string]func(*bench) (int, int){"unix": (*bench).pair, "tcp": (*bench).tcp} {
			t.Run(name+" "+network, func(t *testing.T) {
				b := open(t, Options{Entries: 8})
				x, y := connect(b)
				submit := func(p []byte) {
					s := b.next(7)
					send(b, s, x, p)
					s.Flags |= SkipSuccess
				}
				whole := []byte("sent whole")
				submit(whole)
				b.quiet("a send that fits")
				b.sees(y, unix.POLLIN)
				if got := b.drain(y); !bytes.Equal(got, whole) {
					t.Fatalf("the peer got %q", got)
				}

				large := make([]byte, 64<<20)
				submit(large)
				got := b.enter()
				if len(got) != 1 || got[0].UserData != 7 || got[0].Res <= 0 || int(got[0].Res) >= len(large) || got[0].More() {
					t.Fatalf("a send cut short: %+v, want one completion with the count", got)
				}
				b.quiet("a send that was cut short, again")
				sent := int(got[0].Res) + b.fill(x) // a gap smaller than a block may be left

				submit(whole)
				if got := b.enter(); len(got) != 1 || got[0].Err() != unix.EAGAIN || got[0].More() {
					t.Fatalf("a send into a full socket: %+v, want EAGAIN", got)
				}
				b.quiet("a send into a full socket, again")

				n := len(b.drain(y))
				for n < sent {
					b.sees(y, unix.POLLIN)
					n += len(b.drain(y))
				}
				b.quiet("room in the socket")
				if n != sent {
					t.Fatalf("the peer got %d bytes, the completions told of %d", n, sent)
				}
			})
		}
	}
}

// TestKernelSendToWhoHasGone: one completion with the error, and no SIGPIPE.
func TestKernelSendToWhoHasGone(t *testing.T) {
	for name, send := range sends {
		t.Run(name, func(t *testing.T) {
			b := open(t, Options{Entries: 8})
			x, y := b.tcp()
			b.must(unix.SetsockoptLinger(y, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
			b.shut(y)
			b.sees(x, unix.POLLHUP|unix.POLLERR)
			for _, want := range []unix.Errno{unix.ECONNRESET, unix.EPIPE} {
				s := b.next(7)
				send(b, s, x, make([]byte, 100))
				s.Flags |= SkipSuccess
				if got := b.enter(); len(got) != 1 || got[0].Err() != want {
					t.Errorf("a send after a reset: %+v, want %v", got, want)
				}
			}
			x, y = b.pair()
			b.shut(y)
			s := b.next(7)
			send(b, s, x, make([]byte, 100))
			s.Flags |= SkipSuccess
			if got := b.enter(); len(got) != 1 || got[0].Err() != unix.EPIPE {
				t.Errorf("a send to a closed socket: %+v, want EPIPE", got)
			}
		})
	}
}

// TestKernelSendsAddUp sends what a seed says to a peer that reads when the seed
// says, by every entry of the queue at once on several connections, and believes
// the completions.
func TestKernelSendsAddUp(t *testing.T) {
	b := open(t, Options{Entries: 64})
	rng := rand.New(rand.NewPCG(1, 2))
	const connections, rounds = 8, 400
	type connection struct {
		x, y     int
		queued   []byte // submitted in this round
		sent     int
		received int
		full     bool
	}
	// The stream of each repeats at a prime, so that a byte lost or doubled shows.
	pattern := make([]byte, 1<<20)
	for i := range pattern {
		pattern[i] = byte(i % 251)
	}
	var list [connections]connection
	for i := range list {
		list[i].x, list[i].y = b.tcp()
		b.must(unix.SetsockoptInt(list[i].x, unix.SOL_SOCKET, unix.SO_SNDBUF, 32<<10))
	}
	cut := 0
	for range rounds {
		for i := range list {
			c := &list[i]
			c.queued = nil
			if c.full || rng.IntN(3) == 0 {
				continue
			}
			from := c.sent % 251
			c.queued = pattern[from : from+1+rng.IntN(200<<10)]
			s := b.next(uint64(i))
			if n := len(c.queued); n > 10 && rng.IntN(2) == 0 {
				b.SendVector(s, c.x, [][]byte{c.queued[:n/5], c.queued[n/5 : n/2], c.queued[n/2:]}, sendNow)
			} else {
				s.Send(c.x, c.queued, sendNow)
			}
			s.Flags |= SkipSuccess
		}
		for _, done := range b.enter() {
			c := &list[done.UserData]
			switch {
			case done.Err() == unix.EAGAIN:
			case done.Res > 0 && int(done.Res) < len(c.queued):
				c.sent += int(done.Res)
				cut++
			default:
				t.Fatalf("%+v of %d bytes", done, len(c.queued))
			}
			c.queued, c.full = nil, true
		}
		for i := range list {
			c := &list[i]
			c.sent += len(c.queued)
			if rng.IntN(3) != 0 {
				continue
			}
			c.full = false
			for _, byt := range b.drain(c.y) {
				if byt != byte(c.received%251) {
					t.Fatalf("byte %d of connection %d is %d", c.received, i, byt)
				}
				c.received++
			}
		}
	}
	for i := range list {
		c := &list[i]
		for c.received < c.sent {
			b.sees(c.y, unix.POLLIN)
			c.received += len(b.drain(c.y))
		}
		if c.received != c.sent {
			t.Errorf("connection %d received %d bytes of %d", i, c.received, c.sent)
		}
	}
	if cut == 0 {
		t.Error("no send was cut short")
	}
}

// TestKernelCopiesVectors: the header and the vector of a send that has to wait
// may be overwritten when it has been submitted (IORING_FEAT_SUBMIT_STABLE).
func TestKernelCopiesVectors(t *testing.T) {
	b := open(t, Options{Entries: 8})
	x, y := b.pair()
	full := b.fill(x)
	p := bytes.Repeat([]byte("stable"), 100)
	b.SendVector(b.next(7), x, [][]byte{p[:100], p[100:300], p[300:]}, unix.MSG_WAITALL) // waits
	b.quiet("a send into a full socket")
	if b.vectors.used != 0 {
		t.Fatalf("%d bytes of vectors are held after submission", b.vectors.used)
	}
	for i := range b.vectors.memory[:4096] {
		b.vectors.memory[i] = 0xff
	}
	if n := len(b.drain(y)); n < full {
		t.Fatalf("the peer got %d bytes of %d", n, full)
	}
	if c := b.one(7); int(c.Res) != len(p) {
		t.Fatalf("%+v, want %d bytes", c, len(p))
	}
	if got := b.drain(y); !bytes.Equal(got, p) {
		t.Fatalf("the peer got %d bytes, %q", len(got), got)
	}
}

// TestVectorsAreNoPointers: what is left in the memory of vectors may point to
// what the collector has freed, so it must not see a pointer there, not even in
// the barrier of a write over it (it would stop the program: "found bad pointer
// in Go heap").
func TestVectorsAreNoPointers(t *testing.T) {
	b := open(t, Options{Entries: 8})
	x, y := b.pair()
	var stop atomic.Bool
	var collector sync.WaitGroup
	collector.Go(func() {
		for !stop.Load() {
			runtime.GC()
		}
	})
	defer collector.Wait()
	defer stop.Store(true)
	for range 3000 {
		// Large enough to have pages of their own, which are freed.
		p := [][]byte{make([]byte, 40<<10), make([]byte, 40<<10)}
		b.SendVector(b.next(0), x, p, sendNow)
		b.must(b.Submit())
		runtime.KeepAlive(p)
		b.drain(y)
		b.reap()
	}
}

// TestBytesAreNotOnTheStack, which moves when it grows, while the kernel has the
// address.
func TestBytesAreNotOnTheStack(t *testing.T) {
	var s SQE
	for name, f := range map[string]func(){
		"send":    func() { var p [8]byte; s.Send(1, p[:], 0) },
		"receive": func() { var p [8]byte; s.Recv(1, p[:]) },
	} {
		if n := testing.AllocsPerRun(10, f); n != 1 {
			t.Errorf("the bytes of a %s are allocated %v times, want once, on the heap", name, n)
		}
	}
	b := open(t, Options{Entries: 8})
	if n := testing.AllocsPerRun(10, func() {
		var p [8]byte
		b.SendVector(&s, 1, [][]byte{p[:4], p[4:]}, 0)
		b.vectors.reset()
	}); n != 1 {
		t.Errorf("the bytes of a vector are allocated %v times, want once, on the heap", n)
	}
}

// TestVectorsRunOut: with the memory of vectors used up, the first slice is sent
// and the caller told so.
func TestVectorsRunOut(t *testing.T) {
	b := open(t, Options{Entries: 2})
	x, y := b.pair()
	p := [][]byte{[]byte("a"), []byte("b")}
	longest := make([][]byte, VectorLength)
	for i := range longest {
		longest[i] = []byte("c")
	}
	if n := b.SendVector(b.next(0), x, longest, sendNow); n != VectorLength {
		t.Fatalf("the longest vector: %d slices", n)
	}
	// Without submission, as if the kernel took nothing: two entries have room
	// for two of the longest.
	b.vectors.used = len(b.vectors.memory) - headerSize - vectorSize
	if n := b.SendVector(b.next(0), x, p, sendNow); n != 1 {
		t.Fatalf("without room: %d slices, want the first", n)
	}
	if got := b.enter(); len(got) != 2 || got[0].Res != VectorLength || got[1].Res != 1 {
		t.Fatalf("%+v", got)
	}
	if got := b.drain(y); len(got) != VectorLength+1 || got[VectorLength] != 'a' {
		t.Fatalf("the peer got %q", got)
	}
	if n := b.SendVector(b.next(0), x, p, sendNow); n != 2 {
		t.Errorf("after submission: %d slices", n)
	}
	b.enter()
}

// TestLayout of what the kernel reads (linux/io_uring.h, socket.h).
func TestLayout(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"io_uring_sqe", unsafe.Sizeof(SQE{}), 64},
		{"io_uring_cqe", unsafe.Sizeof(CQE{}), 16},
		{"io_uring_buf", unsafe.Sizeof(bufRef{}), 16},
		{"io_uring_buf_reg", unsafe.Sizeof(bufReg{}), 40},
		{"io_uring_params", unsafe.Sizeof(params{}), 120},
		{"io_uring_getevents_arg", unsafe.Offsetof(waitArg{}.timeout), waitArgSize},
		{"io_uring_probe", unsafe.Sizeof(probeTable{}), 16 + 256*8},
		{"io_uring_rsrc_update", unsafe.Sizeof(rsrcUpdate{}), 16},
		{"msghdr", uintptr(headerSize), unsafe.Sizeof(unix.Msghdr{})},
		{"iovec", uintptr(vectorSize), unsafe.Sizeof(unix.Iovec{})},
	} {
		if c.got != c.want {
			t.Errorf("%s has %d bytes, want %d", c.name, c.got, c.want)
		}
	}
}
