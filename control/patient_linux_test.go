package control

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// blockedRead says that a thread of this process sits in read(2) of a
// descriptor (proc(5), /proc/PID/task/TID/syscall).
func blockedRead(t *testing.T, fd int) bool {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/syscall")
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED: no /proc/self/task/*/syscall here")
	}
	want := fmt.Sprintf("%d 0x%x ", unix.SYS_READ, fd)
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil && strings.HasPrefix(string(text), want) {
			return true
		}
	}
	return false
}

// childsPipe makes a pipe as a child gets its standard input: a file that blocks.
func childsPipe(t *testing.T) (in, out *os.File) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	in, out = os.NewFile(uintptr(ends[0]), "stdin"), os.NewFile(uintptr(ends[1]), "runner")
	t.Cleanup(func() { in.Close(); out.Close() })
	return in, out
}

// A loop that never enters the kernel by Go's own calls keeps the only
// processor (GOMAXPROCS=1) until a command comes. If the commands' reader went
// back into a blocking read(2) then, it would take the processor with it, until
// the runtime notices, up to 10 ms later: the server would stand still at the
// beginning of each window.
func TestCommandsDoNotBlockAThread(t *testing.T) {
	in, out := childsPipe(t)
	got, ended := make(chan Command, 1), make(chan error, 1)
	go func() {
		ended <- Commands(in, func(c Command) bool { got <- c; return true })
	}()
	for n := range 3 {
		if _, err := out.WriteString(`{"do":"snapshot"}` + "\n"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-got:
		case <-time.After(10 * time.Second):
			t.Fatal("command " + strconv.Itoa(n) + " did not arrive")
		}
		// It goes back to reading at once; give it time for that.
		time.Sleep(20 * time.Millisecond)
		for fd := range 64 {
			if blockedRead(t, fd) && sameFile(t, fd, in) {
				t.Fatalf("after command %d a thread is blocked in read(%d)", n, fd)
			}
		}
	}
	out.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if flags, err := unix.FcntlInt(in.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("flags of the file %#x, %v: whoever shares it would see EAGAIN", flags, err)
	}
}

// sameFile says that a descriptor is of the pipe of f.
func sameFile(t *testing.T, fd int, f *os.File) bool {
	t.Helper()
	var a, b unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &b); err != nil {
		t.Fatal(err)
	}
	return unix.Fstat(fd, &a) == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

// A file that no poller takes is read all the same.
func TestCommandsFromAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "commands")
	if err := os.WriteFile(name, []byte(`{"do":"snapshot"}`+"\n"+`{"do":"stop"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var done []string
	if err := Commands(f, func(c Command) bool { done = append(done, c.Do); return true }); err != nil || len(done) != 2 {
		t.Errorf("%v, %v", done, err)
	}
}
