package httpd

import (
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

const request = "GET /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n"

// near says whether a deadline that was due then was kept.
func near(got loop.Time, want time.Duration) bool {
	late := time.Duration(got) - want
	return late >= 0 && late < 50*time.Millisecond
}

// texts makes the sends of a client.
func texts(text ...string) (sends [][]byte) {
	for _, s := range text {
		sends = append(sends, []byte(s))
	}
	return sends
}

func TestIdleTimeout(t *testing.T) {
	tests := []struct {
		name  string
		idle  time.Duration
		sends [][]byte
		gap   time.Duration
		ended time.Duration // 0: never
	}{
		{"silent", 0, nil, 0, time.Minute},
		{"silent, own timeout", 3 * time.Second, nil, 0, 3 * time.Second},
		{"after a request", 3 * time.Second, texts("", request), 2 * time.Second, 5 * time.Second},
		{"after many", 3 * time.Second, texts(request, request, request, request), 2500 * time.Millisecond, 10500 * time.Millisecond},
		{"off", -1, texts(request), 0, 0},
		{"after a head in pieces", 3 * time.Second, texts(request[:9], request[9:]), time.Second, 4 * time.Second},
		{"after content in pieces", 3 * time.Second, texts("POST /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na", "b"), time.Second, 4 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, loop.Config{}, Config{IdleTimeout: test.idle}, "")
			c := w.dial(&client{sends: test.sends, gap: test.gap})
			w.run()
			if test.ended == 0 && c.ended != 0 || test.ended > 0 && !near(c.ended, test.ended) {
				t.Errorf("ended at %v, want %v", time.Duration(c.ended), test.ended)
			}
			if strings.Contains(string(c.got), "408") {
				t.Errorf("an idle connection got %q", c.got)
			}
		})
	}
}

func TestHeadTimeout(t *testing.T) {
	bytewise := func(s string) []string { return strings.Split(s, "") }
	tests := []struct {
		name  string
		cfg   Config
		sends [][]byte
		gap   time.Duration
		ended time.Duration
		want  []string // statuses
	}{
		{"stalled", Config{}, texts("GET / HT"), 0, 10 * time.Second, []string{"408"}},
		{"only the empty line", Config{}, texts("\r\n"), 0, 10 * time.Second, []string{"408"}},
		{"trickling", Config{HeadTimeout: 5 * time.Second}, texts(bytewise(request)...), time.Second, 5 * time.Second, []string{"408"}},
		{"slow but in time", Config{IdleTimeout: 20 * time.Second}, texts(bytewise(request)...), 250 * time.Millisecond, 28250 * time.Millisecond, []string{"200"}},
		{"after a request", Config{}, texts(request, request+"GE", "T"), 4 * time.Second, 14 * time.Second, []string{"200", "200", "408"}},
		{"each head has its own time", Config{IdleTimeout: time.Minute},
			texts("G", "ET /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\nG", "ET /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\nG"), 9 * time.Second, 28 * time.Second, []string{"200", "200", "408"}},
		{"off: the idle timeout holds", Config{HeadTimeout: -1, IdleTimeout: 15 * time.Second}, texts("G"), 0, 15 * time.Second, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, loop.Config{}, test.cfg, "")
			c := w.dial(&client{sends: test.sends, gap: test.gap})
			w.run()
			if !near(c.ended, test.ended) {
				t.Errorf("ended at %v, want %v", time.Duration(c.ended), test.ended)
			}
			var got []string
			for _, part := range strings.Split(string(c.got), "HTTP/1.1 ")[1:] {
				got = append(got, part[:3])
			}
			if strings.Join(got, " ") != strings.Join(test.want, " ") {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestStalledReader: a client that does not take its response is reset, one
// that takes it slowly is not.
func TestStalledReader(t *testing.T) {
	big := texts("GET /fixed/1000000 HTTP/1.1\r\nHost: a\r\n\r\n")
	cfg := Config{IdleTimeout: 2 * time.Second}
	w := newWorld(t, loop.Config{}, cfg, "")
	stalled := w.dial(&client{sends: big, deaf: time.Hour})
	w.run()
	if loop.Kind(stalled.err) != "reset" {
		t.Errorf("stalled: %v", stalled.err)
	}
	// 16 KiB in flight for 100 ms each way: some seconds for the whole.
	w = newWorld(t, loop.Config{Sim: &loop.SimConfig{Window: 16 << 10, Latency: 100 * time.Millisecond}}, cfg, "")
	slow := w.dial(&client{sends: big})
	w.run()
	if len(slow.got) < 1000000 || slow.err != nil {
		t.Errorf("slow: %d bytes, %v", len(slow.got), slow.err)
	}
	if last := 9 * time.Second; slow.ended < loop.Time(last) {
		t.Errorf("it ended at %v; a test of slowness wants more than %v", time.Duration(slow.ended), last)
	}
	if kept := slow.ended - slow.last; !near(kept, cfg.IdleTimeout) {
		t.Errorf("the connection was kept for %v after the last byte", time.Duration(kept))
	}
}

// TestHeadBehindSlowAnswers: the time for a head does not run while the client
// takes the answers to what it asked before.
func TestHeadBehindSlowAnswers(t *testing.T) {
	w := newWorld(t, loop.Config{Sim: &loop.SimConfig{Window: 1000}}, Config{}, "")
	c := w.dial(&client{
		sends: texts("GET /fixed/10000 HTTP/1.1\r\nHost: a\r\n\r\nG", "ET /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n"),
		gap:   16 * time.Second, deaf: 15 * time.Second, fin: true,
	})
	w.run()
	if n := strings.Count(string(c.got), "HTTP/1.1 200 OK"); n != 2 || c.err != nil {
		t.Errorf("%d answers, %v: ...%q", n, c.err, c.got[max(0, len(c.got)-200):])
	}
}

func TestDateMoves(t *testing.T) {
	w := newWorld(t, loop.Config{}, Config{}, "")
	c := w.dial(&client{sends: texts(request, request, request), gap: 700 * time.Millisecond})
	w.run()
	for date, want := range map[string]int{"00:00:00": 2, "00:00:01": 1} {
		if got := strings.Count(string(c.got), "Date: Sat, 01 Jan 2000 "+date+" GMT\r\n"); got != want {
			t.Errorf("%s: %d times, want %d", date, got, want)
		}
	}
}

// TestDrain: what has come is answered, to the last byte, and then nothing.
func TestDrain(t *testing.T) {
	w := newWorld(t, loop.Config{Out: 512, Sim: &loop.SimConfig{Window: 4000, Latency: time.Second}}, Config{}, "")
	idle := w.dial(&client{})
	half := w.dial(&client{sends: texts("GET /fixed/1 HT", "TP/1.1\r\nHost: a\r\n\r\n"), gap: 4 * time.Second})
	long := w.dial(&client{sends: texts("GET /fixed/20000 HTTP/1.1\r\nHost: a\r\n\r\n")})
	// It was busy once and is idle now.
	rested := w.dial(&client{sends: texts(strings.Repeat("GET /fixed/600 HTTP/1.1\r\nHost: a\r\n\r\n", 2))})
	deep := w.dial(&client{sends: texts(strings.Repeat("GET /fixed/5000 HTTP/1.1\r\nHost: a\r\n\r\n", 3))})
	var done loop.Time
	w.loop.At(loop.Time(4500*time.Millisecond), func() {
		w.server.Drain(func() {
			done = w.loop.Now()
			w.loop.Stop()
		})
	})
	w.run()
	if done == 0 {
		t.Fatal("it never ended")
	}
	for _, c := range []struct {
		name    string
		client  *client
		answers int
		least   int
	}{{"idle", idle, 0, 0}, {"half a head", half, 1, 1}, {"a long response", long, 1, 20000}, {"pipelined", deep, 2, 10000}} {
		if got := strings.Count(string(c.client.got), "HTTP/1.1 200 OK"); got != c.answers || len(c.client.got) < c.least {
			t.Errorf("%s: %d answers of %d bytes, want %d of at least %d", c.name, got, len(c.client.got), c.answers, c.least)
		}
	}
	for _, c := range []*client{idle, rested} {
		if c.closed < done || c.ended != 0 {
			t.Errorf("an idle connection was closed at %v, before the end at %v", time.Duration(c.closed), time.Duration(done))
		}
	}
	if done > loop.Time(30*time.Second) {
		t.Errorf("it took until %v", time.Duration(done))
	}
	if !strings.HasSuffix(string(half.got), "Connection: close\r\n\r\nH") {
		t.Errorf("the last response does not say that it is: %q", half.got)
	}
}

func TestDrainWithNothingToDo(t *testing.T) {
	w := newWorld(t, loop.Config{}, Config{}, "")
	done := false
	w.loop.Post(func() { w.server.Drain(func() { done = true }) })
	w.run()
	if !done {
		t.Error("it never ended")
	}
}
