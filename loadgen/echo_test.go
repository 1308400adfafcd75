package loadgen

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"medusa/poller/loop"
)

// echoWorld is a world whose server, at port 7, echoes messages of size bytes. reply,
// when set, is what becomes of the n-th message of all, from 0; without it bytes
// are echoed as they come.
type echoWorld struct {
	*world
	size     int
	messages int
	reply    func(c *loop.Conn, n int, message []byte)
}

type echoEnd struct {
	w    *echoWorld
	part int
}

func newEchoWorld(t *testing.T, size int, cfg loop.Config) *echoWorld {
	t.Helper()
	cfg.Backend, cfg.Stamp = "sim", true
	l, err := loop.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &echoWorld{world: &world{t: t, l: l, addr: addrPort("127.0.0.1:7")}, size: size}
	if _, err := l.Listen(loop.ListenOptions{Address: w.addr}, func(*loop.Conn) loop.Handler { return &echoEnd{w: w} }); err != nil {
		t.Fatal(err)
	}
	return w
}

func (e *echoEnd) Opened(*loop.Conn) {}
func (e *echoEnd) Received(c *loop.Conn, p []byte) (used int) {
	w := e.w
	if w.reply == nil {
		c.Write(p)
		e.part += len(p)
		w.messages += e.part / w.size
		e.part %= w.size
		return len(p)
	}
	for ; len(p)-used >= w.size; used += w.size {
		n := w.messages
		w.messages++
		w.reply(c, n, p[used:used+w.size])
	}
	return used
}
func (e *echoEnd) Ended(c *loop.Conn)       { c.CloseWhenDone() }
func (e *echoEnd) Expired(*loop.Conn)       {}
func (e *echoEnd) Drained(*loop.Conn)       {}
func (e *echoEnd) Closed(*loop.Conn, error) {}

// spec is a closed loop of so many requests on each of eight connections.
func (w *echoWorld) spec(depth int) Spec {
	s := w.world.spec()
	s.URL = fmt.Sprintf("echo://server:7/%d", w.size)
	s.Closed, s.Schedule.Rate, s.Depth = true, 0, depth
	s.Duration = 50 * time.Millisecond
	return s
}

// Messages of any size come back, however they are cut, in a closed loop of any
// depth and in an open one; idle connections ask once.
func TestEchoLoad(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ size, depth, chunk int }{
		{1, 1, 0}, {1, 1024, 0}, {512, 1, 0}, {512, 16, 100}, {512, 16, 0}, {patternPeriod, 3, 0}, {patternPeriod, 3, 5000}, {300_000, 1, 0}, {65536, 16, 0},
	} {
		for _, open := range []bool{false, true} {
			t.Run(fmt.Sprintf("%+v, open %v", tc, open), func(t *testing.T) {
				t.Parallel()
				w := newEchoWorld(t, tc.size, loop.Config{Out: loop.MaxBuffer, Sim: &loop.SimConfig{Seed: 5, MaxChunk: tc.chunk, Latency: 100 * time.Microsecond, Window: 1 << 20}})
				s := w.spec(tc.depth)
				s.Idle, s.Duration = 3, 2*time.Millisecond // ten round trips
				if open {
					s.Duration = 30 * time.Millisecond
					s.Closed, s.Depth, s.Schedule.Rate = false, 1, 2000
				}
				r := w.run(s)
				if r.Requests == 0 || r.Requests != r.Scheduled || r.Verdict != Valid || r.Offered != 11 || r.Admitted != 11 || r.IdleOpen != 3 {
					t.Errorf("%d of %d requests answered, failures %v, %s %q; %d of %d connections admitted", r.Requests, r.Scheduled, r.Errors, r.Verdict, r.Reasons, r.Admitted, r.Offered)
				}
				if want := float64(8 * tc.depth); !open && (r.MeanInFlight != want || r.Depth != tc.depth) {
					t.Errorf("%v in flight at a depth of %d, want %v", r.MeanInFlight, r.Depth, want)
				}
				if r.BytesReceived != r.Requests*uint64(tc.size) || r.TotalBytesIn < r.TotalAnswered*uint64(tc.size) || r.TotalSent != uint64(w.messages) || r.TotalAnswered != uint64(w.messages) {
					t.Errorf("%d bytes; %d sent, %d answered, %d messages at the server", r.BytesReceived, r.TotalSent, r.TotalAnswered, w.messages)
				}
				if *r.FirstByte.Min < 200_000 || *r.Service.Min < *r.FirstByte.Min || *r.Admission.Min < 400_000 {
					t.Errorf("first byte from %d, last from %d, admission from %d: a round trip is 200000", *r.FirstByte.Min, *r.Service.Min, *r.Admission.Min)
				}
			})
		}
	}
}

// Whatever is not the message that was sent is an error of its kind, in the first
// request of those on their way and in one behind it.
func TestEchoFaults(t *testing.T) {
	t.Parallel()
	const size = 100
	swapped := map[*loop.Conn][]byte{}
	for _, tc := range []struct {
		name  string
		kind  Kind
		loose bool // it is noticed by the length alone
		reply func(w *echoWorld, c *loop.Conn, p []byte)
	}{
		{"one byte", WrongBytes, false, func(_ *echoWorld, c *loop.Conn, p []byte) {
			p = slices.Clone(p)
			p[size-1] ^= 1
			c.Write(p)
		}},
		{"a byte lost, another at the end", WrongBytes, false, func(_ *echoWorld, c *loop.Conn, p []byte) { c.Write(append(slices.Clone(p[1:]), 0)) }},
		{"one before its time", WrongBytes, false, func(_ *echoWorld, c *loop.Conn, p []byte) { c.Write(append([]byte{p[1]}, p...)[:size]) }},
		{"of another connection", WrongBytes, false, func(w *echoWorld, c *loop.Conn, p []byte) {
			swapped[c] = slices.Clone(p)
			for other, q := range swapped {
				if other != c {
					c.Write(q)
					return
				}
			}
			c.Write(make([]byte, size))
		}},
		{"nothing", Timeout, true, func(*echoWorld, *loop.Conn, []byte) {}},
		{"a part and the end", Short, true, func(_ *echoWorld, c *loop.Conn, p []byte) { c.Write(p[:size-1]); c.CloseWhenDone() }},
		{"the end", Reset, true, func(_ *echoWorld, c *loop.Conn, p []byte) { c.CloseWhenDone() }},
		{"a reset", Reset, true, func(_ *echoWorld, c *loop.Conn, p []byte) { c.Abort() }},
	} {
		for _, depth := range []int{1, 4} {
			for _, loose := range []bool{false, true} {
				if tc.name == "of another connection" && (depth > 1 || loose) {
					continue // one map for all
				}
				t.Run(fmt.Sprintf("%s, depth %d, loose %v", tc.name, depth, loose), func(t *testing.T) {
					w := newEchoWorld(t, size, loop.Config{Sim: &loop.SimConfig{Latency: 100 * time.Microsecond}})
					bad, last := 0, map[*loop.Conn]bool{}
					w.reply = func(c *loop.Conn, n int, p []byte) {
						switch {
						case last[c]: // what it does not answer any more
						case n < 50 || n%97 > 0:
							c.Write(p)
						default:
							bad++
							tc.reply(w, c, p)
							last[c] = tc.kind != WrongBytes
						}
					}
					s := w.spec(depth)
					s.LooseBody, s.Timeout = loose, 20*time.Millisecond
					r := w.run(s)
					if loose && !tc.loose {
						if len(r.Errors) > 0 || r.Offered != 8 {
							t.Errorf("with only the length to compare: %v", r.Errors)
						}
						return
					}
					if bad == 0 || r.Requests < 100 || r.Errors[tc.kind.String()] == 0 || r.Offered <= 8 {
						t.Fatalf("%d faults: %v of %d requests, %d connections", bad, r.Errors, r.Scheduled, r.Offered)
					}
					if tc.kind != Timeout && depth == 1 && (r.Errors[tc.kind.String()] != uint64(bad) || len(r.Errors) != 1) {
						t.Errorf("%d faults: %v", bad, r.Errors)
					}
					// Those behind the one that failed were not answered.
					if delete(r.Errors, tc.kind.String()); depth > 1 && tc.kind != Timeout && tc.kind != Reset && (r.Errors["reset"] == 0 || len(r.Errors) != 1) {
						t.Errorf("%d faults, and besides: %v", bad, r.Errors)
					}
				})
			}
		}
	}
}

// More than was sent is no echo.
func TestEchoTooMuch(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{1, 4} {
		w := newEchoWorld(t, 100, loop.Config{Sim: &loop.SimConfig{Latency: 100 * time.Microsecond}})
		bad := uint64(0)
		w.reply = func(c *loop.Conn, n int, p []byte) {
			if c.Write(p); n > 50 && n%97 == 0 {
				bad++
				w.l.At(w.l.Now().Add(150*time.Microsecond), func() { c.Write([]byte("!")) })
			}
		}
		s := w.spec(depth)
		r := w.run(s)
		if n := r.Errors["wrong_bytes"]; n == 0 || n > bad || r.Offered <= 8 {
			t.Errorf("depth %d: %d bytes too much, %v, %d connections", depth, bad, r.Errors, r.Offered)
		}
	}
}

// No message is equal to the one after it, nor to that of another connection,
// and what is shifted is something else.
func TestEchoPattern(t *testing.T) {
	t.Parallel()
	for _, size := range []int{16, 128, 512, 1000, patternPeriod, 2 * patternPeriod, anotherPeriod, 1 << 20} {
		e := newEcho(size, 1)
		starts := map[string]int{}
		for conn := range 50 {
			at := e.begin()
			for i := range 3 {
				p, next := e.run(at, 1)
				if len(p) != size || !bytes.Equal(p[:min(size, e.period-at)], e.pattern[at:min(at+size, e.period)]) {
					t.Fatalf("size %d: %d bytes at %d", size, len(p), at)
				}
				key := string(p[:16])
				if was, ok := starts[key]; ok {
					t.Errorf("size %d: message %d of connection %d begins like one of connection %d", size, i, conn, was)
				}
				starts[key] = conn
				if n, same := e.take(p[1:], at, 0, false); same || n != size-1 {
					t.Errorf("size %d: what is shifted by a byte passes", size)
				}
				if n, same := e.take(p[10:], at, 10, false); !same || n != size-10 {
					t.Errorf("size %d: the rest after 10 bytes does not pass", size)
				}
				at = next
			}
		}
	}
}
