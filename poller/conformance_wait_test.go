package poller

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTimeouts(t *testing.T) {
	conform(t, func(r *rig) {
		for _, timeout := range []time.Duration{1, 300 * time.Microsecond, 1500 * time.Microsecond, 30 * time.Millisecond} {
			before, start := r.Counts(), time.Now()
			if got := r.wait(timeout); len(got) != 0 {
				r.Fatalf("Wait reported %+v", got)
			}
			if took := time.Since(start); took < timeout {
				r.Errorf("Wait(%v) came back after %v", timeout, took)
			}
			// One call sleeps for the whole of it; one more is for a system
			// whose clocks differ by a tick.
			after := r.Counts()
			if blocks, interrupted := after.Blocks-before.Blocks, after.Interrupt-before.Interrupt; blocks > 2+interrupted {
				r.Errorf("Wait(%v) blocked %d times", timeout, blocks)
			}
		}
		before := r.Counts()
		if got := r.wait(0); len(got) != 0 {
			r.Fatalf("Wait reported %+v", got)
		}
		if after := r.Counts(); after.Blocks != before.Blocks || after.Polls == before.Polls {
			r.Errorf("Wait(0) made other calls than polls: %+v, then %+v", before, after)
		}
	})
}

// TestReadyEndsAWait, with another timeout for each way to say "long".
func TestReadyEndsAWait(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.pair()
		r.must(r.Add(a, Read, 1))
		for _, timeout := range []time.Duration{-1, patience, 1<<63 - 1} {
			go func() {
				time.Sleep(2 * time.Millisecond)
				if _, err := unix.Write(b, []byte("x")); err != nil {
					r.Error(err)
				}
			}()
			if got := r.wait(timeout); len(got) != 1 || got[0] != (Event{Token: 1, Ready: Read}) {
				r.Fatalf("Wait(%d) reported %+v", timeout, got)
			}
			r.empty(a)
		}
	})
}

func TestCounts(t *testing.T) {
	conform(t, func(r *rig) {
		if c := r.Counts(); c != (Counts{}) {
			r.Errorf("a fresh poller counts %+v", c)
		}
		a, b := r.pair()
		r.must(r.Add(a, Read, 1))
		r.write(b, "x")
		for range 3 {
			r.expect(Event{Token: 1, Ready: Read})
			r.empty(a)
			r.write(b, "x")
		}
		if c := r.Counts(); c.Events != 3 || c.Polls+c.Blocks < 3 || c.WakeCalls != 0 {
			r.Errorf("after three events it counts %+v", c)
		}
	})
}

// TestScanIsNotRepeated: where a call costs by the descriptors watched, a Wait
// on a quiet loop makes one, not a poll and then the same again.
func TestScanIsNotRepeated(t *testing.T) {
	conform(t, func(r *rig) {
		for i := range Token(2 * few) {
			a, _ := r.pair()
			r.must(r.Add(a, Read, i))
		}
		r.wait(time.Millisecond)
		before := r.Counts()
		const waits = 5
		for range waits {
			r.wait(time.Millisecond)
		}
		after := r.Counts()
		calls := after.Polls + after.Blocks - before.Polls - before.Blocks - (after.Interrupt - before.Interrupt)
		limit := uint64(2 * waits)
		if r.traits.ScansAll {
			limit = waits
		}
		if calls > limit {
			r.Errorf("%d waits made %d calls, want at most %d", waits, calls, limit)
		}
	})
}

// TestReadySetLargerThanBuffer: while all stay ready, each is reported in every
// round, whatever the size of the buffer.
func TestReadySetLargerThanBuffer(t *testing.T) {
	const ready = 100
	conform(t, func(r *rig) {
		for i := range Token(ready) {
			a, b := r.pair()
			r.must(r.Add(a, Read, i))
			r.write(b, "x")
		}
		for _, size := range []int{1, 7, 64, 99} {
			r.events = make([]Event, size)
			for round := range 5 {
				if r.traits.Mode == Edge && (round > 0 || size != 1) {
					continue // each has been reported, once
				}
				seen := map[Token]bool{}
				for range (ready+size-1)/size + 1 {
					for _, e := range r.wait(0) {
						if e.Ready != Read {
							r.Fatalf("%+v", e)
						}
						seen[e.Token] = true
					}
				}
				if len(seen) != ready {
					r.Fatalf("round %d with a buffer of %d: %d of %d were reported", round, size, len(seen), ready)
				}
			}
		}
	})
}

// TestNobodyIsLostInTheShuffle: as above, while registrations go and perhaps
// come back, which moves those of poll about in their array.
func TestNobodyIsLostInTheShuffle(t *testing.T) {
	for name, comesBack := range map[string]bool{"leave": false, "come back": true} {
		t.Run(name, func(t *testing.T) {
			conform(t, func(r *rig) { shuffle(r, comesBack) })
		})
	}
}

func shuffle(r *rig, comesBack bool) {
	const ready, size = 64, 5
	if r.traits.Mode == Edge {
		r.Skip("an edge comes once; there are no rounds")
	}
	fds := make([]int, ready)
	last := map[Token]int{} // the turn in which it was reported last
	for i := range fds {
		a, b := r.pair()
		r.must(r.Add(a, Read, Token(i)))
		r.write(b, "x")
		fds[i] = a
		last[Token(i)] = 0
	}
	r.events = make([]Event, size)
	// A round is at most the ready ones and one newcomer per Wait.
	const round = (ready+size-2)/(size-1) + 1
	for turn := 1; turn <= 20*round && len(last) >= size; turn++ {
		got := r.wait(0)
		if len(got) != size {
			r.Fatalf("turn %d: %d events, the buffer has %d", turn, len(got), size)
		}
		for _, e := range got {
			if _, there := last[e.Token]; !there {
				r.Fatalf("turn %d: number %d left, and is reported", turn, e.Token)
			}
			last[e.Token] = turn
		}
		for token, seen := range last {
			if turn-seen > round {
				r.Fatalf("turn %d: number %d was last reported in turn %d", turn, token, seen)
			}
		}
		token := got[turn%size].Token
		r.must(r.Change(fds[token], Read, 0, token))
		if comesBack {
			r.must(r.Change(fds[token], 0, Read, token))
		} else {
			delete(last, token)
		}
	}
}

// TestNoAllocation in what a loop does all day.
func TestNoAllocation(t *testing.T) {
	conform(t, func(r *rig) {
		a, b := r.pair()
		r.must(r.Add(a, Read, 1))
		wait := func(timeout time.Duration) {
			if _, err := r.Wait(r.events, timeout); err != nil {
				r.Fatal(err)
			}
		}
		for name, f := range map[string]func(){
			"a poll":             func() { wait(0) },
			"a timeout":          func() { wait(time.Microsecond) },
			"a wake":             func() { r.must(r.Wake()); wait(-1) },
			"a change":           func() { r.must(r.Change(a, Read, Read|Write, 1)); r.must(r.Change(a, Read|Write, Read, 1)) },
			"parking":            func() { r.must(r.Change(a, Read, 0, 1)); r.must(r.Change(a, 0, Read, 1)) },
			"add and remove":     func() { r.must(r.Add(b, Read, 2)); r.must(r.Remove(b, Read, 2, false)) },
			"a change and event": func() { r.must(r.Change(a, Read, Write, 1)); wait(-1); r.must(r.Change(a, Write, Read, 1)) },
		} {
			if n := testing.AllocsPerRun(50, f); n != 0 {
				r.Errorf("%s allocates %v times", name, n)
			}
		}
	})
}
