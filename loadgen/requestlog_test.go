package loadgen

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"medusa/poller/loop"
)

// TestRequestLog: what is written is read again, and a server that counts the
// requests on each connection agrees with every port and ordinal.
func TestRequestLog(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Spec){
		"open":             func(s *Spec) { s.Schedule.Rate = 2000 },
		"closed":           func(s *Spec) { s.Closed, s.Schedule.Rate = true, 0 },
		"streams":          func(s *Spec) { s.Closed, s.Schedule.Rate, s.Depth = true, 0, 4 },
		"for each request": func(s *Spec) { s.NoKeepAlive = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, &loop.SimConfig{Seed: 2, Latency: 50 * time.Microsecond})
			type key struct {
				port    uint16
				ordinal int64
			}
			count := map[uint16]int64{}
			arrived := map[key]loop.Time{}
			w.serve = func(c *loop.Conn, n int) {
				port := c.RemoteAddr().Port()
				arrived[key{port, count[port]}] = w.l.Now()
				count[port]++
				if n%40 == 39 {
					c.Abort()
					return
				}
				w.after(time.Millisecond, c, hello)
			}
			s := w.spec()
			s.Warmup, s.Duration = 50*time.Millisecond, 200*time.Millisecond
			change(&s)
			r := w.run(s)
			log := r.g.Log(r.all)
			inside := 0
			for _, q := range log {
				if q.InWindow {
					inside++
				}
				if q.Sent == Never || q.Kind == Reset {
					continue // a reset overtakes what was sent
				}
				at, there := arrived[key{q.Port, q.Ordinal}]
				if !there || at < q.Sent || at > q.First {
					t.Fatalf("request %d of port %d (%v) was sent at %d and answered at %d, but arrived at %d (%v)", q.Ordinal, q.Port, q.Kind, q.Sent, q.First, at, there)
				}
			}
			if inside != int(r.Scheduled) || inside == len(log) {
				t.Errorf("%d of %d requests are in the window, the report has %d", inside, len(log), r.Scheduled)
			}
			var b bytes.Buffer
			if err := WriteRequests(&b, log); err != nil {
				t.Fatal(err)
			}
			again, err := ReadRequests(&b)
			if err != nil {
				t.Fatal(err)
			}
			for i := range log { // what a log does not have
				log[i].Slot, log[i].Bytes, log[i].Dialled, log[i].Opened = -1, 0, Never, Never
			}
			if d := cmp.Diff(log, again); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestReadRequestsRefuses(t *testing.T) {
	t.Parallel()
	const good = "40000,1,5,5,6,7,8,ok,1"
	for name, text := range map[string]string{
		"no header":    good,
		"few fields":   requestsHeader + "\n1,2,3",
		"a port":       requestsHeader + "\n" + strings.Replace(good, "40000", "70000", 1),
		"a time":       requestsHeader + "\n" + strings.Replace(good, ",7,", ",x,", 1),
		"unknown kind": requestsHeader + "\n" + strings.Replace(good, "ok", "fine", 1),
	} {
		if _, err := ReadRequests(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	all, err := ReadRequests(strings.NewReader(requestsHeader + "\n" + good + "\n"))
	if err != nil || len(all) != 1 || all[0].Port != 40000 || !all[0].InWindow {
		t.Errorf("%+v, %v", all, err)
	}
}
