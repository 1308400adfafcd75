package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"medusa/results"
)

// smallDisk mounts a file system of 64 MiB, on which a small run fits by any
// reckoning.
func smallDisk(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves out what runs suites")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("SKIPPED: a small disk needs the right to mount one: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes until the disk is full, and returns the file that fills it.
func fill(t *testing.T, disk string) string {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 16; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return f.Name()
}

// TestDiskFull: a disk that fills up ends the run with one line; what was
// measured until then is whole, and once there is room the run goes on.
func TestDiskFull(t *testing.T) {
	disk := smallDisk(t)
	medusa := medusaFile(t)
	dir, suite := filepath.Join(disk, "run"), suiteIn(t, t.TempDir(), resumedSuite)
	mark := "MEDUSA_TEST_DISK=" + disk
	s := begin(t, medusa, mark, "run", suite, "--out", dir)
	await(t, func() bool { return recorded(t, dir) > 1 })
	filler := fill(t, disk)
	refusal(t, s, "no space left on device")
	if !strings.Contains(s.said.String(), "cannot write "+filepath.Join(dir, "trials.jsonl")) {
		t.Errorf("it does not say what could not be written:\n%s", &s.said)
	}
	gone(t, mark)
	run, err := results.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Records) < 2 || run.Torn > 0 {
		t.Errorf("%d records, %d torn", len(run.Records), run.Torn)
	}
	verifies(t, dir)
	refusal(t, begin(t, medusa, mark, "run", "--resume", dir), "0 B free for "+dir)
	if now := recorded(t, dir); now != len(run.Records) {
		t.Errorf("%d records, and after a resume on the full disk %d", len(run.Records), now)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if s := begin(t, medusa, mark, "run", "--resume", dir); s.status() != 0 {
		t.Fatalf("%s", &s.said)
	}
	wholeOnce(t, dir)
}

// TestReadOnlyDisk: what needs to write says so in one line, and what was
// measured can be read.
func TestReadOnlyDisk(t *testing.T) {
	disk := smallDisk(t)
	medusa := medusaFile(t)
	dir, suite := filepath.Join(disk, "run"), suiteIn(t, t.TempDir(), resumedSuite)
	mark := "MEDUSA_TEST_DISK=" + disk
	s := begin(t, medusa, mark, "run", suite, "--out", dir)
	await(t, func() bool { return recorded(t, dir) > 0 })
	_ = s.cmd.Process.Kill()
	_ = s.status()
	gone(t, mark)
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	const want = "read-only file system"
	refusal(t, begin(t, medusa, mark, "run", suite, "--out", filepath.Join(disk, "other")), want)
	refusal(t, begin(t, medusa, mark, "run", "--resume", dir), want)
	refusal(t, begin(t, medusa, mark, "report", dir), want)
	verifies(t, dir)
}
