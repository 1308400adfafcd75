package loadgen

import (
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// limited makes of a world a server with so many places. Who comes when they are
// taken is turned away with shed, or else waits for a place.
func (w *world) limited(places int, shed bool) {
	type visitor struct {
		c     *loop.Conn
		asked int
	}
	var waiting []*visitor
	inside := map[*loop.Conn]bool{}
	asked := map[*loop.Conn]*visitor{}
	w.serve = func(c *loop.Conn, n int) {
		switch {
		case inside[c]:
			c.Write([]byte(hello))
		case len(inside) < places:
			inside[c] = true
			c.Write([]byte(hello))
		case shed:
			c.Write([]byte("HTTP/1.1 503 Full\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
			c.CloseWhenDone()
		default:
			v := asked[c]
			if v == nil {
				v = &visitor{c: c}
				asked[c] = v
				waiting = append(waiting, v)
			}
			v.asked++
		}
	}
	w.left = func(c *loop.Conn) {
		if !inside[c] {
			return
		}
		delete(inside, c)
		if len(waiting) == 0 {
			return
		}
		next := waiting[0]
		waiting = waiting[1:]
		inside[next.c] = true
		w.l.At(w.l.Now().Add(3*time.Millisecond), func() {
			for range next.asked {
				next.c.Write([]byte(hello))
			}
		})
	}
}

// When some leave, as many of those who had no place find one: how many, and how
// soon, whether they waited or were turned away. Those who left and those who
// came are accounted for.
func TestRecovery(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                  string
		places                int
		shed                  bool
		leave                 float64
		limit                 time.Duration
		left, waiting, served int
		atLeast, atMost       time.Duration // 0: nobody waited
		censored              bool
		text                  string
	}{
		{"they waited", 6, false, 0.5, time.Second, 3, 4, 3, 3 * time.Millisecond, 4 * time.Millisecond, false, "ms"},
		{"they were turned away", 6, true, 0.5, time.Second, 3, 4, 3, 1, 30 * time.Millisecond, false, "ms"},
		{"more leave than wait", 8, false, 1, time.Second, 8, 2, 2, 3 * time.Millisecond, 4 * time.Millisecond, false, "ms"},
		{"nobody waits", 10, false, 0.5, time.Second, 5, 0, 0, 0, 0, false, "nobody waited"},
		{"nobody is served", 0, true, 0.5, time.Second, 0, 10, 0, 0, 0, false, "nobody was served who could leave"},
		{"too slow", 6, false, 0.5, 2 * time.Millisecond, 3, 4, 0, 0, 0, true, "> 2ms"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
			w.limited(tc.places, tc.shed)
			s := full(w)
			s.Connections, s.Idle = 5, 5
			s.Leave, s.RecoverLimit = tc.leave, tc.limit
			r := w.run(s)
			v := r.Recovery
			if v == nil || v.Left != tc.left || v.Waiting != tc.waiting || v.Served != tc.served || v.Censored != tc.censored || v.LimitNs != int64(tc.limit) {
				t.Fatalf("recovery %+v", v)
			}
			if (v.Ns != nil) != (tc.atMost > 0) || v.Ns != nil && (*v.Ns < int64(tc.atLeast) || *v.Ns > int64(tc.atMost)) {
				t.Errorf("it took %v, want %v to %v", v.text(), tc.atLeast, tc.atMost)
			}
			if !strings.HasSuffix(v.text(), tc.text) {
				t.Errorf("it is told as %q, not %q", v.text(), tc.text)
			}
			// Who was never answered waited no less than who was.
			if d := r.Admission; d.Failed > 0 && (d.Max != nil || d.P50 != nil && d.Censored["max"] < *d.P50) {
				t.Errorf("admission %+v", d)
			}
			if idle := r.IdleOpen; idle > tc.places || idle == 0 && tc.places > 5 {
				t.Errorf("%d idle connections were open before anybody left", idle)
			}
		})
	}
}

// Without --leave nobody leaves, and nothing is told of it.
func TestNoRecovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
	w.limited(6, false)
	if r := w.run(full(w)); r.Recovery != nil || r.Fate["ok"] != 6 || r.Fate["unserved"] != 2 {
		t.Errorf("recovery %+v, fates %v", r.Recovery, r.Fate)
	}
}
