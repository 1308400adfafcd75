package servers

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// counted is n bytes of a pattern.
type counted struct{ at, n int }

func (c *counted) Read(p []byte) (int, error) {
	if c.at == c.n {
		return 0, io.EOF
	}
	k := min(len(p), c.n-c.at)
	for i := range k {
		p[i] = byte((c.at + i) % 251)
	}
	c.at += k
	return k, nil
}

func sumOf(t *testing.T, r io.Reader) (sum [sha256.Size]byte) {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Error(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// slowly reads nothing at first, and then now and again, so that what sends has
// to wait.
type slowly struct {
	io.Reader
	reads int
	held  func() // called after the first wait
}

func (s *slowly) Read(p []byte) (int, error) {
	switch s.reads++; {
	case s.reads == 1:
		time.Sleep(200 * time.Millisecond)
		s.held()
	case s.reads%16 == 0:
		time.Sleep(5 * time.Millisecond)
	}
	return s.Reader.Read(p[:min(len(p), 32<<10)])
}

// TestProxy: 10 MB through the proxy both ways, on sockets, to and from ends
// that are slow, while the server keeps little of it.
func TestProxy(t *testing.T) {
	const size = 10 << 20
	want := sumOf(t, &counted{n: size})
	eachBackend(t, func(t *testing.T, backend string) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		var conns atomic.Int32
		before, most := heap(), int64(0)
		watch := func() { most = max(most, heap()-before) }
		origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.Method {
			case "GET":
				if r.URL.Query().Has("length") {
					w.Header().Set("Content-Length", fmt.Sprint(size))
				}
				_, _ = io.Copy(w, &counted{n: size}) // the client sees what is missing
			case "POST":
				fmt.Fprintf(w, "%x %s %s", sumOf(t, &slowly{Reader: r.Body, held: watch}), r.Header.Get("X-Forwarded-For"), r.Header.Get("Via"))
			}
		}))
		origin.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				conns.Add(1)
			}
		}
		origin.Start()
		defer origin.Close()
		log := filepath.Join(t.TempDir(), "access.log")
		r := start(t, Config{Backend: backend, Proxies: []string{"/up=" + origin.URL}, Control: true, MaxContent: size, AccessLog: log})
		transport := &http.Transport{}
		client := &http.Client{Transport: transport, Timeout: time.Minute}
		for _, path := range []string{"/up/a", "/up/a?length"} {
			response, err := client.Get(r.url(path))
			if err != nil {
				t.Fatal(err)
			}
			got := sumOf(t, &slowly{Reader: response.Body, held: watch})
			response.Body.Close()
			if response.StatusCode != 200 || got != want {
				t.Errorf("%s: %d, other bytes", path, response.StatusCode)
			}
		}
		for _, length := range []int64{size, -1} {
			request, err := http.NewRequest("POST", r.url("/up/b"), io.NopCloser(&counted{n: size}))
			if err != nil {
				t.Fatal(err)
			}
			request.ContentLength = length
			request.Header.Set("Expect", "100-continue")
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(response.Body)
			response.Body.Close()
			if got, want := string(text), fmt.Sprintf("%x 127.0.0.1 1.1 medusa", want); err != nil || got != want {
				t.Errorf("length %d: %v, %d, %q, want %q", length, err, response.StatusCode, got, want)
			}
		}
		s := r.snapshot()
		if conns.Load() != 1 || s.Connections != 2 || s.Requests != 4 {
			t.Errorf("%d connections to the upstream server, %d open; %d requests", conns.Load(), s.Connections, s.Requests)
		}
		// It is some 200 kB; the ends' own buffers are in it.
		if most > 1<<20 {
			t.Errorf("%d bytes more were in use while one end waited", most)
		}
		t.Logf("heap: %d bytes more at most", most)
		transport.CloseIdleConnections()
		r.terminate()
		r.commands.Close()
		lines, err := os.ReadFile(log)
		if err != nil || bytes.Count(lines, []byte(fmt.Sprintf(" HTTP/1.1\" 200 %d \"-\" \"Go-http-client/1.1\"\n", size))) != 2 || bytes.Count(lines, []byte("\n")) != 4 {
			t.Errorf("access log, %v:\n%s", err, lines)
		}
	})
}

// heap is what this process has in use, in bytes: both ends and the server.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestWeb: redirects, hosts, delays and an upstream server that is not there,
// as they are configured.
func TestWeb(t *testing.T) {
	dirs := make([]string, 2)
	for i, text := range []string{"zero", "one"} {
		dirs[i] = t.TempDir()
		if err := os.WriteFile(filepath.Join(dirs[i], "a.txt"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	r := start(t, Config{
		Backend: "poll", Root: dirs[0], Hosts: []string{"one.example=" + dirs[1]}, Listing: true, Delay: true, MaxContent: 10,
		Redirects: []string{"/old=/new", "/out=https://example.org/x", "/old/older/=/ancient", "/up/and/away=/sky"},
		Proxies:   []string{"/up=http://" + nobody.Addr().String(), "/old/up=http://" + nobody.Addr().String()},
	})
	for _, test := range []struct {
		request, host string
		status        int
		want          string // in the body or Location
	}{
		{"GET /a.txt", "a", 200, "zero"}, {"GET /a.txt", "ONE.example.:80", 200, "one"}, {"GET /", "a", 200, "a.txt"},
		{"GET /old/b?c", "a", 307, "/new/b?c"}, {"GET /old/older/b", "a", 307, "/ancient/b"}, {"GET /old/olderer", "a", 307, "/new/olderer"}, {"GET /old/up/b", "a", 502, "502 "},
		{"GET /up/and/away/b", "a", 307, "/sky/b"}, {"GET /up/and", "a", 502, "502 "}, {"GET /out", "one.example", 307, "https://example.org/x"},
		{"GET /delay/10ms", "a", 200, "Hello"}, {"GET /up", "a", 502, "502 Bad Gateway"}, {"POST /up", "a", 413, "413 "},
	} {
		method, path, _ := strings.Cut(test.request, " ")
		var content io.Reader
		if method == "POST" {
			content = strings.NewReader("more than ten")
		}
		request, err := http.NewRequest(method, r.url(path), content)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = test.host
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != test.status || !strings.Contains(string(body)+response.Header.Get("Location"), test.want) {
			t.Errorf("%s of %s: %v, %d, %q, Location %q", test.request, test.host, err, response.StatusCode, body, response.Header.Get("Location"))
		}
	}
}
