package servers

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// dial opens a connection that fails the test rather than hang.
func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }

// answer reads one response to GET and returns its body.
func answer(t *testing.T, r *bufio.Reader) (status int, body []byte) {
	t.Helper()
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err = io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

func TestNetHTTPClient(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, "a.txt"), []byte("text"), 0o644); err != nil {
			t.Fatal(err)
		}
		r := start(t, Config{Backend: backend, Root: root, Control: true})
		transport := &http.Transport{}
		client := &http.Client{Transport: transport, Timeout: patience}
		for _, test := range []struct {
			method, path string
			status, size int
			length       int64
		}{
			{"GET", "/fixed/13", 200, 13, 13}, {"HEAD", "/fixed/13", 200, 0, 13}, {"GET", "/fixed/1048576", 200, 1 << 20, 1 << 20},
			{"GET", "/a.txt", 200, 4, 4}, {"GET", "/b.txt", 404, 14, 14}, {"PUT", "/a.txt", 405, 23, 23}, {"GET", "/a.txt", 200, 4, 4},
		} {
			request, err := http.NewRequest(test.method, r.url(test.path), nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != test.status || len(body) != test.size || response.ContentLength != test.length {
				t.Errorf("%s %s: status %d, length %d, %d bytes, %v", test.method, test.path, response.StatusCode, response.ContentLength, len(body), err)
			}
		}
		s := r.snapshot()
		if s.Requests != 7 || s.Accepted != 1 || s.Connections != 1 {
			t.Errorf("%d requests on %d connections, %d open; want 7 on 1, 1 open", s.Requests, s.Accepted, s.Connections)
		}
		if s.BytesIn == 0 || s.BytesOut < 1<<20 || s.CPUNs == 0 || s.AtNs == 0 || s.Full == nil || s.Full.OpenFDs < 3 {
			t.Errorf("snapshot %+v", s)
		}
		transport.CloseIdleConnections()
		r.terminate()
		r.commands.Close()
	})
}

// TestPipelining: a client writes a hundred requests before it reads.
func TestPipelining(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, "f"), make([]byte, 100<<10), 0o644); err != nil {
			t.Fatal(err)
		}
		r := start(t, Config{Backend: backend, Root: root, Out: 4096})
		for path, size := range map[string]int{"/fixed/13": 13, "/fixed/70000": 70000, "/f": 100 << 10} {
			c := dial(t, r.ready.HTTP)
			if _, err := c.Write([]byte(strings.Repeat(get(path), 100))); err != nil {
				t.Fatal(err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(c)
			for range 100 {
				if status, body := answer(t, in); status != 200 || len(body) != size {
					t.Fatalf("%s: %d, %d bytes", path, status, len(body))
				}
			}
			if n, err := in.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%s: after the last answer %d bytes, %v", path, n, err)
			}
		}
		r.terminate()
	})
}

// TestBadClients: reset, garbage, silence and single bytes harm nobody else.
func TestBadClients(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		r := start(t, Config{Backend: backend, Raw: "127.0.0.1:0", Control: true})
		random := rand.New(rand.NewPCG(1, 2))
		slow := dial(t, r.ready.HTTP)
		for i := range 40 {
			for _, address := range []string{r.ready.HTTP, r.ready.Raw} {
				c := dial(t, address)
				switch i % 4 {
				case 0: // asks for a lot and resets
					_, _ = c.Write([]byte(strings.Repeat(get("/fixed/1000000"), 20)))
					_, _ = io.CopyN(io.Discard, c, 1000)
					if err := c.SetLinger(0); err != nil {
						t.Fatal(err)
					}
				case 1:
					noise := make([]byte, 20000)
					for i := range noise {
						noise[i] = byte(random.Uint32())
					}
					_, _ = c.Write(noise) // it may be refused at any point
				case 2: // half a head
					_, _ = c.Write([]byte("GET /fix"))
				}
				c.Close()
			}
			// One byte of this connection's request each time.
			if _, err := slow.Write([]byte(get("/fixed/1234567890"))[i : i+1]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := slow.Write([]byte(get("/fixed/1234567890"))[40:]); err != nil {
			t.Fatal(err)
		}
		if status, _ := answer(t, bufio.NewReader(slow)); status != 404 {
			t.Errorf("the slow client got %d", status)
		}
		slow.Close()
		for end := time.Now().Add(patience); r.snapshot().Connections > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d connections never end", r.snapshot().Connections)
			}
		}
		r.terminate()
	})
}

func TestManyConnections(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		r := start(t, Config{Backend: backend, Control: true})
		const connections, requests = 500, 10
		all := make([]*net.TCPConn, connections)
		for i := range all {
			all[i] = dial(t, r.ready.HTTP)
		}
		errs := make(chan error, connections)
		var group sync.WaitGroup
		for _, c := range all {
			group.Go(func() {
				in := bufio.NewReader(c)
				for i := range requests {
					if _, err := fmt.Fprintf(c, "%s", get(fmt.Sprintf("/fixed/%d", 100*i))); err != nil {
						errs <- err
						return
					}
					response, err := http.ReadResponse(in, nil)
					if err != nil {
						errs <- err
						return
					}
					if n, err := io.Copy(io.Discard, response.Body); n != int64(100*i) || err != nil {
						errs <- fmt.Errorf("%d bytes of %d: %w", n, 100*i, err)
						return
					}
				}
			})
		}
		group.Wait()
		close(errs)
		for err := range errs {
			t.Error(err)
		}
		if s := r.snapshot(); s.Requests != connections*requests || s.Connections != connections {
			t.Errorf("%d requests, %d connections; want %d, %d", s.Requests, s.Connections, connections*requests, connections)
		}
		r.terminate()
	})
}

func TestBigFile(t *testing.T) {
	root := t.TempDir()
	content := make([]byte, 64<<20)
	random := rand.NewChaCha8([32]byte{1})
	if _, err := random.Read(content); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "big"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	want := sha256.Sum256(content)
	eachBackend(t, func(t *testing.T, backend string) {
		r := start(t, Config{Backend: backend, Root: root})
		c := dial(t, r.ready.HTTP)
		if _, err := c.Write([]byte(get("/big"))); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256.New()
		if n, err := io.Copy(hash, response.Body); n != int64(len(content)) || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if got := hash.Sum(nil); !bytes.Equal(got, want[:]) {
			t.Error("the file that arrived is another")
		}
		c.Close()
		r.terminate()
	})
}

// TestPipe: a FIFO that nobody writes to neither hangs the server nor is
// opened as a file.
func TestPipe(t *testing.T) {
	root := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o644); err != nil {
		t.Skipf("SKIPPED: no FIFO here: %v", err)
	}
	eachBackend(t, func(t *testing.T, backend string) {
		r := start(t, Config{Backend: backend, Root: root})
		c := dial(t, r.ready.HTTP)
		if _, err := c.Write([]byte(get("/pipe") + get("/fixed/3"))); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(c)
		for _, want := range []int{404, 200} {
			if status, _ := answer(t, in); status != want {
				t.Errorf("got %d, want %d", status, want)
			}
		}
		c.Close()
		r.terminate()
	})
}

func TestRaw(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		r := start(t, Config{Backend: backend, Raw: "127.0.0.1:0", Control: true})
		c := dial(t, r.ready.Raw)
		const requests = 3000
		go func() { _, _ = c.Write([]byte(strings.Repeat("x\r\n\r\n", requests))) }()
		in := bufio.NewReader(c)
		for range requests {
			if status, body := answer(t, in); status != 200 || string(body) != "Hello, World!" {
				t.Fatalf("%d %q", status, body)
			}
		}
		c.Close()
		if s := r.snapshot(); s.Requests != requests {
			t.Errorf("%d requests were counted, want %d", s.Requests, requests)
		}
		r.terminate()
	})
}

func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("SKIPPED: no curl on this system")
	}
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a b.html"), []byte("<p>"), 0o644); err != nil {
		t.Fatal(err)
	}
	eachBackend(t, func(t *testing.T, backend string) {
		r := start(t, Config{Backend: backend, Root: root})
		for _, test := range []struct {
			want string
			args []string
		}{
			{"<p>200 0 text/html; charset=utf-8\n", []string{r.url("/a%20b.html")}},
			{"Hello200 0 text/plain; charset=utf-8\nHello, 200 0 text/plain; charset=utf-8\n", []string{r.url("/fixed/5"), r.url("/fixed/7")}},
			{"200 0 text/plain; charset=utf-8\n", []string{"--head", "--output", os.DevNull, r.url("/fixed/5")}},
			{"H200 0 text/plain; charset=utf-8\n", []string{"--http1.0", r.url("/fixed/1")}},
			{"405 Method Not Allowed\n405 0 text/plain; charset=utf-8\n", []string{"--data", "x=y", r.url("/fixed/1")}},
			{"H200 0 text/plain; charset=utf-8\n", []string{"--request", "GET", "--header", "Transfer-Encoding: chunked", "--data", "x=y", r.url("/fixed/1")}},
		} {
			args := append([]string{"--silent", "--show-error", "--max-time", "20", "--noproxy", "*", "--write-out", "%{http_code} %{num_redirects} %{content_type}\n"}, test.args...)
			out, err := exec.Command(curl, args...).CombinedOutput()
			if err != nil || string(out) != test.want {
				t.Errorf("curl %v: %v, %q, want %q", test.args, err, out, test.want)
			}
		}
		r.terminate()
	})
}

// TestNoAllocations: a fixed response or an echo costs none, from the first byte read to
// the last one written.
func TestNoAllocations(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		if backend == "goroutines" {
			t.Skip("its goroutines are Go's own affair")
		}
		r := start(t, Config{Backend: backend, Raw: "127.0.0.1:0", Echo: "127.0.0.1:0"})
		for service, address := range map[string]string{"http": r.ready.HTTP, "raw": r.ready.Raw, "echo": r.ready.Echo} {
			c := dial(t, address)
			asks := []byte(strings.Repeat(get("/fixed/13"), 4))
			if service == "echo" {
				asks = []byte(strings.Repeat("Hello, World!", 4))
			}
			if _, err := c.Write(asks); err != nil {
				t.Fatal(err)
			}
			buffer := make([]byte, responseSize(t, c, 4))
			if n := testing.AllocsPerRun(2000, func() {
				if _, err := c.Write(asks); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(c, buffer); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%s: %v allocations for 4 requests", service, n)
			}
			c.Close()
		}
		r.terminate()
	})
}

// responseSize reads k responses that end with the body of 13 bytes and counts
// their bytes.
func responseSize(t *testing.T, r io.Reader, k int) (size int) {
	t.Helper()
	var got []byte
	for p := make([]byte, 4096); bytes.Count(got, []byte("Hello, World!")) < k; {
		n, err := r.Read(p)
		if err != nil && !errors.Is(err, io.EOF) || n == 0 {
			t.Fatal(err)
		}
		got = append(got, p[:n]...)
	}
	return len(got)
}
