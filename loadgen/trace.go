package loadgen

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"medusa/poller/loop"
)

// maxTrace bounds the arrivals of a trace: each takes 8 bytes of memory.
const maxTrace = 1 << 24

// Trace is a list of arrivals that was read from a file.
type Trace struct {
	Times  []loop.Time // from the start; they never decrease; at least one
	SHA256 string      // of the file's bytes, in hex
}

// End is the last arrival's time: what is asked of a trace must end by then, as
// nobody knows what came after.
func (t *Trace) End() time.Duration { return time.Duration(t.Times[len(t.Times)-1]) }

// ReadTrace reads a trace: one intended time a line, in seconds from the start as
// a decimal number, such as 12.000345; none before the one above, and none after
// 24 hours. Nanoseconds count, what is finer is rounded. What follows a # is a
// comment, and lines without a time are passed over. An error names the line.
func ReadTrace(r io.Reader) (*Trace, error) {
	hash := sha256.New()
	lines := bufio.NewScanner(io.TeeReader(r, hash))
	t := &Trace{}
	last := loop.Time(0)
	n := 1
	for ; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		at, err := traceTime(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", n, err)
		case at < last:
			return nil, fmt.Errorf("line %d: %s is before the arrival above it: put times in order", n, text)
		case len(t.Times) == maxTrace:
			return nil, fmt.Errorf("line %d: more than %d arrivals", n, maxTrace)
		}
		last = at
		t.Times = append(t.Times, at)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d: too long for a time", n)
	case err != nil:
		return nil, err
	case len(t.Times) == 0:
		return nil, errors.New("no arrivals: give one time in seconds a line")
	}
	t.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return t, nil
}

// traceTime reads seconds. A float64 holds every nanosecond of a day.
func traceTime(text string) (loop.Time, error) {
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	s, err := strconv.ParseFloat(text, 64)
	// ParseFloat also takes what no decimal number is: "inf", "0x1p4".
	if err != nil || strings.Trim(text, "0123456789.eE+-") != "" {
		return 0, fmt.Errorf("%q is no time: give seconds, such as 1.5", text)
	}
	if !(s >= 0 && s <= maxDuration.Seconds()) {
		return 0, fmt.Errorf("%s s: give a time from 0 to %.0f", text, maxDuration.Seconds())
	}
	return loop.Time(math.Round(s * 1e9)), nil
}

// ReadTraceFile is ReadTrace of a file; its errors name it.
func ReadTraceFile(name string) (*Trace, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := ReadTrace(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// Covers says in an error what is missing to a load of this length.
func (t *Trace) Covers(load time.Duration) error {
	if t.End() < load {
		return fmt.Errorf("its last arrival is at %v, warm-up and window take %v: ask for less", t.End(), load)
	}
	return nil
}
