package loadgen

import (
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// Idle connections make one request, or none, and say nothing after it; the
// fill does not wait for answers that nobody asked for.
func TestIdleConnectionsFallSilent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		silent bool
		asked  int // connections of 308
	}{{"after a request", false, 308}, {"from the start", true, 8}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			asked := map[*loop.Conn]int{}
			w.serve = func(c *loop.Conn, n int) {
				asked[c]++
				c.Write([]byte(hello))
			}
			s := w.spec()
			s.Idle, s.IdleSilent = 300, tc.silent
			r := w.run(s)
			once := 0
			for _, n := range asked {
				if n == 1 {
					once++
				}
			}
			if len(asked) != tc.asked || once != tc.asked-8 || w.accepted != 308 {
				t.Errorf("%d of %d connections asked, %d of them once", len(asked), w.accepted, once)
			}
			if r.IdleOpen != 300 || r.Opened != 308 || r.Admitted != tc.asked || r.Admission.Failed != 0 {
				t.Errorf("%d idle at the end; opened %d, admitted %d, %d not", r.IdleOpen, r.Opened, r.Admitted, r.Admission.Failed)
			}
			if fill := time.Duration(r.FillNs); fill > 100*time.Millisecond {
				t.Errorf("the fill took %v", fill)
			}
			if strings.Contains(r.Summary(), "idle  ") {
				t.Errorf("the summary complains:\n%s", r.Summary())
			}
		})
	}
}

// An idle connection that the server ends, or never answers, is none at the
// end.
func TestIdleConnectionsThatAreGone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		end  func(c *loop.Conn)
		left int // of 20
	}{
		{"none", func(*loop.Conn) {}, 20},
		{"closed", (*loop.Conn).CloseWhenDone, 15},
		{"reset", (*loop.Conn).Abort, 15},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			asked := map[*loop.Conn]int{}
			w.serve = func(c *loop.Conn, n int) {
				asked[c]++
				c.Write([]byte(hello))
			}
			s := w.spec()
			s.Idle = 20
			w.l.At(w.l.Now().Add(500*time.Millisecond), func() {
				left := 5
				for c, n := range asked {
					if n == 1 && left > 0 {
						left--
						tc.end(c)
					}
				}
			})
			r := w.run(s)
			if r.IdleOpen != tc.left {
				t.Errorf("%d idle connections at the end, want %d", r.IdleOpen, tc.left)
			}
			if complains := strings.Contains(r.Summary(), "5 of 20 connections were not open"); complains != (tc.left < 20) {
				t.Errorf("the summary:\n%s", r.Summary())
			}
		})
	}
	t.Run("unanswered", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, nil)
		w.accept = func(n int) bool { return n != 3 }
		s := w.spec()
		s.Idle, s.Connections, s.FillLimit = 20, 1, 50*time.Millisecond
		if r := w.run(s); r.IdleOpen != 19 {
			t.Errorf("%d idle connections at the end, want 19", r.IdleOpen)
		}
	})
}
