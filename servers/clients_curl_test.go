package servers_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"medusa/servers/httpd"
)

// TestClientCurl: what curl does with a server of files, and what it says.
func TestClientCurl(t *testing.T) {
	curl := program(t, "curl")
	root := webRoot(t)
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, root, httpd.Config{})
		dir := t.TempDir()
		upload := filepath.Join(dir, "upload")
		if err := os.WriteFile(upload, bytes.Repeat([]byte("GET / HTTP/1.1\r\n\r\n"), 30_000), 0o644); err != nil {
			t.Fatal(err)
		}
		null := []string{"--output", os.DevNull}
		tests := []struct {
			name, want, write string
			args              []string
		}{
			{"get", "0123456789 200 text/plain; charset=utf-8 10", "%{http_code} %{content_type} %{size_download}", []string{s.url("/a.txt")}},
			{"head", " 200 0", "%{http_code} %{size_download}", append(null, "--head", s.url("/a.txt"))},
			{"head of what is made meanwhile", " 200 0", "%{http_code} %{size_download}", append(null, "--head", s.url("/list/"))},
			{"range", "234 206", "%{http_code}", []string{"--range", "2-4", s.url("/a.txt")}},
			{"suffix range", "789 206", "%{http_code}", []string{"--range", "-3", s.url("/a.txt")}},
			{"range outside", " 416", "%{http_code}", append(null, "--range", "10-", s.url("/a.txt"))},
			{"range of a large file", " 206 100000", "%{http_code} %{size_download}", append(null, "--range", "60000000-60099999", s.url("/big"))},
			{"several ranges", " 206 multipart/byteranges; boundary=", "%{http_code} %{content_type}", append(null, "--range", "0-1,4-5", s.url("/a.txt"))},
			{"not modified since", " 304 0", "%{http_code} %{size_download}", append(null, "--time-cond", "Sun, 09 Sep 2001 01:46:40 GMT", s.url("/a.txt"))},
			{"modified since", " 200 10", "%{http_code} %{size_download}", append(null, "--time-cond", "Sun, 09 Sep 2001 01:46:39 GMT", s.url("/a.txt"))},
			{"redirect", "<p>index 200 1 " + s.url("/dir/"), "%{http_code} %{num_redirects} %{url_effective}", []string{"--location", s.url("/dir")}},
			{"missing", "404 Not Found\n 404", "%{http_code}", []string{s.url("/none")}},
			{"HTTP/1.0", "0123456789 200", "%{http_code}", []string{"--http1.0", s.url("/a.txt")}},
			{"HTTP/1.0 of unknown length", " 200", "%{http_code}", append(null, "--http1.0", s.url("/list/"))},
			{"options", " 204 GET, HEAD, OPTIONS", "%{http_code} %header{allow}", []string{"--request", "OPTIONS", s.url("/a.txt")}},
			{"traversal", "404 Not Found\n 404", "%{http_code}", []string{"--path-as-is", s.url("/../secret")}},
			{"traversal, encoded", "404 Not Found\n 404", "%{http_code}", []string{"--path-as-is", s.url("/list/%2e%2e/%2e%2e/secret")}},
			{"upload", " 405 1", "%{http_code} %{num_connects}", append(null, "--header", "Expect:", "--upload-file", upload, s.url("/a.txt"))},
			{"upload that waits", " 405 0", "%{http_code} %{size_upload}", append(null, "--header", "Expect: 100-continue", "--expect100-timeout", "20", "--upload-file", upload, s.url("/a.txt"))},
			{"upload in chunks", " 405", "%{http_code}", append(null, "--header", "Transfer-Encoding: chunked", "--upload-file", upload, s.url("/a.txt"))},
			{"small upload, then another request", " 405 1 405 0 200 0", "%{http_code} %{num_connects}", append(null, "--data", "x=y", s.url("/a.txt"),
				"--next", "--silent", "--output", os.DevNull, "--write-out", " %{http_code} %{num_connects}", "--data-binary", "GET / HTTP/1.1\r\n\r\n", s.url("/fixed/1"),
				"--next", "--silent", "--output", os.DevNull, "--write-out", " %{http_code} %{num_connects}", s.url("/a.txt"))},
			{"authority of another", "0123456789 200", "%{http_code}", []string{"--proxy", s.url("/"), "http://other.example/a.txt"}},
		}
		for _, test := range tests {
			args := append([]string{"--silent", "--show-error", "--max-time", "20", "--noproxy", "127.0.0.1", "--write-out", " " + test.write}, test.args...)
			out, err := run(t, curl, args...)
			if strings.HasSuffix(test.want, "boundary=") {
				out, _, _ = strings.Cut(out, "boundary=")
				out += "boundary="
			}
			if err != nil || out != test.want {
				t.Errorf("%s: %v, %.300q, want %q", test.name, err, out, test.want)
			}
		}
		curlFiles(t, curl, s, dir)
		s.alone(ownFiles)
	})
}

// ownFiles is how many descriptors a server of webRoot holds without
// connections: its root, its listener, what its poller needs and the files in
// its cache.
const ownFiles = 16

// curlFiles: what curl keeps in files from one call to the next.
func curlFiles(t *testing.T, curl string, s *site, dir string) {
	call := func(want string, args ...string) {
		t.Helper()
		out, err := run(t, curl, append([]string{"--silent", "--show-error", "--max-time", "20", "--noproxy", "*"}, args...)...)
		if err != nil || out != want {
			t.Errorf("curl %q: %v, %.300q, want %q", args, err, out, want)
		}
	}
	part := filepath.Join(dir, "part")
	if err := os.WriteFile(part, text[:123_456], 0o644); err != nil {
		t.Fatal(err)
	}
	call("206", "--continue-at", "-", "--output", part, "--write-out", "%{http_code}", s.url("/text.txt"))
	if got, err := os.ReadFile(part); err != nil || !bytes.Equal(got, text) {
		t.Errorf("resumed: %d bytes, %v", len(got), err)
	}
	tag := filepath.Join(dir, "tag")
	call("200", "--etag-save", tag, "--output", os.DevNull, "--write-out", "%{http_code}", s.url("/text.txt"))
	call("304 0", "--etag-compare", tag, "--output", os.DevNull, "--write-out", "%{http_code} %{size_download}", s.url("/text.txt"))
	// A hundred requests need one connection.
	before := s.counts().Accepted
	call(strings.Repeat("200 ", 100), "--output", os.DevNull, "--write-out", "%{http_code} ", s.url("/fixed/[1-100]"))
	if n := s.counts().Accepted - before; n != 1 {
		t.Errorf("a hundred requests took %d connections", n)
	}
	var all bytes.Buffer
	out, err := run(t, curl, "--silent", "--noproxy", "*", s.url("/text.txt"), s.url("/a.txt"), s.url("/text.txt"))
	all.Write(text)
	all.WriteString("0123456789")
	all.Write(text)
	if err != nil || out != all.String() {
		t.Errorf("three files on a connection: %d bytes, %v", len(out), err)
	}
}
