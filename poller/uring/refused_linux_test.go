package uring

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What cannot be undone in a process (a filter of system calls, another user, a
// limit) is tried in one of its own: this program again, told by its environment
// what to be.
const part = "MEDUSA_URING_TEST_PART"

func TestMain(m *testing.M) {
	play, ok := parts[os.Getenv(part)]
	if !ok {
		os.Exit(m.Run())
	}
	runtime.LockOSThread()
	if err := json.NewEncoder(os.Stdout).Encode(play()); err != nil {
		panic(err)
	}
}

// outcome is what a part found.
type outcome struct {
	Setup   string        // why the scene could not be set
	Missing string        // of Probe
	Open    string        // the error of Open
	Errno   syscall.Errno // in it
	Modest  string        // that of a ring as io_uring-poll has it
	Small   string        // that of a ring of 8 entries
	Buffers string        // and of 4 MiB of buffers in it
}

var parts = map[string]func() outcome{
	"EPERM":  func() outcome { return try(filter(unix.EPERM)) },
	"ENOSYS": func() outcome { return try(filter(unix.ENOSYS)) },
	"EMFILE": func() outcome {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return outcome{Setup: err.Error()}
		}
		unix.Close(fd)
		// No number is free below fd. Standard output is open already.
		return try(unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(fd), Max: uint64(fd)}))
	},
	"locked": func() outcome { return try(asNobody(0)) },
	"64 KiB": func() outcome { return try(asNobody(64 << 10)) },
	"8 MiB":  func() outcome { return try(asNobody(8 << 20)) },
}

// asNobody goes on as a user without privileges who may lock so many bytes.
func asNobody(locked uint64) error {
	const nobody = 65534
	err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: locked, Max: locked})
	if err == nil && os.Getuid() == 0 {
		err = errors.Join(syscall.Setgid(nobody), syscall.Setuid(nobody)) // of all threads
	}
	return err
}

// filter has io_uring_setup fail for all threads (seccomp(2)), as containers do.
func filter(errno unix.Errno) error {
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_IO_URING_SETUP},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, failed := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&fprog)))
	if failed != 0 {
		return failed
	}
	return nil
}

// try opens rings in the scene that was set.
func try(scene error) (o outcome) {
	if scene != nil {
		o.Setup = scene.Error()
		return o
	}
	if err := Probe().Missing; err != nil {
		o.Missing = err.Error()
	}
	r, err := Open(Options{})
	if err != nil {
		o.Open = err.Error()
		errors.As(err, &o.Errno)
	} else {
		r.Close()
	}
	if r, err = Open(Options{Entries: 256, Completions: 2048}); err != nil {
		o.Modest = err.Error()
	} else {
		r.Close()
	}
	if r, err = Open(Options{Entries: 8}); err != nil {
		o.Small = err.Error()
		return o
	}
	defer r.Close()
	b, err := r.NewBuffers(0, 1024, 4096)
	if err != nil {
		o.Buffers = err.Error()
		return o
	}
	b.Close()
	return o
}

// play has a part played by a process of its own.
func play(t *testing.T, name string) outcome {
	t.Helper()
	need(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), part+"="+name)
	out, err := cmd.Output()
	var o outcome
	if err == nil {
		err = json.Unmarshal(out, &o)
	}
	if err != nil {
		t.Fatalf("part %s: %v, %q", name, err, out)
	}
	if o.Setup != "" {
		t.Skipf("SKIPPED: the scene %s cannot be set here: %s", name, o.Setup)
	}
	t.Logf("%s: %+v", name, o)
	return o
}

// TestForbidden: a filter of system calls is a reason to do without, told in
// words.
func TestForbidden(t *testing.T) {
	for name, want := range map[string]struct {
		errno unix.Errno
		words string
	}{
		"EPERM":  {unix.EPERM, "not permitted"},
		"ENOSYS": {unix.ENOSYS, "no io_uring"},
	} {
		o := play(t, name)
		if !strings.Contains(o.Missing, want.words) || !strings.Contains(o.Missing, "seccomp") {
			t.Errorf("%s: missing is %q", name, o.Missing)
		}
		if o.Errno != want.errno || !strings.Contains(o.Open, "io_uring_setup") {
			t.Errorf("%s: Open says %q", name, o.Open)
		}
	}
}

// TestNoDescriptors passes: it is no reason to say that io_uring is missing.
func TestNoDescriptors(t *testing.T) {
	if o := play(t, "EMFILE"); o.Missing != "" || o.Errno != unix.EMFILE {
		t.Errorf("missing %q, Open says %q", o.Missing, o.Open)
	}
}

// TestMemoryIsLocked: on recent kernels (as 6.18) the queues of a
// ring count against RLIMIT_MEMLOCK for who has no CAP_IPC_LOCK (io_create_region
// in io_uring/memmap.c), which is told; and the table of buffers does, but not the
// buffers. Elsewhere all of it works.
func TestMemoryIsLocked(t *testing.T) {
	for name, c := range map[string]struct{ large, small bool }{
		"locked": {false, false},
		"64 KiB": {false, true},
		"8 MiB":  {true, true},
	} {
		o := play(t, name)
		if o.Missing != "" {
			t.Errorf("%s: missing is %q, which passes with the limit", name, o.Missing)
		}
		for _, ring := range []struct {
			name, err string
			opens     bool
		}{{"a large ring", o.Open, c.large}, {"a modest ring", o.Modest, c.small}, {"a small ring", o.Small, c.small}} {
			switch told := strings.Contains(ring.err, "RLIMIT_MEMLOCK"); {
			case ring.opens && ring.err != "":
				t.Errorf("%s: %s: %s", name, ring.name, ring.err)
			case ring.err != "" && !told:
				t.Errorf("%s: %s: %q does not say what to do", name, ring.name, ring.err)
			}
		}
		if o.Open != "" && o.Errno != unix.ENOMEM {
			t.Errorf("%s: %q", name, o.Open)
		}
		if o.Buffers != "" {
			t.Errorf("%s: buffers: %s", name, o.Buffers)
		}
	}
}
