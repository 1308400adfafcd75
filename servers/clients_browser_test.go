package servers_test

import (
	"os/exec"
	"strings"
	"testing"

	"medusa/servers/httpd"
)

// TestClientBrowser: a browser shows a page with its style and image, and a
// script in it reads a listing.
func TestClientBrowser(t *testing.T) {
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("SKIPPED: no chromium on this system")
	}
	root := webRoot(t)
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, root, httpd.Config{})
		out, err := run(t, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
			"--user-data-dir="+t.TempDir(), "--dump-dom", s.url("/page.html"))
		// The links are those to the parent and to three files.
		const want = `<pre id="result">image 7 colour rgb(1, 2, 3) links 4</pre>`
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v, want %q in\n%s", err, want, out)
		}
		s.until("the browser has gone", func() bool { return s.counts().Open == 0 })
	})
}
