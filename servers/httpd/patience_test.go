package httpd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// open is how many connections the server has. A client that reads nothing
// does not see the end of its own.
func (w *world) open() (n int) {
	w.loop.Each(func(c *loop.Conn) {
		if _, ok := c.Handler().(*conn); ok {
			n++
		}
	})
	return n
}

// logbook is a Logger that keeps what it is told.
type logbook []Entry

func (b *logbook) Log(e *Entry) { *b = append(*b, *e.clone()) }

// said is what a log says of each answer.
func (b *logbook) said() string {
	var s []string
	for _, e := range *b {
		s = append(s, fmt.Sprintf("%s %s %d %d", e.Method, e.Target, e.Status, e.Bytes))
	}
	return strings.Join(s, ", ")
}

// TestDeafClientsGo: a client that was refused, or whose content does not
// come, and that reads nothing, is given up, and an orderly end need not wait
// for ever.
func TestDeafClientsGo(t *testing.T) {
	const size = 1000
	whole := len(newWorld(t, loop.Config{}, Config{}, "").ask(fmt.Sprintf("GET /fixed/%d HTTP/1.1\r\nHost: a\r\n\r\n", size)))
	window := func(n int) loop.Config { return loop.Config{Sim: &loop.SimConfig{Window: n}} }
	get := fmt.Sprintf("GET /fixed/%d HTTP/1.1\r\nHost: a\r\n\r\n", size)
	for _, test := range []struct {
		name  string
		lcfg  loop.Config
		cfg   Config
		sends string
		by    time.Duration // the server must have closed
		log   string
	}{
		{"content never comes", loop.Config{}, Config{}, "GET /fixed/1000000 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 3 * time.Minute,
			"GET /fixed/1000000 200 1000000"},
		{"content of 1.0 never comes, its answer has no size", loop.Config{}, Config{},
			"POST /give/-1/1000000 HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n", 3 * time.Minute, "POST /give/-1/1000000 200 65536"},
		{"half a head, the window is full", window(whole), Config{}, get + "GE", 3 * time.Minute, "GET /fixed/1000 200 1000,   408 20"},
		{"half a head, no idle timeout", window(whole), Config{IdleTimeout: -1}, get + "GE", 31 * time.Second, "GET /fixed/1000 200 1000,   408 20"},
		{"content never comes, the window is full", window(whole + 25), Config{},
			strings.Replace(get, "\r\n\r\n", "\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 1), 3 * time.Minute,
			"GET /fixed/1000 200 1000, POST /echo 408 20"},
		{"content never comes, no idle timeout", window(whole + 25), Config{IdleTimeout: -1},
			strings.Replace(get, "\r\n\r\n", "\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 1), 31 * time.Second,
			"GET /fixed/1000 200 1000, POST /echo 408 20"},
		{"no head at all", window(whole), Config{IdleTimeout: -1}, get + "\n", 31 * time.Second, "GET /fixed/1000 200 1000,   400 16"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log logbook
			test.cfg.Extensions, test.cfg.Log = []Extension{&later{}, NewFixed()}, &log
			w := newWorld(t, test.lcfg, test.cfg, "")
			w.dial(&client{sends: texts(test.sends), deaf: time.Hour})
			var drained loop.Time
			w.loop.At(seconds(0.5), func() { w.server.Drain(func() { drained = w.loop.Now() }) })
			w.loop.At(loop.Time(test.by), func() {
				if n := w.open(); n > 0 {
					t.Errorf("after %v it is still there", test.by)
				}
			})
			w.run()
			if drained == 0 || drained > loop.Time(test.by) {
				t.Errorf("drained at %v, want by %v", time.Duration(drained), test.by)
			}
			if got := log.said(); got != test.log {
				t.Errorf("logged %q, want %q", got, test.log)
			}
		})
	}
}

// TestContentOfWhoWaits: the time for content does not run while the server
// itself does not read it, as the client has yet to take its answers.
func TestContentOfWhoWaits(t *testing.T) {
	const size = 24000 // more than the loop keeps
	content := strings.Repeat("x", size)
	cfg := Config{Extensions: []Extension{&later{}, NewFixed()}, HeadTimeout: 2 * time.Second, IdleTimeout: 20 * time.Second}
	// 1000 bytes in half a second: the queue stands between its two bounds for
	// more than one look at it.
	slow := loop.Config{Sim: &loop.SimConfig{Window: 1000, Latency: 250 * time.Millisecond}}
	for _, test := range []struct {
		name, sends, want string
		size              int
	}{
		{"behind its answer", "GET /fixed/100000 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + request, "200 200", 100001},
		{"taken as it comes", fmt.Sprintf("POST /back HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", size, content), "200", size},
	} {
		w := newWorld(t, slow, cfg, "")
		c := w.dial(&client{sends: texts(test.sends), deaf: 15 * time.Second, fin: true})
		w.run()
		got := 0
		for _, answer := range strings.Split(string(c.got), "HTTP/1.1 ")[1:] {
			got += len(body([]byte(answer)))
		}
		if statuses(c.got) != test.want || got != test.size {
			t.Errorf("%s: got %s with %d bytes, want %s with %d; closed with %v", test.name, statuses(c.got), got, test.want, test.size, c.err)
		}
	}
	// Nor while its taker does not want it, though it be for a part of the time.
	w := newWorld(t, loop.Config{}, cfg, "")
	c := w.dial(&client{sends: texts("POST /hold/1900 HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n"+content[:10], content[:1990]), gap: 3 * time.Second})
	w.run()
	if statuses(c.got) != "200" {
		t.Errorf("content that is not wanted for a while: got %q", c.got)
	}
	// Nor if the loop did not read for a part of the time: 20000 bytes take two
	// seconds, and half of them are more than it queues.
	for _, test := range []struct{ name, path, first string }{
		{"a pause", "/fixed/17000", content[:10]}, {"an answer at once", "/fixed/20000", ""},
		{"a late answer", "/reply/20000", content[:10]}, {"a streamed answer", "/burst/20000", content[:10]},
	} {
		w := newWorld(t, loop.Config{Sim: &loop.SimConfig{Window: 2000, Latency: 100 * time.Millisecond}}, cfg, "")
		c := w.dial(&client{
			sends: texts("GET "+test.path+" HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n"+test.first, content[:2000-len(test.first)]+request),
			gap:   3 * time.Second,
		})
		w.run()
		if statuses(c.got) != "200 200" {
			t.Errorf("content beside %s: got %s; closed with %v", test.name, statuses(c.got), c.err)
		}
	}
	// An idle time that is shorter than that of heads does not shorten it.
	short := cfg
	short.HeadTimeout, short.IdleTimeout = 10*time.Second, 3*time.Second
	w = newWorld(t, loop.Config{Sim: &loop.SimConfig{Window: 1500}}, short, "")
	c = w.dial(&client{
		sends: texts("POST /back HTTP/1.0\r\nContent-Length: 3000\r\n\r\n"+content[:1500], content[:10], content[:1490]),
		gap:   7 * time.Second, deaf: 15 * time.Second,
	})
	w.run()
	if got := len(body(c.got)); statuses(c.got) != "200" || got != 3000 || c.err != nil {
		t.Errorf("content every 7 s: got %s with %d bytes; closed with %v", statuses(c.got), got, c.err)
	}
	// It runs again when the answers have been taken.
	w = newWorld(t, slow, cfg, "")
	c = w.dial(&client{sends: texts(fmt.Sprintf("POST /back HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", size+1, content)), deaf: 15 * time.Second})
	w.run()
	// At this pace they take 12 s.
	if loop.Kind(c.err) != "reset" || c.closed < seconds(20) || c.closed > seconds(15+12+3*2) {
		t.Errorf("content that does not go on: closed at %v with %v", time.Duration(c.closed), c.err)
	}
}

// TestNoHeadTimeout: without a time for heads the idle timeout bounds content
// too, whoever is to answer.
func TestNoHeadTimeout(t *testing.T) {
	for _, test := range []struct{ path, sends, want, kind string }{
		{"/echo", "", "408", "ok"}, {"/echo", "12", "408", "ok"}, {"/after/3600000", "", "408", "ok"}, {"/after/1", "", "200", "ok"},
		{"/back", "12", "200", "reset"},
	} {
		l := &later{}
		w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{l}, HeadTimeout: -1, IdleTimeout: 3 * time.Second}, "")
		c := w.dial(&client{sends: texts("POST " + test.path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n" + test.sends)})
		w.loop.At(seconds(60), w.loop.Stop)
		w.run()
		if statuses(c.got) != test.want || loop.Kind(c.err) != test.kind || !near(c.closed, 3*time.Second) {
			t.Errorf("%s: got %q, closed at %v with %v", test.path, c.got, time.Duration(c.closed), c.err)
		}
		if want := len(test.want) + 1 - len("200"); test.path != "/after/1" && l.gone != want {
			t.Errorf("%s: Gone was called %d times", test.path, l.gone)
		}
	}
	// Who has sent all of it waits, and so does who is not asked for more yet.
	w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{&later{}}, HeadTimeout: -1, IdleTimeout: 3 * time.Second}, "")
	long := strings.Repeat("x", 30000) // takes 10 s
	slow := w.dial(&client{sends: texts("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n" + long)})
	late := w.dial(&client{sends: texts("POST /after/10000 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy")})
	w.run()
	if statuses(slow.got) != "200" || statuses(late.got) != "200" {
		t.Errorf("got %.80q and %q", slow.got, late.got)
	}
}

// TestIdleFromLastOutput: the time of an idle connection counts from when the
// client got its answer, however that was made.
func TestIdleFromLastOutput(t *testing.T) {
	const idle = 20 * time.Second
	for path, last := range map[string]float64{
		"/after/15000": 15, "/reply/3000000": 18, "/give/-1/3000000": 18, "/promise/-1/3000000": 18, "/promise/3000000/3000000": 18,
		"/late/15000": 0, // but its end is known after 15 s
	} {
		// 16 KiB in flight for 50 ms each way: 3 MB take 18 s.
		w := newWorld(t, loop.Config{Sim: &loop.SimConfig{Window: 16 << 10, Latency: 50 * time.Millisecond}},
			Config{Extensions: []Extension{&later{}}, IdleTimeout: idle}, "")
		c := w.dial(&client{sends: texts("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")})
		w.run()
		kept := c.ended - c.last
		if last == 0 {
			kept = c.ended - seconds(15.2)
		}
		if !near(kept, idle) || c.last < seconds(last) || c.last > seconds(last+1) {
			t.Errorf("%s: the connection was kept for %v, the last byte came at %v", path, time.Duration(kept), time.Duration(c.last))
		}
	}
}
