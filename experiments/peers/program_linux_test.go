package peers

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A source is compiled, once; one that does not compile says why.
func TestCompiled(t *testing.T) {
	if _, err := Find("cc"); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	text, err := shipped.ReadFile("floor/floor.c")
	if err != nil {
		t.Fatal(err)
	}
	source := File{"floor/floor.c", string(text)}
	program, err := compile(source)
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	again, err := compile(source)
	if err != nil || again != program {
		t.Fatalf("%s, %v; before %s", again, err, program)
	}
	if second, err := os.Stat(again); err != nil || !second.ModTime().Equal(first.ModTime()) {
		t.Errorf("compiled twice (%v)", err)
	}
	if _, err := compile(File{"x.c", "int main(void) { return y; }"}); err == nil || !strings.Contains(err.Error(), "compiling x.c") || !strings.Contains(err.Error(), "undeclared") {
		t.Errorf("error %v", err)
	}
	r := begin(t, "floor", func(c *Config) {
		c.Command, c.Source = []string{"{program}", "{address}", "{port}"}, &source
	})
	ready := r.ready()
	// Requests come in pieces and several in one.
	c, err := net.Dial("tcp", ready.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, piece := range []string{"GET / HTTP/1.1\r", "\nHost: a\r\n\r", "\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n\r", "\n"} {
		if _, err := io.WriteString(c, piece); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // so that pieces stay pieces; the replies are the same without
	}
	in := bufio.NewReader(c)
	for i := range 3 {
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("reply %d: %v", i, err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || string(body) != "Hello, World!" {
			t.Errorf("reply %d: %q, %v", i, body, err)
		}
	}
}

// Go's servers reply with the same bytes, from memory and from a file.
func TestGoServers(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "file"), Body(1024), 0o600); err != nil {
		t.Fatal(err)
	}
	for name := range GoServers {
		port, err := freePort(netip.MustParseAddr("127.0.0.1"))
		if err != nil {
			t.Fatal(err)
		}
		at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
		signals, ended := make(chan os.Signal, 1), make(chan error, 1)
		go func() { ended <- ServeGo(signals, name, at, root) }()
		for deadline := time.Now().Add(patience); answers(at, "/fixed/1", patience) != nil; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s does not answer", name)
			}
		}
		for path, want := range map[string]string{"/fixed/13": "Hello, World!", "/fixed/15": "Hello, World!He", "/file": string(Body(1024))} {
			if got := get(t, "http://"+at.String()+path); got != want {
				t.Errorf("%s %s: %q", name, path, got)
			}
		}
		if GoServers[name].Version() == "" {
			t.Errorf("%s has no version", name)
		}
		signals <- syscall.SIGTERM
		if err := <-ended; err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
	}
}
