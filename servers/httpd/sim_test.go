package httpd

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// tree makes a directory with what the tests ask for, and something outside.
func tree(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	root := filepath.Join(base, "root")
	for name, text := range map[string]string{
		"../secret": "s", "a.txt": "text", "empty": "", "sp ace/ä.html": "<p>", "dir/index.html": "index", "none/x": "x",
		"big.bin": strings.Repeat("0123456789abcdef", 8<<10),
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(9e8, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"in": "a.txt", "out": "../secret", "etc": "/etc", "round": "round"} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

var dates = regexp.MustCompile(`Sat, 01 Jan 2000 00:00:\d\d GMT`)

// TestPipelineDoesNotBalloon: a client that asks for a lot and reads nothing
// until it has sent everything is served, and never has much queued.
func TestPipelineDoesNotBalloon(t *testing.T) {
	root := tree(t)
	for _, out := range []int{512, 16 << 10} {
		for path, deep := range map[string]int{"/fixed/13": 100, "/fixed/5000": 100, "/fixed/100000": 5, "/big.bin": 5, "/a.txt": 100} {
			request := "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"
			one := newWorld(t, loop.Config{}, Config{}, root).ask(request)
			w := newWorld(t, loop.Config{In: 8 << 10, Out: out, Sim: &loop.SimConfig{MaxChunk: 9000, Latency: time.Microsecond}}, Config{}, root)
			c := w.dial(&client{sends: [][]byte{[]byte(strings.Repeat(request, deep))}, fin: true, deaf: 5 * time.Second})
			w.run()
			if got := dates.ReplaceAllString(string(c.got), epochDate); c.err != nil || got != strings.Repeat(one, deep) {
				t.Errorf("%s, out %d: %d bytes, want %d; %v", path, out, len(c.got), deep*len(one), c.err)
			}
			if limit := out + len(one); c.most > limit {
				t.Errorf("%s, out %d: %d bytes were queued, want at most %d", path, out, c.most, limit)
			}
			if w.server.Requests() != uint64(deep) {
				t.Errorf("%d requests were counted", w.server.Requests())
			}
		}
	}
}

// TestSmallInBuffer: the head limit shrinks with the in size.
func TestSmallInBuffer(t *testing.T) {
	request := func(size int) string {
		line := "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nX: "
		return line + strings.Repeat("x", size-len(line)-4) + "\r\n\r\n"
	}
	for size, status := range map[int]string{512: "200", 513: "431", 3000: "431"} {
		got := newWorld(t, loop.Config{In: 512}, Config{}, "").ask(request(size))
		if !strings.HasPrefix(got, "HTTP/1.1 "+status) {
			t.Errorf("%d bytes: got %.40q, want %s", size, got, status)
		}
	}
}

// TestResetHarmsNobody: a client that resets in the middle of a response
// leaves the others alone.
func TestResetHarmsNobody(t *testing.T) {
	w := newWorld(t, loop.Config{Sim: &loop.SimConfig{Window: 1000, Latency: time.Microsecond, MaxChunk: 700}}, Config{}, tree(t))
	bad := w.dial(&client{sends: [][]byte{[]byte(strings.Repeat("GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n", 9))}, max: 3000})
	good := w.dial(&client{sends: [][]byte{[]byte("GET /fixed/100000 HTTP/1.1\r\nHost: a\r\n\r\n")}, fin: true})
	w.run()
	if loop.Kind(bad.err) != "aborted" {
		t.Errorf("the client that resets: %v", bad.err)
	}
	if _, body, _ := bytes.Cut(good.got, []byte("\r\n\r\n")); len(body) != 100000 || good.err != nil {
		t.Errorf("the other: %d bytes, %v", len(body), good.err)
	}
}
