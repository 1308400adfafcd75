package servers_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"medusa/poller/loop"
	"medusa/servers/httpd"
)

// endless are requests that never end: a beginning, and what comes over and
// over.
var endless = []struct {
	name, begin, more string
	status            string // of the only answer
}{
	{"fields", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", "431"},
	{"value", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\nX: ", "yyyyyyyy", "431"},
	{"name", "GET /fixed/1 HTTP/1.1\r\nHost: a\r\n", "yyyyyyyy", "431"},
	{"target", "GET /", "yyyyyyyy", "414"},
	{"method", "", "GETGETGET", "501"},
	{"empty lines", "", "\r\n\r\n", "400"},
	{"line feeds", "GET / HTTP/1.1\r\n", "\n\n\n\n", "400"},
	{"zero bytes", "", "\x00\x00\x00\x00", "400"},
	{"content", "POST /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", "content ", "413"},
	{"content in chunks", "POST /fixed/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "8\r\ncontent \r\n", "405"},
	{"chunk", "POST /fixed/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", "content ", "405"},
	{"chunk size", "POST /fixed/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "00000000", "405"},
	{"chunk extension", "POST /fixed/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;", "xxxxxxxx", "405"},
	{"chunk extensions", "POST /fixed/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1;x\r\nx\r\n", "405"},
	{"trailers", "POST /fixed/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n", "405"},
}

// TestHostileEndless: requests that never end do end, after a bounded amount,
// and while they last others are served.
func TestHostileEndless(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, "", httpd.Config{})
		before := heap()
		answers := make([]string, len(endless))
		var group sync.WaitGroup
		for i, e := range endless {
			c := s.dial()
			group.Go(func() { flood(c, e.begin, e.more) })
			group.Go(func() {
				// It ends with FIN, or with a reset when too much has come.
				all, _ := io.ReadAll(c)
				answers[i] = string(all)
				c.Close()
			})
		}
		s.serves(200)
		group.Wait()
		for i, e := range endless {
			if !strings.HasPrefix(answers[i], "HTTP/1.1 "+e.status+" ") || strings.Count(answers[i], "HTTP/1.1") != 1 {
				t.Errorf("%s: got %.200q, want %s", e.name, answers[i], e.status)
			}
		}
		// What a closed connection discards is bounded by 1 MiB (RFC 9112 section
		// 9.6); a read and the part that is kept come on top.
		const perFlood = 1<<20 + 128<<10 + 4*loop.DefaultBuffer
		if n := s.counts().BytesIn; n > uint64(len(endless)*perFlood+64<<10) {
			t.Errorf("the server read %d bytes", n)
		}
		s.alone(ownFiles)
		if used := heap() - before; used > 8<<20 {
			t.Errorf("%d bytes are left", used)
		}
	})
}

// flood writes until the server has had enough. It gives up after far more
// than it should take.
func flood(c *net.TCPConn, begin, more string) {
	if _, err := io.WriteString(c, begin); err != nil {
		return
	}
	block := strings.Repeat(more, 4096/len(more)+1)
	for n := 0; n < 64<<20; n += len(block) {
		if _, err := io.WriteString(c, block); err != nil {
			return
		}
	}
}

// TestHostileDeaf: clients that ask for a gigabyte each and never read it have
// a bounded part of it waiting for them.
func TestHostileDeaf(t *testing.T) {
	root := webRoot(t)
	const clients = 24
	asks := []string{
		strings.Repeat(get("/fixed/1048576"), 1024), // a body shared by all
		strings.Repeat(get("/text.txt"), 3600),      // sent by the kernel
		strings.Repeat(get("/list/"), 8000),         // made while it is sent
		strings.Repeat(get("/a.txt"), 8000),         // copied
	}
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, root, httpd.Config{})
		before := heap()
		deaf := make([]*net.TCPConn, clients)
		for i := range deaf {
			c := s.dial()
			deaf[i] = c
			if err := c.SetReadBuffer(4096); err != nil {
				t.Fatal(err)
			}
			go func() {
				// It may block when the server reads no more, and fails at the end.
				_, _ = io.WriteString(c, asks[i%len(asks)])
			}()
		}
		most, largest := 0, int64(0)
		for round := range 20 {
			s.serves(5)
			s.do(func() {
				s.loop.Each(func(c *loop.Conn) { most = max(most, c.Queued()) })
			})
			if round%5 == 4 {
				largest = max(largest, heap()-before)
			}
		}
		// An answer more than the out buffer, and its head.
		if bound := loop.DefaultBuffer + 1<<20 + 1024; most > bound || most < loop.DefaultBuffer {
			t.Errorf("at most %d bytes were queued for one; want no more than %d", most, bound)
		}
		// Out buffers, one in buffer, and the shared body.
		if bound := int64(clients)*(4*loop.DefaultBuffer+perConnection) + 8<<20; largest > bound {
			t.Errorf("%d bytes were held, more than %d", largest, bound)
		}
		var requests uint64
		s.do(func() { requests = s.http.Requests() })
		if requests > clients*8000/2 {
			t.Errorf("%d requests were answered to nobody", requests)
		}
		if open := s.counts().Open; open < clients {
			t.Errorf("%d connections are open, want %d at least", open, clients)
		}
		for _, c := range deaf {
			c.Close()
		}
		s.alone(ownFiles)
	})
}

// TestHostilePipeline: a hundred requests, 700 KB in all, which no socket
// buffer holds to begin with, are written before anything is read; the answers
// come in order.
func TestHostilePipeline(t *testing.T) {
	root := webRoot(t)
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, root, httpd.Config{})
		paths := []string{"/fixed/1", "/text.txt", "/none", "/fixed/70000", "/a.txt"}
		sizes := []int{1, len(text), 14, 70000, 10}
		var all strings.Builder
		padding := "X: " + strings.Repeat("x", 7000) + "\r\n\r\n"
		for i := range 100 {
			all.WriteString(strings.TrimSuffix(get(paths[i%len(paths)]), "\r\n") + padding)
		}
		for range 3 {
			c := s.dial()
			if _, err := io.WriteString(c, all.String()); err != nil {
				t.Fatal(err)
			}
			s.serves(3)
			in := bufio.NewReader(c)
			for i := range 100 {
				status := 200
				if sizes[i%len(sizes)] == 14 {
					status = 404
				}
				s.expect(in, status, sizes[i%len(sizes)])
			}
			c.Close()
		}
		s.alone(ownFiles)
	})
}
