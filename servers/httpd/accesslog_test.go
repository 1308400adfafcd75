package httpd

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"medusa/poller/loop"
)

// paper is a disk: it may be full, or write a part.
type paper struct {
	bytes.Buffer
	room   int // -1: any
	writes int
	pause  chan struct{} // if not nil, each write waits for it
}

func (p *paper) Write(b []byte) (int, error) {
	if p.pause != nil {
		<-p.pause
	}
	p.writes++
	if p.room >= 0 && len(b) > p.room {
		n := p.room
		p.room = 0
		p.Buffer.Write(b[:n])
		return n, errFull
	}
	if p.room >= 0 {
		p.room -= len(b)
	}
	return p.Buffer.Write(b)
}

var errFull = errors.New("no space left on device")

func TestAccessLogLines(t *testing.T) {
	for _, test := range []struct{ request, want string }{
		{"GET /fixed/13?a=b HTTP/1.1\r\nHost: a\r\nReferer: http://b/c\r\nUser-Agent: curl/8 (x; y)\r\nAuthorization: secret\r\nCookie: secret\r\n\r\n",
			`127.0.0.1 - - [01/Jan/2000:00:00:00 +0000] "GET /fixed/13?a=b HTTP/1.1" 200 13 "http://b/c" "curl/8 (x; y)"`},
		{"HEAD /fixed/13 HTTP/1.0\r\n\r\n", `127.0.0.1 - - [01/Jan/2000:00:00:00 +0000] "HEAD /fixed/13 HTTP/1.0" 200 - "-" "-"`},
		{"GET /none HTTP/1.1\r\nHost: a\r\nUser-Agent:\r\n\r\n", `127.0.0.1 - - [01/Jan/2000:00:00:00 +0000] "GET /none HTTP/1.1" 404 14 "-" ""`},
		{"GET /fixed/1 HTTP/1.1\r\nHost: a\r\nReferer: \"\\\t\xff\xc3\xa4\"\r\nUser-Agent: a\" 200 1 \"\r\n\r\n",
			`127.0.0.1 - - [01/Jan/2000:00:00:00 +0000] "GET /fixed/1 HTTP/1.1" 200 1 "\"\\\t\xff\xc3\xa4\"" "a\" 200 1 \""`},
		{"GET / HTTP/9.9\r\n\r\n", `127.0.0.1 - - [01/Jan/2000:00:00:00 +0000] "-" 505 31 "-" "-"`},
	} {
		l := mustLoop(t)
		out := &paper{room: -1}
		log := NewAccessLog(l, out, nil)
		w := &world{t: t, loop: l, server: New(l, Config{Extensions: []Extension{NewFixed()}, Log: log})}
		if _, err := l.Listen(loop.ListenOptions{Address: simAddress}, w.server.Accept); err != nil {
			t.Fatal(err)
		}
		w.ask(test.request)
		if got := out.String(); got != test.want+"\n" {
			t.Errorf("%q:\ngot  %s\nwant %s", test.request, got, test.want)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
	// What no request can have, and addresses.
	log := NewAccessLog(mustLoop(t), nil, nil)
	for _, test := range []struct {
		entry Entry
		want  string
	}{
		{Entry{Method: []byte("GET"), Target: []byte("/\r\n\x00\x1b\x7f\"\\"), Minor: 1, Status: 200}, `- - - [01/Jan/2000:00:00:00 +0000] "GET /\r\n\x00\x1b\x7f\"\\ HTTP/1.1" 200 - "-" "-"`},
		{Entry{Remote: netip.MustParseAddrPort("[2001:db8::1]:80"), Status: 400, Bytes: 1}, `2001:db8::1 - - [01/Jan/2000:00:00:00 +0000] "-" 400 1 "-" "-"`},
		{Entry{Remote: netip.MustParseAddrPort("[::ffff:192.0.2.1]:80"), Status: 400, Bytes: 1}, `192.0.2.1 - - [01/Jan/2000:00:00:00 +0000] "-" 400 1 "-" "-"`},
		{Entry{Status: 400, Start: seconds(3599.999)}, `- - - [01/Jan/2000:00:59:59 +0000] "-" 400 - "-" "-"`},
		{Entry{Status: 400, Start: seconds(3600)}, `- - - [01/Jan/2000:01:00:00 +0000] "-" 400 - "-" "-"`},
		{Entry{Status: 400, Start: seconds(3599)}, `- - - [01/Jan/2000:00:59:59 +0000] "-" 400 - "-" "-"`},
	} {
		if got := string(log.append(nil, &test.entry)); got != test.want+"\n" {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	e := Entry{Remote: simAddress, Method: []byte("GET"), Target: []byte("/"), Minor: 1, Status: 200, UserAgent: []byte("x")}
	log.gathered.text = make([]byte, 0, logBound)
	log.timer, log.armed = loop.Timer{}, true
	if n := testing.AllocsPerRun(100, func() { log.Log(&e) }); n > 0 {
		t.Errorf("%v allocations for a line", n)
	}
}

// numbered logs line i.
func numbered(log *AccessLog, i int) {
	log.Log(&Entry{Method: []byte("GET"), Target: fmt.Appendf(nil, "/%d", i), Status: 200})
}

// numbers are those of the lines in text.
func numbers(t *testing.T, text string) (all []int) {
	t.Helper()
	for line := range strings.Lines(text) {
		var i int
		_, rest, _ := strings.Cut(line, `"GET /`)
		if _, err := fmt.Sscanf(rest, "%d HTTP", &i); err != nil {
			continue // a torn line
		}
		all = append(all, i)
	}
	return all
}

// TestAccessLogFlushes: once a second, earlier when it is much, in order, and
// not at all when there is nothing.
func TestAccessLogFlushes(t *testing.T) {
	l := mustLoop(t)
	out := &paper{room: -1}
	log := NewAccessLog(l, out, nil)
	count := 0
	put := func(n int) {
		for range n {
			numbered(log, count)
			count++
		}
	}
	check := func(at float64, lines, writes int) {
		l.At(seconds(at), func() {
			if n := strings.Count(out.String(), "\n"); n != lines || out.writes != writes {
				t.Errorf("at %v s %d lines in %d writes, want %d in %d", at, n, out.writes, lines, writes)
			}
		})
	}
	l.At(0, func() { put(3) })
	l.At(seconds(0.5), func() { put(2) })
	check(0.9, 0, 0)
	check(1.1, 5, 1)
	l.At(seconds(2), func() { put(1000) }) // over logEager, and some more
	check(2.001, 957, 2)                   // the first logEager bytes
	check(3.1, 1005, 3)
	l.At(seconds(4), func() { put(1); l.Stop() })
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	for i, n := range numbers(t, out.String()) {
		if i != n {
			t.Fatalf("line %d is %d", i, n)
		}
	}
	if n := strings.Count(out.String(), "\n"); n != count {
		t.Errorf("%d lines, want %d", n, count)
	}
}

// TestAccessLogFull: what a full disk does not take is lost, said once, and
// when there is room again lines are whole again.
func TestAccessLogFull(t *testing.T) {
	l := mustLoop(t)
	out := &paper{room: 100}
	var said []error
	log := NewAccessLog(l, out, func(err error) { said = append(said, err) })
	for i := range 10 {
		l.At(seconds(float64(i)*2), func() { numbered(log, 2*i); numbered(log, 2*i+1) })
	}
	l.At(seconds(11.5), func() { out.room = -1 })
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	err := log.Close()
	got := fmt.Sprint(numbers(t, out.String()))
	if want := "[0 12 13 14 15 16 17 18 19]"; got != want {
		t.Errorf("lines %s, want %s:\n%s", got, want, out.String())
	}
	if n := strings.Count(out.String(), "\n"); n != 10 { // one of them torn
		t.Errorf("%d lines:\n%s", n, out.String())
	}
	if log.Dropped() != 11 || !errors.Is(err, errFull) || len(said) != 1 || !errors.Is(said[0], errFull) {
		t.Errorf("%d dropped, Close: %v, said %v", log.Dropped(), err, said)
	}
}

// TestAccessLogSlow: a disk that hangs neither stops the loop nor fills the
// memory; what was taken is written in the end.
func TestAccessLogSlow(t *testing.T) {
	l, err := loop.New(loop.Config{Backend: "poll"})
	if err != nil {
		t.Fatal(err)
	}
	out := &paper{room: -1, pause: make(chan struct{})}
	var said atomic.Int32
	told := make(chan struct{})
	log := NewAccessLog(l, out, func(error) { said.Add(1); close(told) })
	const lines = 40000 // of some 70 bytes
	l.Post(func() {
		for i := range lines {
			numbered(log, i)
		}
		if n := len(log.gathered.text) + len(log.writing.text); n > logBound {
			t.Errorf("%d bytes wait", n)
		}
		go func() {
			<-told
			l.Post(func() { close(out.pause); l.Stop() })
		}()
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	err = log.Close()
	got := numbers(t, out.String())
	if uint64(len(got))+log.Dropped() != lines || len(got) < 10000 || said.Load() != 1 || !errors.Is(err, errLogSlow) {
		t.Errorf("%d lines written, %d dropped, said %d times, Close: %v", len(got), log.Dropped(), said.Load(), err)
	}
	for i, n := range got {
		if i != n {
			t.Fatalf("line %d is %d", i, n)
		}
	}
}

// TestAccessLogStopped: a loop that stops before its job could run or tell
// loses nothing.
func TestAccessLogStopped(t *testing.T) {
	for _, backend := range []string{"sim", "poll"} {
		l, err := loop.New(loop.Config{Backend: backend})
		if err != nil {
			t.Fatal(err)
		}
		out := &paper{room: -1}
		log := NewAccessLog(l, out, nil)
		l.Post(func() {
			for i := range 2000 {
				numbered(log, i)
			}
			l.Stop()
		})
		if err := l.Run(); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
		if n := len(numbers(t, out.String())); n != 2000 {
			t.Errorf("%s: %d lines of 2000", backend, n)
		}
	}
}

// TestAccessLogLater: answers that come later are logged when they end.
func TestAccessLogLater(t *testing.T) {
	l := mustLoop(t)
	out := &paper{room: -1}
	log := NewAccessLog(l, out, nil)
	w := &world{t: t, loop: l, server: New(l, Config{Extensions: []Extension{NewDelay()}, Log: log})}
	if _, err := l.Listen(loop.ListenOptions{Address: simAddress}, w.server.Accept); err != nil {
		t.Fatal(err)
	}
	w.dial(&client{sends: texts("GET /delay/5s HTTP/1.1\r\nHost: a\r\n\r\n")})
	w.run()
	if want := `127.0.0.1 - - [01/Jan/2000:00:00:00 +0000] "GET /delay/5s HTTP/1.1" 200 13 "-" "-"` + "\n"; out.String() != want {
		t.Errorf("got %s", out.String())
	}
	if l.Now() < loop.Time(6*time.Second) {
		t.Errorf("it was written at %v", time.Duration(l.Now()))
	}
}
