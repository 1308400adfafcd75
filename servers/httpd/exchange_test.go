package httpd

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// later is an extension that answers later, for tests:
//
//	/after/MS       after a time, without taking the content
//	/echo           with the content, when it has come
//	/back           with the content, as it comes
//	/slow           takes 3 bytes of content at a time, one each millisecond
//	/hold/MS        takes content after a time
//	/early          answers at the first byte of content
//	/burst/N        takes content, and after 100 ms begins to answer with N bytes
//	/reply/N        takes content, and after 100 ms answers with N bytes
//	/promise/N/M    promises N bytes (-1: does not know) and after 1 ms writes M
//	/late/MS        promises a byte and writes it, and says after a time that it was all
//	/give/N/M       gives a reader of M bytes and promises N
type later struct {
	gone  int
	ended int
}

type task struct {
	l     *later
	x     *Exchange
	kind  string
	n     int
	got   []byte
	begun bool
}

func (l *later) Match(r *Request) bool { return !bytes.HasPrefix(r.Path, []byte("/fixed/")) }

func (l *later) Handle(r *Request, w *Response) {
	kind, rest, _ := strings.Cut(string(r.Path[1:]), "/")
	a, b, _ := strings.Cut(rest, "/")
	n, _ := strconv.Atoi(a)
	m, _ := strconv.Atoi(b)
	if kind == "give" {
		w.BodyReader(&counted{r: strings.NewReader(strings.Repeat("g", m)), l: l}, int64(n))
		return
	}
	t := &task{l: l, kind: kind, n: n}
	t.x = w.Async(t)
	lp := t.x.Loop()
	switch kind {
	case "after":
		lp.At(lp.Now().Add(time.Duration(n)*time.Millisecond), func() { t.answer([]byte("after")) })
	case "promise":
		lp.Post(func() { t.x.AnswerStream(int64(n), func(*Response) {}) })
		lp.At(lp.Now().Add(time.Millisecond), func() {
			t.x.Write(bytes.Repeat([]byte("p"), m))
			t.x.End()
		})
	case "burst", "reply":
		t.x.TakeContent(t)
		lp.At(lp.Now().Add(100*time.Millisecond), func() {
			if text := bytes.Repeat([]byte("b"), n); kind == "reply" {
				t.answer(text)
			} else {
				t.stream()
				t.x.Write(text)
			}
		})
	case "late":
		lp.Post(func() {
			t.x.AnswerStream(1, func(*Response) {})
			t.x.Write([]byte("l"))
		})
		lp.At(lp.Now().Add(time.Duration(n)*time.Millisecond), t.x.End)
	default:
		t.x.TakeContent(t)
	}
}

func (t *task) answer(p []byte) { t.x.Answer(func(w *Response) { w.Body(p) }) }

func (t *task) Content(p []byte) (used int) {
	switch t.kind {
	case "slow":
		n := min(len(p), 3)
		t.got = append(t.got, p[:n]...)
		if n < len(p) {
			lp := t.x.Loop()
			lp.At(lp.Now().Add(time.Millisecond), t.x.MoreContent)
		}
		return n
	case "hold":
		if !t.begun {
			t.begun = true
			lp := t.x.Loop()
			lp.At(lp.Now().Add(time.Duration(t.n)*time.Millisecond), t.x.MoreContent)
			return 0
		}
		t.got = append(t.got, p...)
	case "back":
		t.stream()
		t.x.Write(p)
	case "early":
		if !t.begun {
			t.begun = true
			t.answer([]byte("early"))
		}
	default:
		t.got = append(t.got, p...)
	}
	return len(p)
}

func (t *task) stream() {
	if !t.begun {
		t.begun = true
		t.x.AnswerStream(-1, func(w *Response) { w.ContentType = "x/y" })
	}
}

func (t *task) ContentEnd() {
	t.l.ended++
	switch t.kind {
	case "back":
		t.stream()
		t.x.End()
	case "burst":
		t.x.End()
	case "early", "reply":
	default:
		t.answer(t.got)
	}
}

func (t *task) Drained() {}
func (t *task) Gone()    { t.l.gone++ }

// counted counts how often it is closed.
type counted struct {
	r io.Reader
	l *later
}

func (c *counted) Read(p []byte) (int, error) { return c.r.Read(p) }
func (c *counted) Close() error               { c.l.ended++; return nil }

func TestExchanges(t *testing.T) {
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }
	post := func(path, fields, content string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(content)) + content
	}
	chunks := func(path, content string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + content
	}
	bare := func(body string) string { return head("200 OK", "", len(body)) + "\r\n" + body }
	last := func(body string) string { return head("200 OK", "", len(body)) + closes + "\r\n" + body }
	coded := func(fields, body string) string {
		return "HTTP/1.1 200 OK\r\nServer: medusa\r\nDate: " + epochDate + "\r\n" + fields + "Transfer-Encoding: chunked\r\n\r\n" + body
	}
	bad := func(status string) string { return plain(status, status+"\n", closes) }
	one := plain("200 OK", "H", "")
	tests := []struct {
		name, in, out string
		gone          int
		whole         bool // how the answer is cut depends on how the request was
	}{
		{"after", get("/after/5") + get("/fixed/1"), bare("after") + one, 0, false},
		{"after, closing", "GET /after/5 HTTP/1.0\r\n\r\n" + get("/fixed/1"), last("after"), 0, false},
		{"after, HEAD", "HEAD /after/5 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/fixed/1"), bare("after")[:len(bare("after"))-5] + one, 0, false},
		{"after, content thrown away", post("/after/5", "", "abc") + get("/fixed/1"), bare("after") + one, 0, false},
		{"after, content of 1.0", "POST /after/5 HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc" + get("/fixed/1"), last("after"), 0, false},
		{"after, content not asked for", post("/after/5", "Expect: 100-continue\r\n", "abc") + get("/fixed/1"), last("after"), 0, false},
		{"several", strings.Repeat(get("/after/1"), 5), strings.Repeat(bare("after"), 5), 0, false},
		{"echo", post("/echo", "", "abc") + get("/fixed/1"), bare("abc") + one, 0, false},
		{"echo of nothing", post("/echo", "", "") + get("/fixed/1"), bare("") + one, 0, false},
		{"echo of chunks", chunks("/echo", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n") + get("/fixed/1"), bare("abc") + one, 0, false},
		{"echo, expected", post("/echo", "Expect: 100-continue\r\n", "abc") + get("/fixed/1"), "HTTP/1.1 100 Continue\r\n\r\n" + bare("abc") + one, 0, false},
		{"echo, closing", post("/echo", "Connection: close\r\n", "abc") + get("/fixed/1"), last("abc"), 0, false},
		{"echo, cut off", post("/echo", "", "abc")[:len(post("/echo", "", "abc"))-1], bad("400 Bad Request"), 1, false},
		{"echo, faulty chunk", chunks("/echo", "1\r\nab"), bad("400 Bad Request"), 1, false},
		{"echo, too long", chunks("/echo", "5\r\nhello\r\n100000\r\n"+strings.Repeat("x", 1<<20)), bad("413 Content Too Large"), 1, true},
		{"back", post("/back", "", "abc") + get("/fixed/1"), coded("Content-Type: x/y\r\n", "3\r\nabc\r\n0\r\n\r\n") + one, 0, true},
		{"back of 1.0", "POST /back HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\nServer: medusa\r\nDate: " + epochDate + "\r\nContent-Type: x/y\r\nConnection: close\r\n\r\nabc", 0, true},
		{"back, HEAD", strings.Replace(post("/back", "", "abc"), "POST", "HEAD", 1) + get("/fixed/1"), coded("Content-Type: x/y\r\n", "") + one, 0, false},
		{"slow", post("/slow", "", "0123456789") + get("/fixed/1"), bare("0123456789") + one, 0, false},
		{"slow chunks", chunks("/slow", "7\r\n0123456\r\n3\r\n789\r\n0\r\nT: u\r\n\r\n") + get("/fixed/1"), bare("0123456789") + one, 0, false},
		{"early", post("/early", "", "0123456789") + get("/fixed/1"), bare("early") + one, 0, false},
		{"early, closing", post("/early", "Connection: close\r\n", "0123456789") + get("/fixed/1"), last("early"), 0, false},
		{"promise kept", get("/promise/3/3") + get("/fixed/1"), bare("ppp") + one, 0, false},
		{"promise exceeded", get("/promise/3/4") + get("/fixed/1"), bare("ppp") + one, 0, false},
		{"promise of unknown size", get("/promise/-1/300") + get("/fixed/1"), coded("", "12c\r\n"+strings.Repeat("p", 300)+"\r\n0\r\n\r\n") + one, 0, false},
		{"given", get("/give/3/3") + get("/fixed/1"), bare("ggg") + one, 0, false},
		{"given too much", get("/give/3/9") + get("/fixed/1"), bare("ggg") + one, 0, false},
		{"given nothing", get("/give/0/9") + get("/fixed/1"), bare("") + one, 0, false},
		{"given an unknown size", get("/give/-1/9") + get("/fixed/1"), coded("", "00009\r\nggggggggg\r\n0\r\n\r\n") + one, 0, false},
		{"given an unknown size of nothing", get("/give/-1/0") + get("/fixed/1"), coded("", "0\r\n\r\n") + one, 0, false},
		{"given to 1.0", "GET /give/-1/9 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
			"HTTP/1.1 200 OK\r\nServer: medusa\r\nDate: " + epochDate + "\r\nConnection: close\r\n\r\nggggggggg", 0, false},
		{"given too little", get("/give/4/3") + get("/fixed/1"), head("200 OK", "", 4) + "\r\nggg", 0, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ask := func(how string, sim loop.SimConfig, sends ...[]byte) {
				t.Helper()
				l := &later{}
				w := newWorld(t, loop.Config{Sim: &sim}, Config{Extensions: []Extension{l, NewFixed()}}, "")
				c := w.dial(&client{sends: sends, gap: 1, fin: true})
				w.run()
				if got := dates.ReplaceAllString(string(c.got), epochDate); got != test.out {
					t.Fatalf("%s: got %.999q\nwant %.999q", how, got, test.out)
				}
				if l.gone != test.gone {
					t.Errorf("%s: Gone was called %d times, want %d", how, l.gone, test.gone)
				}
			}
			ask("in one piece", loop.SimConfig{}, []byte(test.in))
			if test.whole {
				return
			}
			for cut := 1; cut < len(test.in); cut++ {
				ask(fmt.Sprintf("cut at %d", cut), loop.SimConfig{}, []byte(test.in[:cut]), []byte(test.in[cut:]))
			}
			ask("byte by byte", loop.SimConfig{Seed: 1, MaxChunk: 1, Latency: time.Microsecond}, []byte(test.in))
		})
	}
}

// TestExchangeClientGoes: whoever promised an answer is told once when the
// client goes, and what it does then has no effect.
func TestExchangeClientGoes(t *testing.T) {
	for _, path := range []string{"/after/100", "/echo", "/back", "/slow"} {
		l := &later{}
		w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{l}}, "")
		c := w.dial(&client{sends: texts("POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123"), stays: true})
		w.loop.At(loop.Time(50*time.Millisecond), func() { c.conn.Abort() })
		w.run()
		if l.gone != 1 || l.ended != 0 {
			t.Errorf("%s: Gone was called %d times, ContentEnd %d times", path, l.gone, l.ended)
		}
	}
}

// TestContentTimeout: content that trickles is given up, content that its
// taker does not want yet is not.
func TestContentTimeout(t *testing.T) {
	cfg := func(l *later) Config { return Config{Extensions: []Extension{l}, HeadTimeout: 2 * time.Second} }
	for _, test := range []struct{ path, want string }{
		{"/echo", "408"}, {"/after/60000", "408"}, {"/back", "200"},
	} {
		l := &later{}
		w := newWorld(t, loop.Config{}, cfg(l), "")
		c := w.dial(&client{sends: texts("POST "+test.path+" HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n", "1", "2", "3", "4", "5", "6"), gap: time.Second})
		w.run()
		if !strings.HasPrefix(string(c.got), "HTTP/1.1 "+test.want) || l.gone != 1 || c.closed > loop.Time(6*time.Second) {
			t.Errorf("%s: got %.40q, Gone was called %d times, closed at %v", test.path, c.got, l.gone, time.Duration(c.closed))
		}
	}
	l := &later{}
	w := newWorld(t, loop.Config{}, cfg(l), "")
	long := strings.Repeat("x", 30000) // takes 10 s
	c := w.dial(&client{sends: texts(fmt.Sprintf("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(long), long)), fin: true})
	w.run()
	if !bytes.HasSuffix(c.got, []byte(long)) {
		t.Errorf("a slow taker: got %.80q", c.got)
	}
}

// TestDrainWaitsForExchanges: an orderly end waits for promised answers and
// for content that still comes.
func TestDrainWaitsForExchanges(t *testing.T) {
	for _, request := range []string{
		"GET /after/100 HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
		"POST /fixed/5 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
	} {
		l := &later{}
		w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{l, NewFixed()}}, "")
		c := w.dial(&client{sends: texts(request, "after"), gap: 100 * time.Millisecond})
		done := loop.Time(0)
		w.loop.At(loop.Time(50*time.Millisecond), func() { w.server.Drain(func() { done = w.loop.Now() }) })
		w.run()
		if !bytes.Contains(c.got, []byte("after")) && !bytes.Contains(c.got, []byte("405")) {
			t.Errorf("%.20q: got %q", request, c.got)
		}
		if done < loop.Time(99*time.Millisecond) || done > loop.Time(time.Second) {
			t.Errorf("%.20q: drained at %v", request, time.Duration(done))
		}
	}
}
