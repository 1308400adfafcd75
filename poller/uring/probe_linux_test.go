package uring

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestProbeKnowsNewKernels: a mistake in what the probe tries would have every
// test skipped. Linux 6.1 has all of it, unless it is forbidden.
func TestProbeKnowsNewKernels(t *testing.T) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	err := Probe().Missing
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil && (major > 6 || major == 6 && minor >= 1) {
		t.Errorf("Linux %d.%d: %v", major, minor, err)
	}
}

// TestProbe leaves nothing behind, and says what a ring is granted.
func TestProbe(t *testing.T) {
	b := open(t, Options{Entries: 8})
	if got := Probe().Granted; got != b.Granted() || got == 0 {
		t.Errorf("the probe was granted %v, a ring %v", got, b.Granted())
	}
	fds := descriptors(t)
	if s := probe(); s.Missing != nil {
		t.Error(s.Missing)
	}
	if n := descriptors(t); n != fds {
		t.Errorf("%d descriptors, %d before", n, fds)
	}
	// The receive of the probe is over when it closes its buffers.
	b.must(b.tryMultishot())
	b.quiet("after the probe")
}

// TestOperationsMissing is told by number.
func TestOperationsMissing(t *testing.T) {
	b := open(t, Options{Entries: 8})
	if err := b.operations(OpNop, OpSend, 0xfe); err == nil || !strings.Contains(err.Error(), "254") {
		t.Errorf("%v", err)
	}
	if err := b.operations(OpNop, OpPollAdd, OpPollRemove, OpSendMsg, OpAccept, OpAsyncCancel, OpClose, OpRead, OpSend, OpRecv); err != nil {
		t.Error(err)
	}
}

// TestAbsent: what is a reason to say that a system has no io_uring, and what
// passes.
func TestAbsent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		words string // "": no reason
	}{
		{nil, ""},
		{unix.EMFILE, ""}, {unix.ENFILE, ""}, {unix.ENOMEM, ""},
		{unix.ENOSYS, "no io_uring"},
		{unix.EOPNOTSUPP, "too old"}, {unix.EINVAL, "too old"},
	} {
		err := c.err
		if err != nil {
			err = fmt.Errorf("io_uring_setup: %w", err)
		}
		switch got := absent(err); {
		case c.words == "" && got != nil, c.words != "" && (got == nil || !strings.Contains(got.Error(), c.words)):
			t.Errorf("%v: %v, want %q", c.err, got, c.words)
		}
	}
}
