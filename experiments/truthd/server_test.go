package truthd

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"medusa/control"
)

// start runs a server for the length of a test.
func start(t *testing.T, s Spec) (address string, end func() []Entry) {
	t.Helper()
	v, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), s)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- v.Run() }()
	end = sync.OnceValue(func() []Entry {
		v.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		return v.Log()
	})
	t.Cleanup(func() { end() })
	return v.Address().String(), end
}

// TestServer holds the log against what clients saw: causality binds both
// clocks, whatever the machine does meanwhile.
func TestServer(t *testing.T) {
	const clients, each = 8, 20
	for _, kind := range Kinds {
		t.Run(kind, func(t *testing.T) {
			s := Spec{Kind: kind, Mean: 200 * time.Microsecond, Seed: 3, StallAfter: time.Millisecond, Stall: 5 * time.Millisecond}
			address, end := start(t, s)
			type seen struct{ sent, got int64 } // got 0: reset
			saw := map[uint16][]seen{}
			var mu sync.Mutex
			var group sync.WaitGroup
			for range clients {
				group.Go(func() {
					c, err := net.Dial("tcp", address)
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					in := bufio.NewReader(c)
					var all []seen
					for i := range each {
						sent := control.Monotonic()
						request := "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
						if i == 1 { // in two pieces
							_, _ = io.WriteString(c, request[:9])
							request = request[9:]
						}
						if _, err := io.WriteString(c, request); err != nil {
							break
						}
						if kind == Faulty {
							_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
						}
						response, err := http.ReadResponse(in, nil)
						var late net.Error
						if err != nil && errors.As(err, &late) && late.Timeout() {
							break // mute
						}
						if err != nil {
							all = append(all, seen{sent: sent})
							break
						}
						body, _ := io.ReadAll(response.Body)
						if string(body) != "Hello, World!" {
							t.Errorf("body %q", body)
						}
						all = append(all, seen{sent, control.Monotonic()})
					}
					mu.Lock()
					saw[uint16(c.LocalAddr().(*net.TCPAddr).Port)] = all
					mu.Unlock()
				})
			}
			group.Wait()
			checked, fates := 0, map[Fate]int{}
			var lastDue int64
			for _, e := range end() {
				fates[e.Fate]++
				if e.Fate == Mute {
					if e.Reply != 0 || e.Sent != 0 {
						t.Errorf("%+v: answered", e)
					}
					continue
				}
				if int(e.Ordinal) >= len(saw[e.Port]) {
					t.Fatalf("%+v: the client did not ask that", e)
				}
				c := saw[e.Port][e.Ordinal]
				if e.Arrival < c.sent || e.Reply < e.Arrival+e.Work || (c.got != 0) != (e.Fate == Answered) || c.got != 0 && (c.got < e.Reply || e.Sent < e.Reply) {
					t.Errorf("%+v, but the client sent it at %d and had the reply at %d", e, c.sent, c.got)
				}
				if kind == Serial && e.Ordinal > 0 {
					if e.Reply < lastDue+e.Work {
						t.Errorf("%+v: served while another one was, until %d", e, lastDue)
					}
					lastDue = max(lastDue, e.Arrival) + e.Work
				}
				checked++
			}
			if kind != Faulty && checked != clients*each {
				t.Errorf("%d of %d requests are in the log", checked, clients*each)
			}
			if kind == Faulty && (fates[Mute] == 0 || fates[Aborted] == 0) {
				t.Errorf("fates %v", fates)
			}
		})
	}
}

// TestPlan: delays are those that the kind promises, and the same again.
func TestPlan(t *testing.T) {
	t.Parallel()
	const n, mean = 20_000, 1_000_000
	for kind, want := range map[string]struct{ mean, least, most float64 }{
		Null: {0, 0, 0}, Constant: {mean, mean, mean}, Exponential: {mean, 0, 20 * mean},
		Bimodal: {(.8*.25 + .2*5.5) * mean, .2 * mean, 6 * mean}, Stalling: {mean / 10, mean / 10, mean / 10},
	} {
		s := Spec{Kind: kind, Mean: mean, Seed: 5, StallAfter: 1}
		p, again := NewPlan(s), NewPlan(s)
		sum := 0.0
		for i := range int64(n) {
			at := 10_000 * i
			due, work, fate := p.Decide(at, false)
			if d, w, f := again.Decide(at, false); d != due || w != work || f != fate {
				t.Fatalf("%s: another decision for the same request", kind)
			}
			if due != at+work || fate != Answered || float64(work) < want.least || float64(work) > want.most {
				t.Fatalf("%s: request at %d is due at %d with %d ns of work (%v)", kind, at, due, work, fate)
			}
			sum += float64(work)
		}
		if got := sum / n; got < .96*want.mean || got > 1.04*want.mean {
			t.Errorf("%s: mean %.0f, want %.0f", kind, got, want.mean)
		}
	}
	p := NewPlan(Spec{Kind: Stalling, Mean: 1000, StallAfter: 500, Stall: 300})
	for _, c := range [][2]int64{{1000, 1100}, {1399, 1499}, {1400, 1800}, {1650, 1800}, {1700, 1800}, {1800, 1900}} {
		if due, _, _ := p.Decide(c[0], false); due != c[1] {
			t.Errorf("stall from 1500 to 1800: a request at %d is due at %d, want %d", c[0], due, c[1])
		}
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	all := []Entry{{Port: 4000, Ordinal: 2, Arrival: 5, Work: 6, Reply: 7, Sent: 8}, {Port: 65535, Fate: Mute}, {Fate: Aborted}}
	var b bytes.Buffer
	if err := WriteLog(&b, all); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	again, err := ReadLog(&b)
	if d := cmp.Diff(all, again); d != "" || err != nil {
		t.Error(d, err)
	}
	for name, wrong := range map[string]string{
		"no header": "1,2,3,4,5,6,mute\n", "a fate": strings.Replace(text, "mute", "dead", 1),
		"a number": strings.Replace(text, ",7,", ",x,", 1), "a port": strings.Replace(text, "65535", "65536", 1), "fields": text + "1,2\n",
	} {
		if _, err := ReadLog(strings.NewReader(wrong)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPauses(t *testing.T) {
	t.Parallel()
	// A second in steps of 1 us, but for a pause of 30 us each ms and one of
	// 1 ms, which nobody notices who knows that it worked.
	now := int64(0)
	p := &Pauses{}
	p.begin(func() int64 { return 0 })
	for ms := range 1000 {
		for now < int64(ms+1)*1_000_000-30_000 {
			now += 1000
			p.add(now, false)
		}
		now += 30_000
		p.add(now, ms == 500)
	}
	for x, want := range map[int64]float64{0: .02997, 10_000: .01998, 29_000: .000999, 30_000: 0, 1 << 40: 0} {
		if got := p.LateShare(x); got < .999*want || got > 1.001*want {
			t.Errorf("late by more than %d ns: %v, want %v", x, got, want)
		}
	}
	if got := p.Late(.99); got < 19_900 || got > 20_100 {
		t.Errorf("p99 %d", got)
	}
	if p.Longest() != 30_000 || p.Late(.5) != 0 {
		t.Errorf("longest %d, median %d", p.Longest(), p.Late(.5))
	}
	p.Merge(&Pauses{from: 10, last: 1_000_000_010})
	if got := p.LateShare(0); got < .0149 || got > .0151 {
		t.Errorf("together %v", got)
	}
	clock := int64(0)
	w := Watch(func() int64 {
		if clock += 1000; clock == 500_000 {
			clock += 50_000
		}
		return clock
	}, 1_000_000)
	if w.Longest() != 51_000 {
		t.Errorf("longest %d of a clock that jumped by 51 us", w.Longest())
	}
}
