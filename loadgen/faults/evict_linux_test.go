package faults

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"medusa/loadgen"
	"medusa/poller/loop"
)

// TestDownloadEvicts: each download finds the file out of the page cache, and reads
// it to its end.
func TestDownloadEvicts(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	content := strings.Repeat("x", 100_000)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if evict(f) != nil || loop.InPageCache(f, 0, 100_000) {
		t.Skip("SKIPPED: a temporary file cannot be dropped from the page cache: is it in memory?")
	}
	var asked, cold atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if !loop.InPageCache(f, 0, 100_000) {
			cold.Add(1)
		}
		_, _ = io.Copy(w, io.NewSectionReader(f, 0, 100_000))
	}))
	defer server.Close()
	s := Default()
	s.Kind, s.URL, s.Evict, s.Connections, s.Duration = Download, server.URL+"/", name, 1, 200*time.Millisecond
	at, request, err := loadgen.Resolve(s.URL, !Closes(s.Kind))
	if err != nil {
		t.Fatal(err)
	}
	l, err := loop.New(loop.Config{Backend: "poll"})
	if err != nil {
		t.Fatal(err)
	}
	var did Did
	var fault *Fault
	fault, err = New(l, s, at, request, func(e Event) {
		if e.Stage == Gone {
			did = fault.Did()
			l.Stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Post(fault.Begin)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if did.Evicted == 0 || did.Evicted != did.Begun || did.Ended == 0 || did.BytesIn < did.Ended*100_000 {
		t.Errorf("it did %+v", did)
	}
	if asked.Load() != cold.Load() {
		t.Errorf("of %d downloads %d found the file out of the page cache", asked.Load(), cold.Load())
	}
}

// A file that cannot be dropped is refused before anything is begun, and other kinds
// have none.
func TestEvictRefuses(t *testing.T) {
	s := Default()
	s.Kind, s.URL, s.Evict = Silent, "http://127.0.0.1:1/", "f"
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "--evict f: it is for download") {
		t.Error(err)
	}
	if _, err := openCold(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was opened")
	}
	fd, err := unix.MemfdCreate("memory", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "memory")
	defer f.Close()
	if _, err := f.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	if _, err := openCold(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil || !strings.Contains(err.Error(), "give a file on a disk") {
		t.Errorf("a file in memory: %v", err)
	}
}
