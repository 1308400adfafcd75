package servers

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// No number under the base is free afterwards, the base itself is, and all are
// given back: the next one is the first from the base up that was. It needs a process of its own: what tests before it have left
// running may take a number for a moment.
func TestOccupy(t *testing.T) {
	const variable = "MEDUSA_TEST_OCCUPY"
	if os.Getenv(variable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestOccupy$", "-test.count=1", "-test.v")
		cmd.Env = append(os.Environ(), variable+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestOccupy")) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	lowest := func() int {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return int(f.Fd())
	}
	before := lowest()
	// The first number from base up that is free: what the runtime and the test
	// hold are not all below.
	free := func(base int) int {
		for {
			if _, err := unix.FcntlInt(uintptr(base), unix.F_GETFD, 0); err == unix.EBADF {
				return base
			}
			base++
		}
	}
	for _, base := range []int{0, 1, before, before + 1, before + 100} {
		want := max(free(base), before)
		low, err := occupy(base)
		if err != nil {
			t.Fatal(err)
		}
		if got := lowest(); got != want {
			t.Errorf("base %d: the next descriptor is %d, not %d", base, got, want)
		}
		low.release()
		if got := lowest(); got != before {
			t.Errorf("base %d: released, the next descriptor is %d, not %d", base, got, before)
		}
	}
}
