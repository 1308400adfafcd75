package uring

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestCancel ends what is in flight: the operation completes once more, with
// ECANCELED and without More, and the cancellation with 0. Nothing comes after.
func TestCancel(t *testing.T) {
	l := 0
	for name, c := range map[string]struct {
		start func(b *bench, x int)
		end   func(s *SQE)
	}{
		"multishot receive": {func(b *bench, x int) { b.next(7).RecvGroup(x, 0, true) }, func(s *SQE) { s.Cancel(7) }},
		"receive":           {func(b *bench, x int) { b.next(7).RecvGroup(x, 0, false) }, func(s *SQE) { s.Cancel(7) }},
		"receive into":      {func(b *bench, x int) { b.next(7).Recv(x, make([]byte, 8)) }, func(s *SQE) { s.Cancel(7) }},
		"multishot poll":    {func(b *bench, x int) { b.next(7).PollAdd(x, unix.POLLIN, true) }, func(s *SQE) { s.Cancel(7) }},
		"poll":              {func(b *bench, x int) { b.next(7).PollAdd(x, unix.POLLIN, false) }, func(s *SQE) { s.Cancel(7) }},
		"multishot poll by POLL_REMOVE": {func(b *bench, x int) { b.next(7).PollAdd(x, unix.POLLIN, true) },
			func(s *SQE) { s.PollRemove(7) }},
		"multishot accept": {func(b *bench, _ int) { b.next(7).Accept(l, 0, true) }, func(s *SQE) { s.Cancel(7) }},
		"accept":           {func(b *bench, _ int) { b.next(7).Accept(l, 0, false) }, func(s *SQE) { s.Cancel(7) }},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, Options{Entries: 8})
			b.group(0, 8, 8, 8)
			l, _ = b.listen()
			x, y := b.pair()
			c.start(b, x)
			b.quiet("nothing to do")
			c.end(b.next(8))
			for _, got := range b.await(2) {
				switch {
				case got.More():
					t.Errorf("%+v says that more will come", got)
				case got.UserData == 7 && got.Err() != unix.ECANCELED:
					t.Errorf("%+v, want ECANCELED", got)
				case got.UserData == 8 && got.Res != 0:
					t.Errorf("the cancellation: %+v", got)
				}
			}
			b.write(y, []byte("x"))
			b.quiet("input after the end")

			c.end(b.next(9))
			if got := b.one(9); got.Err() != unix.ENOENT {
				t.Errorf("a second time: %+v, want ENOENT", got)
			}
			s := b.next(10)
			c.end(s)
			s.Flags |= SkipSuccess
			if got := b.one(10); got.Err() != unix.ENOENT {
				t.Errorf("SkipSuccess hides an error: %+v", got)
			}
		})
	}
}

// TestCancelQuietly: with SkipSuccess only what was cancelled completes.
func TestCancelQuietly(t *testing.T) {
	b := open(t, Options{Entries: 8})
	x, _ := b.pair()
	b.next(7).PollAdd(x, unix.POLLIN, true)
	s := b.next(8)
	s.Cancel(7)
	s.Flags |= SkipSuccess
	if c := b.one(7); c.Err() != unix.ECANCELED {
		t.Errorf("%+v", c)
	}
	b.quiet("the cancellation")
}

// TestCancelBesideInput: a receive that input has reached, but whose work was
// not done, delivers it or not; but it ends, and no byte and no buffer is lost.
func TestCancelBesideInput(t *testing.T) {
	b := open(t, Options{Entries: 8})
	g := b.group(0, 4, 8, 4)
	x, y := b.pair()
	for round := range 100 {
		b.next(7).RecvGroup(x, 0, true)
		b.quiet("nothing to receive")
		b.write(y, []byte("input"))
		b.next(8).Cancel(7)
		text, over := "", false
		for _, c := range b.enter() {
			if c.UserData != 7 {
				continue
			}
			if over {
				t.Fatalf("round %d: %+v after the last completion", round, c)
			}
			if _, ok := c.Buffer(); ok {
				text += string(b.bytes(g, c))
				b.give(g, c)
			}
			over = !c.More()
		}
		if !over {
			t.Fatalf("round %d: the receive is not over", round)
		}
		if text += string(b.drain(x)); text != "input" {
			t.Fatalf("round %d: received %q", round, text)
		}
	}
	b.write(y, []byte("11111111222222223333333344444444"))
	b.next(7).RecvGroup(x, 0, true)
	for i, c := range b.await(4) {
		if got := b.bytes(g, c); len(got) != 8 || got[0] != byte('1'+i) {
			t.Errorf("%q after all rounds: a buffer is missing", got)
		}
	}
}

// TestAccept accepts until it is cancelled, with the flags asked for; a
// connection that nobody took is not lost by it.
func TestAccept(t *testing.T) {
	b := open(t, Options{Entries: 8})
	l, at := b.listen()
	b.next(7).Accept(l, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, true)
	b.quiet("nobody to accept")
	for range 3 {
		x := b.dial(at)
		c := b.one(7)
		if c.Res < 0 || !c.More() {
			t.Fatalf("%+v", c)
		}
		y := b.own(int(c.Res))
		if flags, err := unix.FcntlInt(uintptr(y), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Errorf("flags %#x, %v", flags, err)
		}
		if flags, err := unix.FcntlInt(uintptr(y), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor flags %#x, %v", flags, err)
		}
		b.write(x, []byte("x"))
		b.sees(y, unix.POLLIN)
	}
	b.next(8).Cancel(7)
	b.await(2)
	b.dial(at)
	b.quiet("a connection after the end")
	b.next(9).Accept(l, unix.SOCK_CLOEXEC, false)
	if c := b.one(9); c.Res < 0 || c.More() {
		t.Errorf("once: %+v", c)
	} else {
		b.own(int(c.Res))
	}
}

// TestKernelAcceptWithoutDescriptors ends with EMFILE. The connection waits in
// the backlog, and is accepted when there is room again. The limit that counts is
// that of the time when the accept was submitted.
func TestKernelAcceptWithoutDescriptors(t *testing.T) {
	b := open(t, Options{Entries: 8})
	l, at := b.listen()
	b.dial(at)
	var limit unix.Rlimit
	b.must(unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	none := unix.Rlimit{Cur: 0, Max: limit.Max}
	b.must(unix.Setrlimit(unix.RLIMIT_NOFILE, &none))
	b.next(7).Accept(l, unix.SOCK_CLOEXEC, true)
	err := b.Enter()
	b.must(unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	b.must(err)
	if c := b.one(7); c.Err() != unix.EMFILE || c.More() {
		t.Fatalf("without descriptors: %+v, want EMFILE", c)
	}
	b.next(8).Accept(l, unix.SOCK_CLOEXEC, true)
	if c := b.one(8); c.Res < 0 {
		t.Fatalf("with room again: %+v", c)
	} else {
		b.own(int(c.Res))
	}

	b.must(unix.Setrlimit(unix.RLIMIT_NOFILE, &none))
	x, err := unix.FcntlInt(uintptr(l), unix.F_DUPFD_CLOEXEC, 0)
	b.must(unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	if err == nil {
		t.Fatalf("the limit does not hold: descriptor %d", b.own(x))
	}
	b.dial(at)
	b.must(unix.Setrlimit(unix.RLIMIT_NOFILE, &none))
	err = b.Enter()
	b.must(unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	b.must(err)
	if c := b.one(8); c.Res < 0 || !c.More() {
		t.Errorf("with a limit set after submission: %+v", c)
	} else {
		b.own(int(c.Res))
	}
}

// TestReceiveInto receives once, into memory of the caller's.
func TestReceiveInto(t *testing.T) {
	b := open(t, Options{Entries: 8})
	x, y := b.pair()
	p := make([]byte, 8)
	b.next(7).Recv(x, p)
	b.quiet("nothing to receive")
	b.write(y, []byte("hello"))
	if c := b.one(7); string(p[:max(c.Res, 0)]) != "hello" || c.More() {
		t.Errorf("%+v, %q", c, p)
	}
	b.quiet("after a receive")
}

// TestKernelReceiveOfAReset: after a half-close of ours as well.
func TestKernelReceiveOfAReset(t *testing.T) {
	for _, half := range []bool{false, true} {
		b := open(t, Options{Entries: 8})
		b.group(0, 8, 8, 8)
		x, y := b.tcp()
		b.next(7).RecvGroup(x, 0, true)
		if half {
			b.must(unix.Shutdown(x, unix.SHUT_WR))
			b.sees(y, unix.POLLIN)
		}
		b.quiet("nothing to receive")
		b.must(unix.SetsockoptLinger(y, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
		b.shut(y)
		if c := b.one(7); c.Err() != unix.ECONNRESET || c.More() {
			t.Errorf("half-closed %v: %+v, want ECONNRESET", half, c)
		}
	}
}
