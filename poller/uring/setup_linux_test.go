package uring

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const everything = SingleIssuer | DeferTaskrun | CoopTaskrun | SubmitAll | NoSQArray | RegisteredFD

// TestEveryCombination of features opens, is granted what was not left out, and
// works.
func TestEveryCombination(t *testing.T) {
	for without := Feature(0); without <= everything; without++ {
		name := without.String()
		if without == 0 {
			name = "nothing"
		}
		t.Run("without "+name, func(t *testing.T) {
			b := open(t, Options{Entries: 4, Without: without})
			if got := b.Granted() & without; got != 0 {
				t.Fatalf("granted %v", got)
			}
			want := Probe().Granted | CoopTaskrun
			want &^= without
			if want&SingleIssuer == 0 {
				want &^= DeferTaskrun // which needs it
			}
			if want&DeferTaskrun != 0 {
				want &^= CoopTaskrun // which it supersedes
			}
			if got := b.Granted(); got != want {
				t.Errorf("granted %v, want %v", got, want)
			}
			for i := range uint64(10) {
				b.next(i).Nop()
			}
			for i, c := range b.await(10) {
				if c.UserData != uint64(i) || c.Res != 0 {
					t.Fatalf("number %d: %+v", i, c)
				}
			}
			g := b.group(0, 4, 8, 2)
			x, y := b.tcp()
			b.next(7).RecvGroup(x, 0, true)
			b.quiet("nothing to receive")
			for range 5 {
				b.next(8).Send(y, []byte("hello"), sendNow)
				for _, c := range b.await(2) {
					if c.UserData == 7 {
						if got := b.bytes(g, c); string(got) != "hello" || !c.More() {
							t.Fatalf("%q, %+v", got, c)
						}
						b.give(g, c)
					}
				}
			}
			// Closed with the receive in flight: one call is enough to release x
			// on each.
			b.next(9).Cancel(7)
			b.shut(x)
			b.enter()
			if !b.ended(y) {
				t.Error("the peer sees no end when the call has returned")
			}
		})
	}
}

func TestOptionsRefused(t *testing.T) {
	for _, o := range []Options{
		{Entries: 3}, {Entries: 65536}, {Entries: 8, Completions: 12}, {Completions: 65536},
		{Entries: 16, Completions: 8},
	} {
		if r, err := Open(o); err == nil {
			r.Close()
			t.Errorf("%+v was opened", o)
		} else if !strings.Contains(err.Error(), "power of two") && !strings.Contains(err.Error(), "fewer completions") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestOptionsComplete(t *testing.T) {
	for _, c := range []struct{ entries, completions, wantEntries, wantCompletions uint32 }{
		{0, 0, 4096, 32768},
		{8, 0, 8, 64},
		{32768, 0, 32768, 32768},
		{8, 8, 8, 8},
		{1, 1, 1, 1},
	} {
		b := open(t, Options{Entries: c.entries, Completions: c.completions})
		if b.sqEntries != c.wantEntries || b.cqMask+1 != c.wantCompletions {
			t.Errorf("%+v: %d entries, %d completions", c, b.sqEntries, b.cqMask+1)
		}
	}
}

// TestNoAllocation in what a loop does all day.
func TestNoAllocation(t *testing.T) {
	b := open(t, Options{Entries: 64})
	g := b.group(0, 64, 1024, 64)
	x, y := b.pair()
	b.next(7).RecvGroup(x, 0, true)
	b.quiet("nothing to receive")
	p, vector := []byte("hello"), [][]byte{[]byte("a"), []byte("b"), []byte("c")}
	into := make([]CQE, 64)
	take := func() {
		for n := b.Reap(into); n > 0; n = b.Reap(into) {
			for i := range into[:n] {
				if id, ok := into[i].Buffer(); ok {
					if g.Bytes(id, int(into[i].Res))[0] == 0 {
						t.Error("nothing was received")
					}
					g.Give(id)
				}
			}
		}
		g.Publish()
	}
	for name, f := range map[string]func(){
		"nothing":  func() { b.Enter() },
		"a submit": func() { b.next(1).Nop(); b.Submit() },
		"a full queue": func() {
			for range 3 * 64 {
				b.next(1).Nop()
			}
			b.Enter()
		},
		"a send and a receive": func() { b.next(1).Send(y, p, sendNow); b.Enter() },
		"a vector":             func() { b.SendVector(b.next(1), y, vector, sendNow); b.Enter() },
		"a timeout":            func() { b.Wait(1) },
		"a wait":               func() { b.next(1).Nop(); b.Wait(-1) },
		"a poll":               func() { b.next(1).PollAdd(y, unix.POLLOUT, true); b.next(2).Cancel(1); b.Enter() },
	} {
		if n := testing.AllocsPerRun(100, func() { f(); take() }); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func TestFeatureString(t *testing.T) {
	t.Parallel()
	if got := (SingleIssuer | RegisteredFD).String(); got != "SINGLE_ISSUER registered ring" {
		t.Errorf("%q", got)
	}
	if got := Feature(0).String(); got != "" {
		t.Errorf("%q", got)
	}
}
