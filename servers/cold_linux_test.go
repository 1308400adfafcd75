package servers

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"medusa/poller/loop"
)

// TestColdFiles: files that the page cache does not have come whole over HTTP and
// FTP, and it is not the loop that has waited for the disk.
func TestColdFiles(t *testing.T) {
	large := bytes.Repeat([]byte("Hello, World!"), 100_000)
	for _, cold := range []string{"work", "ring"} {
		for _, copied := range []bool{false, true} {
			name := cold
			if copied {
				name += "/copied"
			}
			t.Run(name, func(t *testing.T) {
				eachBackend(t, func(t *testing.T, backend string) {
					if cold == "ring" && backend != "io_uring" {
						if err := (&Config{Backend: backend, HTTP: "127.0.0.1:0", ColdFiles: cold}).Check(); err == nil {
							t.Errorf("%s has a ring", backend)
						}
						return
					}
					root := t.TempDir()
					contents := map[string][]byte{"small": large[:1000], "large": large}
					for name, content := range contents {
						if err := os.WriteFile(filepath.Join(root, name), content, 0o644); err != nil {
							t.Fatal(err)
						}
					}
					p := spawn(t, Config{
						Backend: backend, HTTP: "127.0.0.1:0", Root: root, Control: true, ColdFiles: cold, CopyFiles: copied,
						FTP: FTPConfig{Address: "127.0.0.1:0"},
					})
					ready := p.ready()
					client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
					reads := uint64(0)
					for name, content := range contents {
						drop(t, filepath.Join(root, name))
						response, err := client.Get("http://" + ready.HTTP + "/" + name)
						if err != nil {
							t.Fatal(err)
						}
						body, err := io.ReadAll(response.Body)
						if err != nil || !bytes.Equal(body, content) {
							t.Errorf("%s: %d bytes of %d came by HTTP, or others: %v", name, len(body), len(content), err)
						}
						response.Body.Close()
						now := p.snapshot(false).ColdReads
						if now == reads {
							t.Errorf("%s: nobody read it for the loop", name)
						}
						reads = now
					}
					drop(t, filepath.Join(root, "large"))
					f := dialFTP(t, ready.FTP)
					f.ask(331, "USER anonymous")
					f.ask(230, "PASS a@b")
					f.ask(200, "TYPE I")
					body, err := io.ReadAll(f.retrieve("/large"))
					if err != nil || !bytes.Equal(body, large) {
						t.Errorf("%d bytes of %d came by FTP, or others: %v", len(body), len(large), err)
					}
					if now := p.snapshot(false).ColdReads; now == reads {
						t.Error("by FTP nobody read it for the loop")
					}
					client.CloseIdleConnections()
					p.stdin.Close()
					p.end(0)
				})
			})
		}
	}
}

// drop drops a file from the page cache, or skips the test where that cannot be done.
func drop(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	if loop.InPageCache(f, 0, 1) {
		t.Skipf("SKIPPED: %s cannot be dropped from the page cache: is it in memory?", name)
	}
}
