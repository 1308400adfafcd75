package httpd_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"medusa/poller/loop"
	"medusa/servers/filesys"
	"medusa/servers/httpd"
)

// echo answers POST /echo with the content that came.
type echo struct{}

func (echo) Match(r *httpd.Request) bool { return string(r.Path) == "/echo" }

func (echo) Handle(r *httpd.Request, w *httpd.Response) {
	switch string(r.Method) {
	case "POST":
		e := &echoing{}
		e.exchange = w.Async(e)
		e.exchange.TakeContent(e)
	case "OPTIONS":
		w.Options("OPTIONS, POST")
	default:
		w.MethodNotAllowed("OPTIONS, POST")
	}
}

// echoing is one request to echo. It takes the content in small pieces.
type echoing struct {
	exchange *httpd.Exchange
	content  []byte
}

func (e *echoing) Content(p []byte) int {
	n := min(len(p), 100)
	e.content = append(e.content, p[:n]...)
	if n < len(p) {
		l := e.exchange.Loop()
		l.At(l.Now(), e.exchange.MoreContent)
	}
	return n
}

func (e *echoing) ContentEnd() {
	l := e.exchange.Loop()
	l.At(l.Now(), func() {
		e.exchange.Answer(func(w *httpd.Response) {
			w.ContentType = "application/octet-stream"
			w.BodyShared(e.content)
		})
	})
}

func (e *echoing) Drained() {}
func (e *echoing) Gone()    {}

// replayTree is what the conversations ask for.
func replayTree(t *testing.T) (root string) {
	t.Helper()
	base := t.TempDir()
	root = filepath.Join(base, "root")
	for name, text := range map[string]string{
		"../secret": "secret", "a.txt": "0123456789", "empty": "", "sp ace/ä.html": "<p>",
		"dir/index.html": "index", "dir/sub/index.html": "sub", "evil.example/index.html": "own", "style.css": "p{}",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		// The conversations are made for this date. It is before that of a
		// simulation.
		if err := os.Chtimes(path, time.Time{}, time.Unix(9e8, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"in": "a.txt", "out": "../secret", "up": ".."} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// replayServer is the server that the conversations are held with. Nothing
// ends by time, so that what ends has ended for another reason. buffer is the
// size of the loop's buffers in bytes.
func replayServer(t *testing.T, backend, root string, buffer int, sim *loop.SimConfig) (*loop.Loop, netip.AddrPort) {
	t.Helper()
	l, err := loop.New(loop.Config{Backend: backend, In: buffer, Out: buffer, Sim: sim})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filesys.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	cache := filesys.NewCache(dir, filesys.CacheOptions{Wall: l.Wall})
	t.Cleanup(cache.Close)
	s := httpd.New(l, httpd.Config{
		Extensions:  []httpd.Extension{echo{}, httpd.NewFixed(), httpd.NewFiles(cache, httpd.FilesOptions{})},
		Limits:      httpd.Limits{Head: 512, Fields: 20, Content: 1024},
		IdleTimeout: -1, HeadTimeout: -1,
	})
	n, err := l.Listen(loop.ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0"), NoDelay: true}, s.Accept)
	if err != nil {
		t.Fatal(err)
	}
	return l, n.Addr()
}
