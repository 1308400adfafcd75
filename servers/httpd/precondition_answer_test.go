package httpd

import (
	"fmt"
	"strings"
	"testing"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

// TestPreconditionsWithoutValidators: a resource that is there but has no
// validators answers what RFC 9110 section 13 asks of it, and one that is not
// there, or is elsewhere, ignores conditions (section 13.2.1).
func TestPreconditionsWithoutValidators(t *testing.T) {
	now := strings.Replace(epochDate, "Sat, 01", "Sun, 02", 1)
	for _, test := range []struct{ fields, want string }{
		{"", "200"},
		{"If-None-Match: *", "304"}, {`If-None-Match: "a"`, "200"}, {`If-None-Match: "a", *`, "200"}, {"If-None-Match:", "200"},
		{"If-Match: *", "200"}, {`If-Match: "a"`, "412"}, {`iF-mATCH: W/"a"`, "412"}, {"If-Match: *\r\nIf-None-Match: *", "304"},
		{"If-Modified-Since: " + now, "200"}, {"If-Unmodified-Since: " + now, "200"},
		{"Range: bytes=0-0", "200"}, {"Range: bytes=0-0\r\nIf-Range: \"a\"", "200"},
	} {
		for _, target := range []struct{ path, want string }{
			{"/fixed/13", test.want}, {"/fixed/100000", test.want}, {"/delay/0s", test.want}, {"/list/", test.want},
			{"/fixed/x", "404"}, {"/delay/x", "404"}, {"/list/none/", "404"}, {"/list", "301"}, {"/old", "307"},
		} {
			w := newWorld(t, loop.Config{}, Config{Extensions: []Extension{NewFixed()}}, "")
			memory := filesys.NewMemory(1<<20, w.loop.Wall)
			if err := memory.Mkdir("list", 0o755); err != nil {
				t.Fatal(err)
			}
			cache := filesys.NewCache(memory, filesys.CacheOptions{Wall: w.loop.Wall})
			redirect, err := NewRedirect("/old", "/new", 307)
			if err != nil {
				t.Fatal(err)
			}
			w.server.cfg.Extensions = append(w.server.cfg.Extensions, NewDelay(), redirect, NewFiles(cache, FilesOptions{Listing: true}))
			fields := "Host: a\r\n"
			if test.fields != "" {
				fields += test.fields + "\r\n"
			}
			got := w.ask(fmt.Sprintf("GET %s HTTP/1.1\r\n%s\r\n", target.path, fields) + fmt.Sprintf("HEAD %s HTTP/1.1\r\n%s\r\n", target.path, fields) +
				fmt.Sprintf("POST %s HTTP/1.1\r\n%s\r\n", target.path, fields))
			cache.Close()
			other := "405"
			if target.want == "307" {
				other = "307"
			}
			if got := statuses([]byte(got)); got != target.want+" "+target.want+" "+other {
				t.Errorf("%s with %q: %s, want %s twice, and %s for POST", target.path, test.fields, got, target.want, other)
			}
			if target.want == "304" && (strings.Count(got, "Content-Type") != 1 || strings.Count(got, "Content-Length") != 1) {
				t.Errorf("%s: fields of content in %q", target.path, got)
			}
		}
	}
}
