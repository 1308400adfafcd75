package httpd

import (
	"testing"

	"medusa/poller/loop"
)

// BenchmarkRespond is the work for one request of fixed bytes, from its head to
// the response, without the loop.
func BenchmarkRespond(b *testing.B) {
	l, err := loop.New(loop.Config{Backend: "sim"})
	if err != nil {
		b.Fatal(err)
	}
	s := New(l, Config{Extensions: []Extension{NewFixed()}})
	h := &conn{server: s}
	p := []byte("GET /fixed/13 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
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
