package poller

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestBackendsInOrder(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var names []string
	for _, b := range Backends() {
		names = append(names, b.Name)
		err := b.Available()
		absent := built[b.Name] == nil
		if absent && (err == nil || !strings.Contains(err.Error(), runtime.GOOS)) {
			t.Errorf("%s: the reason %v does not name this system", b.Name, err)
		}
		if err != nil {
			t.Logf("%s: %v", b.Name, err) // built, and perhaps forbidden here
			if _, err := Open(b.Name); err == nil || !strings.Contains(err.Error(), b.Name) {
				t.Errorf("%s is absent, and Open says %v", b.Name, err)
			}
			continue
		}
		if b.Traits.Resolution <= 0 || b.Traits.Note == "" {
			t.Errorf("%s: incomplete traits %+v", b.Name, b.Traits)
		}
		p, err := Open(b.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"select", "poll", "epoll", "epoll-et", "io_uring-poll"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	for name := range built {
		if !slices.Contains(names, name) {
			t.Errorf("%s is built and has no place in the list", name)
		}
	}
}

// TestOpenWithoutDescriptors: with none left, or too few, Open fails in words
// and keeps nothing. A number above the lowest free one may be taken, so the
// room is at most what it is called.
func TestOpenWithoutDescriptors(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}()
	lowest := func() int {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		return fd
	}
	free := lowest()
	for _, b := range Backends() {
		if b.Available() != nil {
			continue
		}
		opened := false
		for room := 0; room < 64 && !opened; room++ {
			short := limit
			setSoft(&short, free+room)
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &short); err != nil {
				t.Fatal(err)
			}
			p, err := Open(b.Name)
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
				t.Fatal(err)
			}
			switch {
			case err == nil && room > 0:
				opened = true
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			case !errors.Is(err, unix.EMFILE) || !strings.Contains(err.Error(), b.Name):
				t.Errorf("%s with room for %d descriptors: %v, want EMFILE", b.Name, room, err)
			}
			if now := lowest(); now != free {
				t.Errorf("%s with room for %d descriptors: %d is the lowest free number, it was %d", b.Name, room, now, free)
			}
		}
		if !opened {
			t.Errorf("%s does not open with room for 63 descriptors", b.Name)
		}
	}
}

func TestLookupErrors(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"epol":    `unknown backend "epol"; did you mean "epoll"? (known: select, poll, epoll, epoll-et, io_uring-poll)`,
		"pol":     `unknown backend "pol"; did you mean "poll"? (known: select, poll, epoll, epoll-et, io_uring-poll)`,
		"slect":   `unknown backend "slect"; did you mean "select"? (known: select, poll, epoll, epoll-et, io_uring-poll)`,
		"epoll-e": `unknown backend "epoll-e"; did you mean "epoll-et"? (known: select, poll, epoll, epoll-et, io_uring-poll)`,
		"libuv":   `unknown backend "libuv" (known: select, poll, epoll, epoll-et, io_uring-poll)`,
		"":        `unknown backend "" (known: select, poll, epoll, epoll-et, io_uring-poll)`,
		"EPOLL\n": `unknown backend "EPOLL\n" (known: select, poll, epoll, epoll-et, io_uring-poll)`,
	} {
		if _, err := Lookup(name); err == nil || err.Error() != want {
			t.Errorf("Lookup(%q): %v, want %s", name, err, want)
		}
		if _, err := Open(name); err == nil {
			t.Errorf("Open(%q) worked", name)
		}
	}
}

func TestModeString(t *testing.T) {
	t.Parallel()
	if Level.String() != "level" || Edge.String() != "edge" {
		t.Error(Level, Edge)
	}
}

// setSoft sets a soft limit, whose type is signed on some systems.
func setSoft(limit *unix.Rlimit, n int) {
	limit.Cur = 0
	for range n {
		limit.Cur++
	}
}
