package poller

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestFifteenThousand watches 15,000 descriptors, or as many as the backend
// can.
func TestFifteenThousand(t *testing.T) {
	conform(t, func(r *rig) {
		n := 15000
		if r.traits.MaxFD > 0 {
			n = min(n, r.traits.MaxFD-100)
		}
		descriptors(t, n)
		n -= n % 2
		fds := make([]int, 0, n)
		for len(fds) < n {
			a, b := r.pair()
			fds = append(fds, a, b)
		}
		for i, fd := range fds {
			r.must(r.Add(fd, Read, MakeToken(uint32(i), 9)))
		}
		r.expect()

		// What one end writes, the other (the number with the last bit
		// flipped) reads.
		rng := rand.New(rand.NewPCG(1, 2))
		want := map[Token]Interest{}
		for _, i := range append(rng.Perm(n)[:300], 0, 1, n-2, n-1) {
			token := MakeToken(uint32(i), 9)
			if want[token] == 0 {
				want[token] = Read
				r.write(fds[i^1], "x")
			}
		}
		r.collect(want)
		for token := range want {
			r.empty(fds[token.Index()])
		}
		r.expect()

		clear(want)
		for i := 0; i < n; i += 3 {
			token := MakeToken(uint32(i), 10)
			r.must(r.Change(fds[i], Read, Write, token))
			want[token] = Write
		}
		r.events = make([]Event, 512)
		r.collect(want)

		for i := range fds {
			switch {
			case i%3 == 0:
				r.must(r.Change(fds[i], Write, 0, MakeToken(uint32(i), 10)))
			case i%3 == 1:
				r.must(r.Remove(fds[i], Read, MakeToken(uint32(i), 9), false))
			}
		}
		r.expect()
		for i := range fds {
			if i%3 == 2 {
				r.must(r.Remove(fds[i], Read, MakeToken(uint32(i), 9), true))
			}
			r.shut(fds[i])
		}
		r.expect()
	})
}

// collect waits until all of want were reported, and fails for anything else
// or if it takes more Waits than the events need.
func (r *rig) collect(want map[Token]Interest) {
	r.Helper()
	seen := map[Token]bool{}
	for range len(want)/len(r.events) + 2 {
		for _, e := range r.wait(time.Millisecond) {
			if want[e.Token] != e.Ready || e.Err != 0 {
				r.Fatalf("Wait reported %+v, want %v", e, want[e.Token])
			}
			seen[e.Token] = true
		}
	}
	if len(seen) != len(want) {
		r.Fatalf("%d of %d were reported", len(seen), len(want))
	}
}
