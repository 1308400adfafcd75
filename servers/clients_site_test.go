package servers_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"medusa/control"
	"medusa/poller/loop"
	"medusa/servers/filesys"
	"medusa/servers/httpd"

	"go.uber.org/goleak"
)

// patience bounds what should happen at once.
const patience = 30 * time.Second

// site is a server in this process for real and for hostile clients.
type site struct {
	t       *testing.T
	loop    *loop.Loop
	http    *httpd.Server
	address string
	ended   chan error
	files   int // descriptors that were open before
}

// open serves the files of webRoot and /fixed/N on a backend until the test
// ends. Then no descriptor and no goroutine may be left.
func open(t *testing.T, backend, root string, cfg httpd.Config) *site {
	t.Helper()
	s := &site{t: t, ended: make(chan error, 1), files: control.OpenFDs()}
	before := goleak.IgnoreCurrent()
	var err error
	if s.loop, err = loop.New(loop.Config{Backend: backend}); err != nil {
		t.Fatal(err)
	}
	cfg.Extensions = []httpd.Extension{httpd.NewFixed()}
	var dir *filesys.Dir
	if root != "" {
		if dir, err = filesys.Open(root); err != nil {
			t.Fatal(err)
		}
		cache := filesys.NewCache(dir, filesys.CacheOptions{Wall: s.loop.Wall})
		t.Cleanup(cache.Close)
		cfg.Extensions = append(cfg.Extensions, httpd.NewFiles(cache, httpd.FilesOptions{Listing: true}))
	}
	s.http = httpd.New(s.loop, cfg)
	n, err := s.loop.Listen(loop.ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0"), NoDelay: true}, s.http.Accept)
	if err != nil {
		t.Fatal(err)
	}
	s.address = n.Addr().String()
	go func() { s.ended <- s.loop.Run() }()
	t.Cleanup(func() {
		s.loop.Stop()
		select {
		case err := <-s.ended:
			if err != nil {
				t.Errorf("the server ended with %v", err)
			}
		case <-time.After(patience):
			t.Fatal("the server does not end")
		}
		if dir != nil {
			dir.Close()
		}
		goleak.VerifyNone(t, before)
	})
	return s
}

// do runs f on the loop and waits for it.
func (s *site) do(f func()) {
	s.t.Helper()
	done := make(chan struct{})
	s.loop.Post(func() {
		f()
		close(done)
	})
	select {
	case <-done:
	case <-time.After(patience):
		s.t.Fatal("the server does nothing any more")
	}
}

// counts are those of the loop at this moment.
func (s *site) counts() (c loop.Counts) {
	s.t.Helper()
	s.do(func() { c = s.loop.Counts() })
	return c
}

// until waits for something that has no event of its own.
func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("it never happens that %s", what)
		}
	}
}

// alone waits until all connections have ended, and checks that they left no
// descriptor. kept is how many of its own the server may hold: the files of
// its cache, and what its poller needs.
func (s *site) alone(kept int) {
	s.t.Helper()
	s.until("all connections have ended", func() bool { return s.counts().Open == 0 })
	s.until("all descriptors are closed", func() bool { return control.OpenFDs() <= s.files+kept })
}

func (s *site) url(path string) string { return "http://" + s.address + path }

// dial opens a connection that fails the test rather than hang.
func (s *site) dial() *net.TCPConn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// onEach runs a test on every backend that this system has.
func onEach(t *testing.T, test func(t *testing.T, backend string)) {
	for _, b := range loop.Backends() {
		t.Run(b.Name, func(t *testing.T) {
			if b.Missing != "" {
				t.Skipf("SKIPPED: not here: %s", b.Missing)
			}
			test(t, b.Name)
		})
	}
}

// program finds a client, or skips the test loudly.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED: no %s on this system; scripts/peers.sh installs what Debian has", name)
	}
	return path
}

// run runs a client and returns what it said on both streams.
func run(t *testing.T, path string, args ...string) (out string, err error) {
	t.Helper()
	cmd := exec.Command(path, args...)
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(2*patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err = cmd.Wait()
	return both.String(), err
}

// text is a file that is long enough to be sent in parts.
var text = func() []byte {
	b := make([]byte, 300_000)
	for i := range b {
		b[i] = "0123456789abcdef"[(i+i>>8)%16]
	}
	return b
}()

const page = `<!DOCTYPE html>
<html><head><title>page</title><link rel="stylesheet" href="style.css"></head>
<body><p id="p">text</p><img id="i" src="dot.png"><pre id="result">not run</pre>
<script>
window.onload = function () {
	var ask = new XMLHttpRequest();
	ask.open("GET", "list/", false);
	ask.send();
	var links = new DOMParser().parseFromString(ask.responseText, "text/html").querySelectorAll("a").length;
	document.getElementById("result").textContent = "image " + document.getElementById("i").naturalWidth +
		" colour " + getComputedStyle(document.getElementById("p")).color + " links " + links;
};
</script></body></html>
`

// bigSize is the size of the file "big", which takes no room on the disk.
const bigSize = 64 << 20

// webRoot is a directory to be served.
func webRoot(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	root := filepath.Join(base, "root")
	var dot bytes.Buffer
	img := image.NewRGBA(image.Rect(0, 0, 7, 5))
	img.Set(0, 0, color.White)
	if err := png.Encode(&dot, img); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"../secret": "secret", "a.txt": "0123456789", "text.txt": string(text), "page.html": page, "dot.png": dot.String(),
		"style.css": "p { color: rgb(1, 2, 3) }", "dir/index.html": "<p>index", "list/one": "1", "list/two & three": "2", "list/<b>": "3",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(newFile(t, filepath.Join(root, "big")), bigSize); err != nil {
		t.Fatal(err)
	}
	return root
}

func newFile(t *testing.T, path string) string {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
