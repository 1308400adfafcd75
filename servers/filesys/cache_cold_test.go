package filesys

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCacheOfColdFiles: what would have to be waited for is not read, but left open
// for who can send it; and held as soon as a look finds that it can be read.
func TestCacheOfColdFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "f"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(root, "f"), longAgo, longAgo); err != nil {
		t.Fatal(err)
	}
	warm, looks := false, 0
	c := NewCache(openDir(t, root), CacheOptions{Wall: today, Readable: func(_ *os.File, off, n int64) bool {
		if looks++; off != 0 || n != 4 {
			t.Errorf("looked for %d bytes from %d", n, off)
		}
		return warm
	}})
	defer c.Close()
	for i, step := range []struct {
		at   time.Duration
		warm bool
		held bool
		look int
	}{
		{0, false, false, 1}, {time.Millisecond, true, false, 1}, // trusted
		{2 * time.Second, false, false, 2}, {4 * time.Second, true, true, 3}, {6 * time.Second, false, true, 3},
	} {
		warm = step.warm
		e := get(t, c, "f", step.at)
		if got := read(t, e); got != "text" || (e.Content != nil) != step.held || (e.File() == nil) != step.held || looks != step.look {
			t.Errorf("step %d: %q, content %q, file %v, after %d looks", i, got, e.Content, e.File(), looks)
		}
		e.Release()
	}
}
