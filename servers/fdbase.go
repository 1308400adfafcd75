package servers

import (
	"fmt"
	"os"
)

// occupied are open files whose only purpose is that their numbers are taken.
type occupied []*os.File

// occupy opens /dev/null until no descriptor under base is free: POSIX gives
// each new descriptor the lowest free number (open(2)). What select costs goes
// with the highest number that it is asked about, what poll costs with how many
// it is given; only with few connections of high numbers do the two differ.
func occupy(base int) (occupied, error) {
	var low occupied
	if base == 0 {
		return low, nil
	}
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			taken := len(low)
			low.release()
			return nil, fmt.Errorf("--fd-base %d: %w after %d descriptors; give less, or raise the limit (--nofile)", base, err, taken)
		}
		if int(f.Fd()) >= base {
			return low, f.Close()
		}
		low = append(low, f)
	}
}

func (o occupied) release() {
	for _, f := range o {
		_ = f.Close() // nothing was written
	}
}
