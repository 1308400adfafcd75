package httpd

import (
	"testing"
	"testing/fstest"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

// TestFilesAllocateNothing: once a file is in the cache.
func TestFilesAllocateNothing(t *testing.T) {
	w := newWorld(t, loop.Config{}, Config{}, tree(t))
	s := w.server
	h := &conn{server: s}
	for _, text := range []string{
		"GET /a.txt HTTP/1.1\r\nHost: a\r\nUser-Agent: x\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n",
		"HEAD /big.bin HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /dir/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /dir?x=y HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /missing HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n\r\n",
		"GET /a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=9-\r\n\r\n",
		"GET /a.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"a\", W/\"b\"\r\n\r\n",
		"GET /a.txt HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: " + fileDate + "\r\n\r\n",
		"OPTIONS /a.txt HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		p := []byte(text)
		if n := testing.AllocsPerRun(100, func() {
			s.tick(s.loop.Now())
			if n, status := s.request.parse(p, s.cfg.Limits, &h.head); n != len(p) {
				t.Fatalf("%q: %d bytes, status %d", p, n, status)
			}
			h.respond(nil)
			s.out = s.out[:0]
		}); n != 0 {
			t.Errorf("%q: %v allocations", p, n)
		}
	}
	// A file that is kept open goes to the loop.
	for _, text := range []string{"GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n", "GET /big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=-9\r\n\r\n"} {
		if n, status := s.request.parse([]byte(text), s.cfg.Limits, &h.head); n != len(text) {
			t.Fatalf("%q: %d bytes, status %d", text, n, status)
		}
		if n := testing.AllocsPerRun(100, func() {
			s.response.reset(s, h, nil)
			handle(s.cfg.Extensions, &s.request, &s.response)
			if len(s.response.parts) != 1 || s.response.parts[0].f == nil {
				t.Fatalf("%q: no file", text)
			}
			s.response.drop()
		}); n != 0 {
			t.Errorf("%q: %v allocations", text, n)
		}
	}
}

// BenchmarkCachedFile is the work for one request of a small file that is in
// the cache, from its head to the response, without the loop.
func BenchmarkCachedFile(b *testing.B) {
	l, err := loop.New(loop.Config{Backend: "sim"})
	if err != nil {
		b.Fatal(err)
	}
	memory := fstest.MapFS{"13.txt": &fstest.MapFile{Data: []byte("Hello, World!"), ModTime: fileTime}}
	s := New(l, Config{Extensions: []Extension{NewFiles(filesys.NewCache(memory, filesys.CacheOptions{Wall: l.Wall}), FilesOptions{})}})
	h := &conn{server: s}
	p := []byte("GET /13.txt HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		s.tick(s.loop.Now())
		if n, _ := s.request.parse(p, s.cfg.Limits, &h.head); n != len(p) {
			b.Fatal("refused")
		}
		h.respond(nil)
		s.out = s.out[:0]
	}
}
