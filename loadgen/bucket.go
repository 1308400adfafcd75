package loadgen

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"medusa/poller/loop"
)

// How a bucket lets bytes through. A client on a slow line has a segment now and
// then: at readEvery, or whenever readMost would have come, so that a fast line
// does not burst. What a timer was late by is made up for, up to makeUp.
const (
	readEvery = 100 * time.Millisecond
	readMost  = 16 << 10
	makeUp    = 20 * time.Millisecond
)

// second is a byte's price: credit is counted in parts of it, so that no rate
// has to be rounded.
const second = int64(time.Second)

// bucket bounds bytes by a rate: a token bucket that begins empty. In any
// time T it gives at most depth + rate*T bytes, and to whoever always wants
// more, from its beginning on, exactly rate*T rounded down: it counts in whole
// numbers. It knows no connection and no protocol.
type bucket struct {
	rate    int64 // bytes/s, 1 to maxByteRate
	quantum int64 // bytes that are worth waking for
	depth   int64 // bytes that it holds at most: what is not taken beyond is lost
	credit  int64 // what it holds, in bytes times second
	at      loop.Time
}

// maxByteRate keeps a bucket's numbers within 63 bits, in bytes/s.
const maxByteRate = 1 << 32

// newBucket is a bucket that begins to fill at now.
func newBucket(rate int64, now loop.Time) bucket {
	quantum := min(max(1, rate*int64(readEvery)/second), readMost)
	return bucket{rate: rate, quantum: quantum, depth: quantum + max(quantum, rate*int64(makeUp)/second), at: now}
}

// fill brings the credit to now.
func (b *bucket) fill(now loop.Time) {
	elapsed := int64(now - b.at)
	if elapsed <= 0 {
		return
	}
	b.at = now
	if missing := b.depth*second - b.credit; elapsed >= (missing+b.rate-1)/b.rate {
		b.credit = b.depth * second
		return
	}
	b.credit += elapsed * b.rate
}

// take takes up to n bytes and says how many there were.
func (b *bucket) take(now loop.Time, n int) int {
	b.fill(now)
	n = int(min(int64(n), b.credit/second))
	b.credit -= int64(n) * second
	return n
}

// next is when there will be bytes worth waking for, as many as wanted, but no
// more than a quantum: the first nanosecond at which take gives them.
func (b *bucket) next(wanted int) loop.Time {
	missing := min(int64(max(1, wanted)), b.quantum)*second - b.credit
	if missing <= 0 {
		return b.at
	}
	return b.at + loop.Time((missing+b.rate-1)/b.rate)
}

// Bytes is a size on the command line: 4096, 7KiB, 1MiB or 1GiB.
type Bytes int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Bytes) UnmarshalText(text []byte) error {
	digits, shift := string(text), 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if n, ok := strings.CutSuffix(digits, unit); ok {
			digits, shift = n, 10*(i+1)
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 62)
	if err != nil || n<<shift>>shift != n || n<<shift > 1<<62 {
		return fmt.Errorf("%q: give a number of bytes, such as 4096, 7KiB or 1MiB", text)
	}
	*b = Bytes(n << shift)
	return nil
}
