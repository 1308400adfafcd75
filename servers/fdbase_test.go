package servers

import (
	"os"
	"testing"
)

// No number under the base is free afterwards, the base itself is, and all are
// given back.
func TestOccupy(t *testing.T) {
	lowest := func() int {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return int(f.Fd())
	}
	before := lowest()
	for _, base := range []int{0, 1, before, before + 1, before + 100} {
		low, err := occupy(base)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := lowest(), max(base, before); got != want {
			t.Errorf("base %d: the next descriptor is %d, not %d", base, got, want)
		}
		low.release()
		if got := lowest(); got != before {
			t.Errorf("base %d: released, the next descriptor is %d, not %d", base, got, before)
		}
	}
}
