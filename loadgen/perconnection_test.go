package loadgen

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// Connections that have so many requests: each has just these, the last one asks
// for the end, and every count is as without.
func TestRequestsPerConnection(t *testing.T) {
	t.Parallel()
	for _, closed := range []bool{true, false} {
		for _, per := range []int{1, 2, 50} {
			w := newWorld(t, &loop.SimConfig{Latency: 100 * time.Microsecond})
			heads := map[*loop.Conn][]string{}
			n, err := w.l.Listen(loop.ListenOptions{Address: addrPort("127.0.0.1:81")}, func(*loop.Conn) loop.Handler {
				return &headConn{serve: func(c *loop.Conn, head string) {
					heads[c] = append(heads[c], head)
					c.Write([]byte(hello))
					if strings.Contains(head, "close") {
						c.CloseWhenDone()
					}
				}}
			})
			if err != nil {
				t.Fatal(err)
			}
			w.addr = n.Addr()
			s := w.spec()
			s.Connections, s.PerConnection = 5, per
			if closed {
				s.Closed, s.Schedule.Rate = true, 0
			}
			r := w.run(s)
			if r.Requests < 100 || r.Requests != r.Scheduled || r.TotalSent != r.TotalAnswered || r.PerConnection != per {
				t.Fatalf("closed %v, %d each: %d of %d, %d sent, %d answered", closed, per, r.Requests, r.Scheduled, r.TotalSent, r.TotalAnswered)
			}
			whole, part := 0, 0
			for _, all := range heads {
				for i, head := range all {
					if last := i == per-1; strings.Contains(head, "close") != last {
						t.Fatalf("%d each: request %d says %q", per, i+1, head)
					}
				}
				switch {
				case len(all) == per:
					whole++
				case len(all) < per:
					part++
				default:
					t.Fatalf("%d each: a connection had %d", per, len(all))
				}
			}
			if part > s.Connections || whole == 0 || r.Offered != whole+part || r.Fate["ok"] != uint64(r.Offered) {
				t.Errorf("%d each: %d had all, %d not, of %d; fates %v", per, whole, part, r.Offered, r.Fate)
			}
			firsts := 0
			for _, q := range r.all {
				if first := q.Ordinal == 0; first != (q.Dialled != Never) {
					t.Fatalf("%d each: request %d of its connection, dialled at %d", per, q.Ordinal, q.Dialled)
				}
				if q.Ordinal == 0 {
					firsts++
				}
			}
			if firsts != r.Offered {
				t.Errorf("%d each: %d first requests, %d connections", per, firsts, r.Offered)
			}
		}
	}
}

// headConn is the server's end of a connection; serve is given each request.
type headConn struct {
	testConn
	serve func(c *loop.Conn, head string)
}

func (h *headConn) Closed(*loop.Conn, error) {}
func (h *headConn) Received(c *loop.Conn, p []byte) (used int) {
	for {
		head, _, whole := bytes.Cut(p[used:], headEnd)
		if !whole {
			return used
		}
		used += len(head) + len(headEnd)
		h.serve(c, string(head))
	}
}

// Both forms of a request have one size, so that what was sent can be told in
// requests from bytes.
func TestLastRequestIsAsLong(t *testing.T) {
	t.Parallel()
	s := Default()
	s.URL, s.PerConnection = "http://h/x", 7
	p, size, err := s.request()
	if err != nil || len(s.lastRequest()) != size || bytes.Equal(p, s.lastRequest()) {
		t.Errorf("%q and %q, %v", p, s.lastRequest(), err)
	}
	for _, each := range []int{0, 1} {
		if s.PerConnection = each; s.lastRequest() != nil {
			t.Errorf("%d each: a last request of its own", each)
		}
	}
}
