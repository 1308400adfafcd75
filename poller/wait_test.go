package poller

import (
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// script is a kernel that answers as it is told, the last answer for ever.
type script struct {
	answers []answer
	asked   []time.Duration
}

type answer struct {
	n     int
	errno unix.Errno
}

func (s *script) ask(d time.Duration) (int, unix.Errno) {
	s.asked = append(s.asked, d)
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return a.n, a.errno
}

func TestAwait(t *testing.T) {
	t.Parallel()
	none, some, signal := answer{}, answer{n: 3}, answer{errno: unix.EINTR}
	const year = 365 * 24 * time.Hour
	for _, c := range []struct {
		name      string
		timeout   time.Duration
		pollFirst bool
		answers   []answer
		asked     []time.Duration // longest where it only has to be positive
		counts    Counts
		n         int
		errno     unix.Errno
	}{
		{name: "poll", answers: []answer{none}, asked: []time.Duration{0}, counts: Counts{Polls: 1}},
		{name: "poll, ready", answers: []answer{some}, asked: []time.Duration{0}, counts: Counts{Polls: 1}, n: 3},
		{name: "poll, signal pending", answers: []answer{signal, some}, asked: []time.Duration{0, 0}, counts: Counts{Polls: 2, Interrupt: 1}, n: 3},
		{name: "ready at once", timeout: -1, pollFirst: true, answers: []answer{some}, asked: []time.Duration{0}, counts: Counts{Polls: 1}, n: 3},
		{name: "poll, then block", timeout: -1, pollFirst: true, answers: []answer{none, some}, asked: []time.Duration{0, -1}, counts: Counts{Polls: 1, Blocks: 1}, n: 3},
		{name: "block at once", timeout: -1, answers: []answer{some}, asked: []time.Duration{-1}, counts: Counts{Blocks: 1}, n: 3},
		{name: "signals", timeout: -1, answers: []answer{signal, signal, some}, asked: []time.Duration{-1, -1, -1}, counts: Counts{Blocks: 3, Interrupt: 2}, n: 3},
		{name: "longer than one call", timeout: year, answers: []answer{none, signal, some}, asked: []time.Duration{longest, longest, longest}, counts: Counts{Blocks: 3, Interrupt: 1}, n: 3},
		{name: "timeout", timeout: 1, answers: []answer{none}, asked: []time.Duration{1}, counts: Counts{Blocks: 1}},
		{name: "failed poll", timeout: -1, pollFirst: true, answers: []answer{{errno: unix.EBADF}}, asked: []time.Duration{0}, counts: Counts{Polls: 1}, errno: unix.EBADF},
		{name: "failed wait", timeout: 1, answers: []answer{{errno: unix.EINVAL}}, asked: []time.Duration{1}, counts: Counts{Blocks: 1}, errno: unix.EINVAL},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: c.answers}
			var counts Counts
			n, errno := await(s, &counts, c.timeout, c.pollFirst)
			if n != c.n || errno != c.errno || counts != c.counts || !slices.Equal(s.asked, c.asked) {
				t.Errorf("await gave %d, %v, %+v and asked %v; want %d, %v, %+v, %v",
					n, errno, counts, s.asked, c.n, c.errno, c.counts, c.asked)
			}
		})
	}
}

// TestAwaitShortens: after a signal only the rest of the time is waited for.
func TestAwaitShortens(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{{errno: unix.EINTR}, {errno: unix.EINTR}, {n: 1}}}
	var counts Counts
	if n, errno := await(s, &counts, time.Hour, false); n != 1 || errno != 0 {
		t.Fatal(n, errno)
	}
	for i, d := range s.asked[1:] {
		if d >= s.asked[i] || d <= 0 {
			t.Errorf("asked for %v", s.asked)
		}
	}
}

func TestOutlook(t *testing.T) {
	t.Parallel()
	var o outlook
	for _, c := range []struct {
		watched, ready int
		first          bool // before ready is learned
	}{
		{few, 0, true},
		{few + 1, 1, false},
		{1000, 1, false},
		{1000, 2, false},
		{1000, 5, true},
		{1000, 1, true},
		{1000, 0, false},
		{1, 0, true},
	} {
		if got := o.pollFirst(c.watched); got != (c.first && cheapPoll) {
			t.Errorf("%+v: poll first is %v", c, got)
		}
		o.learn(c.ready)
	}
}

func TestErrorsName(t *testing.T) {
	t.Parallel()
	err := refuse("select", "add", 2000, unix.EINVAL)
	if want := "select: cannot add descriptor 2000: invalid argument"; err.Error() != want || !errors.Is(err, unix.EINVAL) {
		t.Errorf("%q, want %q", err, want)
	}
}
