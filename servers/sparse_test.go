package servers

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// TestOffsetsBeyond32Bits: parts of a file of 5 GiB, sent by the system's own
// way to send files where a backend uses it, are those that were asked for. Of
// the file there is little: what matters is not in its holes.
func TestOffsetsBeyond32Bits(t *testing.T) {
	const size, part = 5 << 30, 300 << 10 // a part is more than goes out at once
	root := t.TempDir()
	f, err := os.Create(filepath.Join(root, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Skipf("SKIPPED: no sparse file of 5 GiB here: %v", err)
	}
	random := rand.NewChaCha8([32]byte{2})
	content := make([]byte, part)
	offsets := []int64{1<<31 - part/2, 1<<32 - part/2, 1<<32 + 7, size - part}
	for _, off := range offsets {
		_, _ = random.Read(content) // never fails
		if _, err := f.WriteAt(content, off); err != nil {
			t.Skipf("SKIPPED: no sparse file of 5 GiB here: %v", err)
		}
	}
	eachBackend(t, func(t *testing.T, backend string) {
		r := start(t, Config{Backend: backend, Root: root})
		client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
		defer client.CloseIdleConnections()
		ask := func(method, fields string) (*http.Response, []byte) {
			request, err := http.NewRequest(method, r.url("/sparse"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if fields != "" {
				request.Header.Set("Range", fields)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatalf("%s: %v", fields, err)
			}
			return response, body
		}
		for _, off := range offsets {
			want := make([]byte, part)
			if _, err := f.ReadAt(want, off); err != nil {
				t.Fatal(err)
			}
			response, body := ask("GET", fmt.Sprintf("bytes=%d-%d", off, off+part-1))
			if response.StatusCode != 206 || !bytes.Equal(body, want) {
				t.Errorf("at %d: status %d, %d bytes, which are others", off, response.StatusCode, len(body))
			}
			if got, want := response.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/%d", off, off+part-1, int64(size)); got != want {
				t.Errorf("Content-Range: %s, want %s", got, want)
			}
		}
		if response, body := ask("GET", fmt.Sprintf("bytes=-%d", part)); len(body) != part || !bytes.Equal(body, content) {
			t.Errorf("the last %d bytes: status %d, %d bytes, which are others", part, response.StatusCode, len(body))
		}
		if response, _ := ask("HEAD", ""); response.ContentLength != size {
			t.Errorf("Content-Length is %d, want %d", response.ContentLength, int64(size))
		}
		r.terminate()
	})
}
