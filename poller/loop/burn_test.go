package loop

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"medusa/control"
)

// fakeCPU is a CPU clock that only the test's work and its own reads move.
type fakeCPU struct {
	ns    int64
	read  int64 // what a read costs
	reads int64
}

func (f *fakeCPU) clock() int64 {
	f.ns += f.read
	f.reads++
	return f.ns
}

// TestBurnAccount: over many turns of uneven work what is burned is the share
// of the work, to within what one read of the clock and the last events are.
func TestBurnAccount(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.02, 0.05, 1} {
		for _, perTurn := range []uint64{1, 7, 64, 1000} {
			cpu := &fakeCPU{ns: 1e9, read: 1500}
			l, err := New(Config{Backend: "sim", Burn: Burn{Share: share, Clock: cpu.clock}})
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, perTurn))
			var work, most, recent int64
			l.burn() // nothing is owed yet
			began := cpu.ns
			for range 4000 {
				w := int64(perTurn) * (2000 + rng.Int64N(20_000))
				cpu.ns += w
				work += w
				l.counts.Events += perTurn
				before := cpu.reads
				if l.burn(); cpu.reads > before {
					recent = 0
				} else if recent += w; recent > most {
					most = recent
				}
			}
			// Not yet answered for are the last turns, and one read.
			burned := float64(cpu.ns - began - work)
			if off := math.Abs(burned - share*float64(work)); off > share*float64(most)+3*float64(cpu.read) {
				t.Errorf("share %v, %d events a turn: burned %.0f ns beside %d of work, %.0f off", share, perTurn, burned, work, off)
			}
		}
	}
}

// TestBurnReadsRarely: the clock is not read for each event, and without a
// share not at all.
func TestBurnReadsRarely(t *testing.T) {
	t.Parallel()
	for share, most := range map[float64]int64{0: 0, 0.05: 2*10 + burnLearn, 0.5: 5*10 + burnLearn} {
		cpu := &fakeCPU{read: 1000}
		l, err := New(Config{Backend: "sim", Burn: Burn{Share: share, Clock: cpu.clock}})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 * burnEvery {
			l.counts.Events++
			cpu.ns += 100
			l.burn()
		}
		if cpu.reads > most || share > 0 && cpu.reads < 10 {
			t.Errorf("share %v: %d reads for %d events, want at most %d", share, cpu.reads, 10*burnEvery, most)
		}
	}
}

// TestBurnOnBackends: a server on each backend burns the share of its work.
func TestBurnOnBackends(t *testing.T) {
	const pings, work, share = 2000, 1000, 0.25
	for _, name := range everyBackend() {
		if strings.HasPrefix(name, "goroutines") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			cpu := &fakeCPU{read: 1}
			l, err := newOn(name, Config{Burn: Burn{Share: share, Clock: cpu.clock}})
			if err != nil {
				t.Fatal(err)
			}
			n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0")}, func(*Conn) Handler {
				return &handler{received: func(c *Conn, p []byte) int {
					cpu.ns += work * int64(len(p))
					c.Write(p)
					return len(p)
				}}
			})
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			l.Dial(DialOptions{Address: n.Addr()}, &handler{
				opened: func(c *Conn) { c.Write([]byte("x")) },
				received: func(c *Conn, p []byte) int {
					if got++; got == pings {
						l.Stop()
					} else {
						c.Write(p)
					}
					return len(p)
				},
			})
			if err := l.Run(); err != nil {
				t.Fatal(err)
			}
			burned := cpu.ns - pings*work
			if off := math.Abs(float64(burned) - share*pings*work); off > share*2*burnEvery*work {
				t.Errorf("burned %d ns beside %d of work, want %v of it", burned, pings*work, share)
			}
		})
	}
}

// TestBurnByProcessClock: by the clock of the process, too, about the share is
// burned. It compares CPU times with each other: what else the machine does is
// no part of them.
func TestBurnByProcessClock(t *testing.T) {
	const share = 0.5
	l, err := New(Config{Backend: "sim", Burn: Burn{Share: share, Clock: control.CPUTime}})
	if err != nil {
		t.Fatal(err)
	}
	var work, burned int64
	l.burn()
	rng := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		start := control.CPUTime()
		for control.CPUTime()-start < 100_000 {
			rng.Uint64()
		}
		l.counts.Events += burnEvery
		used := control.CPUTime()
		l.burn()
		work, burned = work+used-start, burned+control.CPUTime()-used
	}
	if got := float64(burned) / float64(work); got < 0.8*share || got > 1.3*share {
		t.Errorf("burned %.3f of the work, want about %v", got, share)
	}
}

func TestBurnCheck(t *testing.T) {
	t.Parallel()
	clock := (&fakeCPU{}).clock
	for _, tc := range []struct {
		cfg  Config
		want string
	}{
		{Config{Backend: "poll", Burn: Burn{1, clock}}, ""},
		{Config{Backend: "goroutines", Busy: true, Burn: Burn{0, nil}}, ""},
		{Config{Backend: "poll", Burn: Burn{-0.01, clock}}, "burn of -0.01: give a share from 0 to 1"},
		{Config{Backend: "poll", Burn: Burn{1.01, clock}}, "burn of 1.01"},
		{Config{Backend: "poll", Burn: Burn{math.NaN(), clock}}, "burn of NaN"},
		{Config{Backend: "poll", Burn: Burn{0.05, nil}}, "without a clock"},
		{Config{Backend: "goroutines", Burn: Burn{0.05, clock}}, "backend goroutines cannot burn"},
		{Config{Backend: "poll", Busy: true, Burn: Burn{0.05, clock}}, "polls without sleeping cannot burn"},
	} {
		err := tc.cfg.Check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.cfg.Burn, err, tc.want)
		}
	}
}
