package poller

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadReadiness(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.pair()
		token := MakeToken(7, 3)
		r.must(r.Add(a, Read, token))
		r.expect()
		r.write(b, "hello")
		r.expect(Event{Token: token, Ready: Read})
		r.expect(r.still(Event{Token: token, Ready: Read})...) // unread
		r.empty(a)
		r.expect()
		r.write(b, "again")
		r.expect(Event{Token: token, Ready: Read})
	})
}

// TestNewInputAfterAReport is reported although the old was left unread; and
// what the end of input stands behind says so, to whoever reads short of it.
func TestNewInputAfterAReport(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.tcp()
		r.must(r.Add(a, Read|Write, 1))
		r.expect(Event{Token: 1, Ready: Write})
		r.must(r.Change(a, Read|Write, Read, 1))
		r.expect()
		for range 3 {
			r.write(b, "more")
			r.expect(Event{Token: 1, Ready: Read})
		}
		r.must(unix.Shutdown(b, unix.SHUT_WR))
		r.expect(Event{Token: 1, Ready: r.ending()})
		if got := r.read(a); got != "moremoremore" {
			r.Fatalf("read %q", got)
		}
		if got := r.read(a); got != "EOF" {
			r.Fatalf("read %q, want EOF", got)
		}
	})
}

func TestWriteReadiness(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.pair()
		token := MakeToken(7, 3)
		r.must(r.Add(a, Write, token))
		r.expect(Event{Token: token, Ready: Write})
		r.fill(a)
		r.expect()
		r.empty(b)
		r.expect(Event{Token: token, Ready: Write})
	})
}

func TestBothDirections(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.pair()
		r.write(b, "x")
		r.must(r.Add(a, Read|Write, 1))
		r.expect(Event{Token: 1, Ready: Read | Write})
	})
}

func TestChangeOfInterestAndToken(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.pair()
		r.write(b, "x")
		had := Interest(0)
		r.must(r.Add(a, had, 100))
		r.expect()
		for i, step := range []struct {
			want  Interest
			ready []Interest
		}{
			{Read, []Interest{Read}},
			{Write, []Interest{Write}}, // data is waiting, but nobody asked
			{Read | Write, []Interest{Read | Write}},
			{0, nil},
			{Read | Write, []Interest{Read | Write}},
			{Read, []Interest{Read}},
			{0, nil},
			{0, nil},
			{Write, []Interest{Write}},
		} {
			token := Token(i)
			r.must(r.Change(a, had, step.want, token))
			had = step.want
			var want []Event
			for _, ready := range step.ready {
				want = append(want, Event{Token: token, Ready: ready})
			}
			r.expect(want...)
		}
		r.must(r.Remove(a, had, 8, false))
		r.expect()
		r.must(r.Add(a, Read, 9))
		r.expect(Event{Token: 9, Ready: Read})
	})
}

// TestTokenKeepsAllBits would show a backend that has 32 bits of user data.
func TestTokenKeepsAllBits(t *testing.T) {
	conform(t, func(r *rig) {
		for _, token := range []Token{0, 1, 1 << 31, 1 << 32, 1 << 63, reserved - 1, MakeToken(0xdeadbeef, 0xfeedface)} {
			a, b := r.pair()
			r.write(b, "x")
			r.must(r.Add(a, Read, token))
			r.expect(Event{Token: token, Ready: Read})
			r.must(r.Remove(a, Read, token, false))
		}
	})
}

func TestHangupWithPendingData(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.pair()
		r.must(r.Add(a, Read, 1))
		r.write(b, "last words")
		r.shut(b)
		r.expect(Event{Token: 1, Ready: r.ending()})
		if got := r.read(a); got != "last words" {
			r.Fatalf("read %q", got)
		}
		r.expect(r.still(Event{Token: 1, Ready: Read})...) // an edge has said More
		if got := r.read(a); got != "EOF" {
			r.Fatalf("read %q, want EOF", got)
		}
	})
}

// TestHalfClose: the end of the peer's output is readable, and does not end
// our own.
func TestHalfClose(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.tcp()
		r.must(r.Add(a, Read, 1))
		r.must(unix.Shutdown(b, unix.SHUT_WR))
		r.expect(Event{Token: 1, Ready: r.ending()})
		if got := r.read(a); got != "EOF" {
			r.Fatalf("read %q, want EOF", got)
		}
		r.must(r.Change(a, Read, Write, 1))
		r.expect(Event{Token: 1, Ready: Write})
		r.write(a, "answer")
		if got := r.read(b); got != "answer" {
			r.Fatalf("the peer read %q", got)
		}
	})
}

// TestErrorWithoutRoomToWrite: a pipe that is full and then loses its reader
// never becomes writable; who waits to write must be told all the same.
func TestErrorWithoutRoomToWrite(t *testing.T) {
	conform(t, func(r *rig) {
		in, out := r.pipe()
		r.fill(out)
		r.must(r.Add(out, Write, 1))
		r.expect()
		r.shut(in)
		if got := r.wait(patience); len(got) != 1 || got[0].Token != 1 || got[0].Ready == 0 {
			r.Fatalf("Wait reported %+v, want the failed pipe", got)
		}
	})
}

func TestRefusedConnect(t *testing.T) {
	conform(t, func(r *rig) {
		// A port that is bound and not listening refuses, and nobody else gets it.
		bound, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		r.must(err)
		r.own(bound)
		r.must(unix.Bind(bound, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
		addr, err := unix.Getsockname(bound)
		r.must(err)
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		r.must(err)
		r.own(fd)
		if err := unix.Connect(fd, addr); !errors.Is(err, unix.EINPROGRESS) {
			if !errors.Is(err, unix.ECONNREFUSED) {
				r.Fatalf("connect: %v", err)
			}
			r.Skip("SKIPPED: this system refuses at once; there is nothing to wait for")
		}
		r.must(r.Add(fd, Write, 1))
		got := r.wait(patience)
		if len(got) != 1 || got[0].Token != 1 || got[0].Ready == 0 {
			r.Fatalf("Wait reported %+v, want the failed connect", got)
		}
		if cause, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || unix.Errno(cause) != unix.ECONNREFUSED {
			r.Fatalf("SO_ERROR is %d, %v; want ECONNREFUSED", cause, err)
		}
	})
}

func TestAcceptedConnect(t *testing.T) {
	conform(t, func(r *rig) {
		l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		r.must(err)
		r.own(l)
		r.must(unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
		r.must(unix.Listen(l, 1))
		addr, err := unix.Getsockname(l)
		r.must(err)
		r.must(r.Add(l, Read, 1))
		r.expect()
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		r.must(err)
		r.own(fd)
		if err := unix.Connect(fd, addr); err != nil && !errors.Is(err, unix.EINPROGRESS) {
			r.Fatal(err)
		}
		r.expect(Event{Token: 1, Ready: Read})
		r.must(r.Add(fd, Write, 2))
		r.expect(append(r.still(Event{Token: 1, Ready: Read}), Event{Token: 2, Ready: Write})...)
	})
}
