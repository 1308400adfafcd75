package servers

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// TestBuffers: files are the same whatever they pass through, over HTTP and FTP,
// and nobody keeps a buffer afterwards.
func TestBuffers(t *testing.T) {
	content := make([]byte, 2<<20+13)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range content {
		content[i] = byte(r.Uint32())
	}
	for _, policy := range []string{"default=512", "default=1MiB", "default=auto", "default=out=4KiB,send=8KiB,receive=8KiB,owned", "127.0.0.0/8=auto;budget=4KiB"} {
		for _, copied := range []bool{false, true} {
			t.Run(policy, func(t *testing.T) {
				eachBackend(t, func(t *testing.T, backend string) {
					root := t.TempDir()
					if err := os.WriteFile(filepath.Join(root, "file"), content, 0o644); err != nil {
						t.Fatal(err)
					}
					s := start(t, Config{
						Backend: backend, HTTP: "127.0.0.1:0", Root: root, Control: true, Buffers: policy, CopyFiles: copied,
						FTP: FTPConfig{Address: "127.0.0.1:0"},
					})
					client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
					for range 2 {
						response, err := client.Get(s.url("/file"))
						if err != nil {
							t.Fatal(err)
						}
						body, err := io.ReadAll(response.Body)
						if err != nil || !bytes.Equal(body, content) {
							t.Errorf("%d bytes of %d came by HTTP, or others: %v", len(body), len(content), err)
						}
						response.Body.Close()
					}
					f := dialFTP(t, s.ready.FTP)
					f.ask(331, "USER anonymous")
					f.ask(230, "PASS a@b")
					f.ask(200, "TYPE I")
					body, err := io.ReadAll(f.retrieve("/file"))
					if err != nil || !bytes.Equal(body, content) {
						t.Errorf("%d bytes of %d came by FTP, or others: %v", len(body), len(content), err)
					}
					calls := s.snapshot().Calls
					if copied != (calls["pread"] > 0) || copied == (calls["sendfile"] > 0) {
						t.Errorf("copied %t, with %d calls of pread and %d of sendfile", copied, calls["pread"], calls["sendfile"])
					}
					client.CloseIdleConnections()
				})
			})
		}
	}
}
