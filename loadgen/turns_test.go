package loadgen

import (
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// full is a load of 8 clients, four of which a server at its limit does not
// take; accept says of which connections it answers the requests.
func full(w *world) Spec {
	s := w.spec()
	s.Assign, s.Redial, s.Schedule.Arrivals = AssignTurn, false, Constant
	s.FillLimit, s.Timeout, s.Schedule.Rate = 50*time.Millisecond, 100*time.Millisecond, 800
	return s
}

// Clients that are never served fail their share of the requests, all of them
// as unserved; with AssignFree those that are served would answer nearly all.
func TestTurnUnserved(t *testing.T) {
	t.Parallel()
	answered := map[string]uint64{}
	for _, assign := range []string{AssignFree, AssignTurn} {
		w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
		w.accept = func(n int) bool { return n < 4 }
		s := full(w)
		s.Assign = assign
		r := w.run(s)
		answered[assign] = r.Requests
		if assign == AssignTurn && (r.Errors["unserved"] != r.Scheduled/2 || len(r.Errors) != 1 || r.Fate["unserved"] != 4) {
			t.Errorf("of %d requests half are of clients that are never served; failures %v, fates %v", r.Scheduled, r.Errors, r.Fate)
		}
	}
	if answered[AssignTurn]*3 > answered[AssignFree]*2 {
		t.Errorf("answered %v: with turn half, with free more", answered)
	}
}

// Who is turned away is shed, with and without words, and so are its requests,
// at once; a reset is none of that.
func TestTurnShed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		refuse func(c *loop.Conn)
		kind   string
	}{
		{"FIN", func(c *loop.Conn) { c.CloseWhenDone() }, "shed"},
		{"503", func(c *loop.Conn) {
			c.Write([]byte("HTTP/1.1 503 Full\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
			c.CloseWhenDone()
		}, "shed"},
		{"421", func(c *loop.Conn) {
			c.Write([]byte("HTTP/1.1 421 Elsewhere\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
			c.CloseWhenDone()
		}, "shed"},
		{"RST", func(c *loop.Conn) { c.Abort() }, "reset"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
			w.serve = func(c *loop.Conn, n int) {
				if n >= 4 && n < 8 { // the first requests of the last four
					tc.refuse(c)
					return
				}
				c.Write([]byte(hello))
			}
			r := w.run(full(w))
			if r.Errors[tc.kind] != r.Scheduled/2 || len(r.Errors) != 1 || r.Fate[tc.kind] != 4 || r.Offered != 8 || r.Admitted != 4 {
				t.Errorf("of %d requests half should be %s: failures %v, fates %v, %d offered, %d admitted", r.Scheduled, tc.kind, r.Errors, r.Fate, r.Offered, r.Admitted)
			}
			for _, q := range r.all {
				if q.Kind != OK && q.End-q.Intended > loop.Time(time.Millisecond) {
					t.Fatalf("a request of a client that is gone failed after %d ns", q.End-q.Intended)
				}
			}
		})
	}
}

// A client whose answered, idle connection the server closes comes again even
// without Redial: it was served and let go.
func TestTurnReaped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, &loop.SimConfig{Latency: 10 * time.Microsecond})
	reaped := 0
	w.serve = func(c *loop.Conn, n int) {
		c.Write([]byte(hello))
		if n >= 8 && n%50 == 0 {
			reaped++
			w.l.At(w.l.Now().Add(time.Millisecond), func() { c.CloseWhenDone() })
		}
	}
	r := w.run(full(w))
	if reaped == 0 || r.Redialled != reaped || r.Fate["closed"] != uint64(reaped) || len(r.Errors) != 0 || r.Offered != 8+reaped {
		t.Errorf("%d connections were closed while idle: %d redialled, fates %v, failures %v, %d offered", reaped, r.Redialled, r.Fate, r.Errors, r.Offered)
	}
}

func TestTurnUsage(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Spec){
		"--closed":        func(s *Spec) { s.Closed, s.Schedule.Rate = true, 0 },
		"--no-keep-alive": func(s *Spec) { s.NoKeepAlive = true },
		`--assign "odd"`:  func(s *Spec) { s.Assign = "odd" },
	} {
		s := newWorld(t, nil).spec()
		s.Assign = AssignTurn
		change(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
	}
}
