package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDisk: a folder that is to be made is judged by the one that exists above
// it, and nothing is made.
func TestDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := lookAtDisk(filepath.Join(dir, "a", "b"))
	if d.Err != nil || d.Exists != dir || d.Free == 0 || d.Folder != filepath.Join(dir, "a", "b") {
		t.Errorf("%+v", d)
	}
	if _, err := os.Stat(filepath.Join(dir, "a")); !os.IsNotExist(err) {
		t.Errorf("something was made: %v", err)
	}
	if d := lookAtDisk(file); d.Err == nil || !strings.Contains(d.Err.Error(), "is a file") {
		t.Errorf("%+v", d)
	}
	if d := lookAtDisk(filepath.Join(file, "below")); d.Err == nil {
		t.Errorf("%+v", d)
	}
	if os.Geteuid() == 0 {
		t.Skip("SKIPPED: root may write everywhere; TestReadOnlyDisk has a disk on which it may not")
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if d := lookAtDisk(dir); d.Err == nil || !strings.Contains(d.Err.Error(), "nothing can be written") {
		t.Errorf("%+v", d)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	f := &Facts{}
	Limits(f, t.TempDir())
	if f.MemLock == nil || f.Disk.Free == 0 || f.Privileged != (os.Geteuid() == 0) {
		t.Errorf("%+v", f)
	}
}
