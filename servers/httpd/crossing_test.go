package httpd

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"medusa/poller/loop"
)

// crossing is an extension that answers one connection while it has another's
// request in hand: /wait/HOW waits, and /now/WHEN lets whoever waits go on.
type crossing struct {
	waiting *crossed
}

// crossed is one that waits, or that has content to take.
type crossed struct {
	x    *crossing
	how  string
	late *Exchange
}

const crossedText = "an answer to who waited"

func (x *crossing) Match(*Request) bool { return true }

func (x *crossing) Handle(r *Request, w *Response) {
	kind, how, _ := strings.Cut(string(r.Path[1:]), "/")
	if kind == "wait" {
		x.waiting = &crossed{x: x, how: how}
		x.waiting.late = w.Async(x.waiting)
		if how == "stream" || how == "end" {
			late := x.waiting.late
			late.Loop().Post(func() { late.AnswerStream(-1, func(*Response) {}) })
		}
		return
	}
	switch how {
	case "before":
		x.release()
		w.Error(404)
	case "after":
		w.Error(404)
		x.release()
	case "fields":
		w.Header("X-Before", "1")
		w.Body([]byte("mine"))
		x.release()
		w.Header("X-After", "1")
	case "close":
		w.BodyReader(&closer{Reader: strings.NewReader("mine"), f: x.release}, 4)
	case "content", "end":
		t := &crossed{x: x, how: how}
		t.late = w.Async(t)
		t.late.TakeContent(t)
	}
}

// release answers who waits.
func (x *crossing) release() {
	t := x.waiting
	if t == nil {
		return
	}
	x.waiting = nil
	switch t.how {
	case "error":
		t.late.Answer(func(w *Response) { w.Error(503) })
	case "reader":
		t.late.Answer(func(w *Response) { w.BodyReader(strings.NewReader(crossedText), -1) })
	case "stream":
		t.late.Write([]byte(crossedText))
		t.late.End()
	case "end":
		t.late.End()
	default:
		t.late.Answer(func(w *Response) { w.Body([]byte(crossedText)) })
	}
}

func (t *crossed) Content(p []byte) int {
	if t.how == "content" {
		t.x.release()
	}
	return len(p)
}

func (t *crossed) ContentEnd() {
	t.x.release()
	t.late.Answer(func(w *Response) { w.Error(404) })
}

func (t *crossed) Drained() {}
func (t *crossed) Gone()    {}

// closer calls f when it is closed.
type closer struct {
	io.Reader
	f func()
}

func (c *closer) Close() error { c.f(); return nil }

// TestAnswersDoNotCross: what one connection is answered while another's
// request is in hand goes to the one, and the other's to the other.
func TestAnswersDoNotCross(t *testing.T) {
	const first = "GET /fixed/5 HTTP/1.1\r\nHost: a\r\n\r\n"
	missing := plain("404 Not Found", "404 Not Found\n", "")
	late := map[string]string{
		"body":   head("200 OK", "", len(crossedText)) + "\r\n" + crossedText,
		"error":  plain("503 Service Unavailable", "503 Service Unavailable\n", ""),
		"reader": strings.Replace(head("200 OK", "", 0), "Content-Length: 0", "Transfer-Encoding: chunked", 1) + "\r\n00017\r\n" + crossedText + "\r\n0\r\n\r\n",
		"stream": strings.Replace(head("200 OK", "", 0), "Content-Length: 0", "Transfer-Encoding: chunked", 1) + "\r\n17\r\n" + crossedText + "\r\n0\r\n\r\n",
		"end":    strings.Replace(head("200 OK", "", 0), "Content-Length: 0", "Transfer-Encoding: chunked", 1) + "\r\n0\r\n\r\n",
	}
	for how, theirs := range late {
		for when, mine := range map[string]string{
			"before": missing, "after": missing, "content": missing, "end": missing,
			"fields": head("200 OK", "X-Before: 1\r\nX-After: 1\r\n", 4) + "\r\nmine", "close": head("200 OK", "", 4) + "\r\nmine",
			"close, HEAD": head("200 OK", "", 4) + "\r\n",
		} {
			for _, closing := range []bool{false, true} {
				now, head, _ := strings.Cut(when, ", ")
				fields, content := "", ""
				if when == "content" || when == "end" {
					fields, content = "Content-Length: 5\r\n", "hello"
				}
				ask := "GET /wait/" + how + " HTTP/1.1\r\nHost: a\r\n\r\n"
				want := theirs
				if closing {
					ask = strings.Replace(ask, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
					want = strings.Replace(want, "\r\n\r\n", "\r\n"+closes+"\r\n", 1)
				}
				method := "POST"
				if head != "" {
					method = head
				}
				w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{NewFixed(), &crossing{}}}, "")
				a := w.dial(&client{sends: texts(ask)})
				var b *client
				w.loop.At(seconds(1), func() {
					b = w.dial(&client{sends: texts(first + first + method + " /now/" + now + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + content + first)})
				})
				w.run()
				hello := plain("200 OK", "Hello", "")
				if got := dates.ReplaceAllString(string(a.got), epochDate); got != want {
					t.Errorf("%s, %s, closing %t: who waited got %q\nwant %q", how, when, closing, got, want)
				}
				if got := dates.ReplaceAllString(string(b.got), epochDate); got != hello+hello+mine+hello {
					t.Errorf("%s, %s, closing %t: who came then got %q\nwant %q", how, when, closing, got, hello+hello+mine+hello)
				}
			}
		}
	}
}

// TestAnswersWithinAnswers: one answer may be made while another is filled in.
func TestAnswersWithinAnswers(t *testing.T) {
	var waiting []*Exchange
	x := &extension{handle: func(_ *Request, w *Response) {
		waiting = append(waiting, w.Async(&crossed{}))
		if len(waiting) < 3 {
			return
		}
		waiting[0].Loop().Post(func() {
			waiting[0].Answer(func(w *Response) {
				w.Header("X", "0")
				w.Error(404)
				waiting[1].Answer(func(w *Response) {
					w.Error(503)
					waiting[2].Answer(func(w *Response) { w.Body([]byte("2")) })
					w.Header("X", "1")
				})
				w.Header("X", "0")
			})
		})
	}}
	w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{x}}, "")
	var all []*client
	for i := range 3 {
		w.loop.At(seconds(float64(i)), func() { all = append(all, w.dial(&client{sends: texts(request)})) })
	}
	w.run()
	const text = "Content-Type: text/plain; charset=utf-8\r\n"
	for i, want := range []string{
		head("404 Not Found", text+"X: 0\r\n", 14) + "\r\n404 Not Found\n",
		head("503 Service Unavailable", text+"X: 1\r\n", 24) + "\r\n503 Service Unavailable\n", head("200 OK", "", 1) + "\r\n2",
	} {
		if got := dates.ReplaceAllString(string(all[i].got), epochDate); got != want {
			t.Errorf("client %d got %q\nwant %q", i, got, want)
		}
	}
}

// TestReleaseAnswersAnother: what a broken connection can no longer be sent
// does not go to another that is answered as a file is released.
func TestReleaseAnswersAnother(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var waiting *Exchange
	x := &extension{handle: func(r *Request, w *Response) {
		if waiting == nil {
			waiting = w.Async(&crossed{})
			return
		}
		r.conn.Abort()
		w.AddShared([]byte("before"))
		w.AddFile(f, 0, 5, func() { waiting.Answer(func(w *Response) { w.Body([]byte("theirs")) }) })
		w.AddShared([]byte("after"))
	}}
	w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{x}}, "")
	a := w.dial(&client{sends: texts(request)})
	w.loop.At(seconds(1), func() { w.dial(&client{sends: texts(request)}) })
	w.run()
	if got, want := dates.ReplaceAllString(string(a.got), epochDate), head("200 OK", "", 6)+"\r\ntheirs"; got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// extension is one made of a function.
type extension struct{ handle func(*Request, *Response) }

func (x *extension) Match(*Request) bool            { return true }
func (x *extension) Handle(r *Request, w *Response) { x.handle(r, w) }
