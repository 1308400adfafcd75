package loadgen

import (
	"math/rand/v2"
	"testing"

	"medusa/poller/loop"
)

// Who always wants more gets rate*T, rounded down, at every moment, whatever
// the rate and however time goes on; and next is the first nanosecond at which
// there is what it says.
func TestBucketIsExact(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, rate := range []int64{1, 3, 7, 999, 3500, 7 << 10, 1_000_003, 1 << 30, maxByteRate} {
		start := loop.Time(r.Int64N(1 << 50))
		b := newBucket(rate, start)
		now, taken := start, int64(0)
		for range 2000 {
			at := b.next(1 << 30)
			if at > now {
				probe := b
				if got := probe.take(at-1, 1<<30); got >= int(b.quantum) {
					t.Fatalf("rate %d: a nanosecond before next there are %d bytes", rate, got)
				}
				probe = b
				if got := probe.take(at, 1<<30); got < int(b.quantum) {
					t.Fatalf("rate %d: at next there are %d bytes, not %d", rate, got, b.quantum)
				}
				now = at
			}
			// Some are late, by less than is made up for.
			now = now.Add(loop.Time(r.Int64N(int64(makeUp) / 2)).Sub(0))
			taken += int64(b.take(now, 1<<40))
			elapsed := int64(now - start)
			if want := elapsed/second*rate + elapsed%second*rate/second; taken != want {
				t.Fatalf("rate %d: %d bytes after %d ns, want %d", rate, taken, elapsed, want)
			}
		}
	}
}

// What is not taken is kept up to the depth, and no more.
func TestBucketHoldsItsDepth(t *testing.T) {
	t.Parallel()
	for _, rate := range []int64{1, 1000, 1 << 20, maxByteRate} {
		b := newBucket(rate, 0)
		if got := int64(b.take(loop.Time(1<<62), 1<<60)); got != b.depth {
			t.Errorf("rate %d: %d bytes after a long time, depth %d", rate, got, b.depth)
		}
		if got := b.take(loop.Time(1<<62), 1); got != 0 {
			t.Errorf("rate %d: %d bytes more", rate, got)
		}
		if got := b.take(0, 1); got != 0 {
			t.Errorf("rate %d: %d bytes by a clock that went back", rate, got)
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Bytes{"0": 0, "4096": 4096, "7KiB": 7 << 10, "1MiB": 1 << 20, "2GiB": 2 << 30} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s: %d, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "7kb", "1.5MiB", "7 KiB", "9999999999GiB", "18446744073709551617"} {
		var b Bytes
		if b.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is %d", text, b)
		}
	}
}
