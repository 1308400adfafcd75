package calibrate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"medusa/poller/loop"
	"medusa/results"
)

// The scenario: seeded conversations at once on one loop. A client sends
// frames, each a length and a seed, the server answers each with so many bytes
// made of that seed, and then the client closes its side; some clients abort
// instead when they have every reply. (The suite of package loop plays far more
// of this kind; this one is for the machine at hand.)
const (
	conversations = 24
	framesEach    = 12
	frameBytes    = 12
	replyMost     = 200_000
	// scenarioPatience bounds the scenario on one backend.
	scenarioPatience = 20 * time.Second
)

const otherTranscripts = ": transcripts unlike sim's"

type scenarioFrame struct {
	size uint32
	seed uint64
}

func (f scenarioFrame) bytes() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, f.size), f.seed)
}

func (f scenarioFrame) reply() []byte {
	r := rand.New(rand.NewPCG(f.seed, uint64(f.size)))
	p := make([]byte, 0, f.size+8)
	for len(p) < int(f.size) {
		p = binary.LittleEndian.AppendUint64(p, r.Uint64())
	}
	return p[:f.size]
}

// CheckEngines plays one seeded scenario on every backend of this machine and
// on the simulated one, and compares what both ends of each connection saw: the
// bytes each way, and the order of its events.
func CheckEngines(seed uint64) results.Truth {
	b := newTruth("engines", fmt.Sprintf("one seeded scenario of %d connections on every engine: the same transcript", conversations))
	want, err := playScenario("sim", seed)
	if err != nil {
		b.part("sim"+otherTranscripts, "", conversations, exactly(0))
		b.Note = err.Error()
		return b.Truth
	}
	var notes []string
	for _, info := range loop.Backends() {
		if info.Missing != "" {
			continue
		}
		got, err := playScenario(info.Name, seed)
		differ := 0
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				differ++
			}
		}
		if err != nil {
			notes = append(notes, err.Error())
		}
		b.part(info.Name+otherTranscripts, "", float64(differ), exactly(0))
	}
	b.chance(0, "transcripts leave out what the system may decide (chunks, order across connections)")
	b.Note = strings.Join(notes, "; ")
	return b.Truth
}

// playScenario returns the transcripts of both ends, by conversation.
func playScenario(backend string, seed uint64) ([]string, error) {
	cfg := loop.Config{Backend: backend}
	if backend == "sim" {
		cfg.Sim = &loop.SimConfig{Seed: seed, Latency: 20 * time.Microsecond, MaxChunk: 3000}
	}
	l, err := loop.New(cfg)
	if err != nil {
		return nil, err
	}
	left := 2 * conversations
	gone := func() {
		if left--; left == 0 {
			l.Stop()
		}
	}
	servers := map[netip.AddrPort]*scenarioEnd{}
	listener, err := l.Listen(loop.ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0"), NoDelay: true}, func(c *loop.Conn) loop.Handler {
		s := &scenarioEnd{gone: gone}
		servers[c.RemoteAddr()] = s
		return &scenarioServer{s}
	})
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(seed, 1996))
	clients := make([]*scenarioClient, conversations)
	for i := range clients {
		k := &scenarioClient{scenarioEnd: &scenarioEnd{gone: gone}, aborts: r.IntN(4) == 0}
		for range framesEach {
			k.frames = append(k.frames, scenarioFrame{uint32(r.IntN(replyMost) >> r.IntN(12)), r.Uint64()})
		}
		clients[i] = k
		l.Dial(loop.DialOptions{Address: listener.Addr(), NoDelay: true}, k)
	}
	watchdog := time.AfterFunc(scenarioPatience, l.Stop)
	defer watchdog.Stop()
	if err := l.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", backend, err)
	}
	out := make([]string, conversations)
	for i, k := range clients {
		out[i] = "client " + k.transcript() + ", server "
		if s := servers[k.address]; s != nil {
			out[i] += s.transcript()
		}
	}
	if left > 0 {
		return out, fmt.Errorf("%s: %d of %d ends were open after %v", backend, left, 2*conversations, scenarioPatience)
	}
	return out, nil
}

// scenarioEnd is what one end saw.
type scenarioEnd struct {
	got    bytes.Buffer
	events []string
	gone   func()
}

func (e *scenarioEnd) transcript() string {
	h := fnv.New64a()
	h.Write(e.got.Bytes())
	return fmt.Sprintf("%v, %d bytes %x", e.events, e.got.Len(), h.Sum64())
}

func (e *scenarioEnd) saw(what string)    { e.events = append(e.events, what) }
func (e *scenarioEnd) Opened(*loop.Conn)  { e.saw("open") }
func (e *scenarioEnd) Expired(*loop.Conn) { e.saw("expired") }
func (e *scenarioEnd) Drained(*loop.Conn) {}
func (e *scenarioEnd) Ended(c *loop.Conn) {
	e.saw("end")
	c.CloseWhenDone()
}
func (e *scenarioEnd) Closed(_ *loop.Conn, err error) {
	e.saw("closed: " + loop.Kind(err))
	e.gone()
}

type scenarioServer struct{ *scenarioEnd }

func (s *scenarioServer) Received(c *loop.Conn, p []byte) (used int) {
	for ; len(p)-used >= frameBytes; used += frameBytes {
		f := scenarioFrame{binary.BigEndian.Uint32(p[used:]), binary.BigEndian.Uint64(p[used+4:])}
		s.got.Write(p[used : used+frameBytes])
		c.Write(f.reply())
	}
	return used
}

type scenarioClient struct {
	*scenarioEnd
	frames  []scenarioFrame
	aborts  bool
	address netip.AddrPort
	due     int
}

func (k *scenarioClient) Opened(c *loop.Conn) {
	k.scenarioEnd.Opened(c)
	k.address = c.LocalAddr()
	for _, f := range k.frames {
		k.due += int(f.size)
		c.Write(f.bytes())
	}
	if !k.aborts {
		c.CloseWrite()
	}
}

func (k *scenarioClient) Received(c *loop.Conn, p []byte) int {
	k.got.Write(p)
	if k.aborts && k.got.Len() >= k.due {
		c.Abort()
	}
	return len(p)
}
