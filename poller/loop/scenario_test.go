package loop

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The scenario suite: seeded conversations, run on every engine. What each
// end saw is written down as a transcript (the bytes each way, joined, and the
// ordered classes of events), and the transcripts of all engines must agree
// with each other and with what the script says must come out.
//
// The protocol is frames of a 2-byte length, a letter and a payload. The server answers:
//
//	e  the payload          s  n shared bytes      p  n bytes of a producer
//	f  n bytes of a file    z  pause, then "z"     w  Work, then "w"
//	d  wait for a deadline, then "d"               q  close when done
//	a  abort
//
// where n is a number in the payload.

type frame struct {
	letter byte
	n      int
	echo   []byte
}

func (f frame) bytes() []byte {
	payload := f.echo
	if f.letter != 'e' {
		payload = binary.BigEndian.AppendUint32(nil, uint32(f.n))
	}
	out := binary.BigEndian.AppendUint16(nil, uint16(len(payload)))
	return append(append(out, f.letter), payload...)
}

// reply is what must come back for the frame.
func (f frame) reply() []byte {
	switch f.letter {
	case 'e':
		return f.echo
	case 's', 'p', 'f':
		return pattern(f.n)
	case 'q', 'a':
		return nil
	}
	return []byte{f.letter}
}

// pattern is the first n bytes of a sequence in which no two places look alike.
func pattern(n int) []byte {
	out := make([]byte, 0, n+8)
	for i := 0; len(out) < n; i++ {
		out = binary.BigEndian.AppendUint32(out, uint32(i)*2654435761)
	}
	return out[:n]
}

type conversation struct {
	frames []frame
	slow   bool // the client pauses now and then
	oneway bool // the client sends everything before it reads
	finish byte // 'c': client closes its side and waits; 'a': client aborts at the end
}

func (v conversation) expected() []byte {
	var out []byte
	for _, f := range v.frames {
		out = append(out, f.reply()...)
	}
	return out
}

func (v conversation) last() byte { return v.frames[len(v.frames)-1].letter }

func randomConversation(r *rand.Rand, in int) conversation {
	v := conversation{slow: r.IntN(3) == 0, oneway: r.IntN(2) == 0, finish: 'c'}
	for range 1 + r.IntN(12) {
		f := frame{letter: "eeeesspfzwd"[r.IntN(11)]}
		switch {
		case f.letter == 'e':
			f.echo = pattern(1 + r.IntN(in-3))
		case r.IntN(4) == 0:
			f.n = 1 + r.IntN(300_000)
		default:
			f.n = 1 + r.IntN(5000)
		}
		v.frames = append(v.frames, f)
	}
	switch r.IntN(4) {
	case 0:
		v.frames = append(v.frames, frame{letter: 'q'})
	case 1:
		v.frames = append(v.frames, frame{letter: 'a'})
	}
	return v
}

// end writes a transcript of one end.
type end struct {
	events []string
	got    []byte
}

func (e *end) saw(format string, args ...any) {
	e.events = append(e.events, fmt.Sprintf(format, args...))
}

type scenarioServer struct {
	end
	file *os.File
	busy bool // a pause, a job or a deadline is pending
}

func (s *scenarioServer) Opened(*Conn) { s.saw("open") }

func (s *scenarioServer) Received(c *Conn, p []byte) (used int) {
	for !s.busy && len(p)-used >= 3 {
		b := p[used:]
		n := 3 + int(binary.BigEndian.Uint16(b))
		if len(b) < n {
			break
		}
		used += n
		s.got = append(s.got, b[:n]...)
		s.do(c, b[2], b[3:n])
		if b[2] == 'q' || b[2] == 'a' {
			return len(p)
		}
	}
	return used
}

func (s *scenarioServer) do(c *Conn, letter byte, payload []byte) {
	if letter == 'e' {
		c.Write(payload)
		return
	}
	n := int(binary.BigEndian.Uint32(payload))
	later := func() {
		s.busy = false
		c.Write([]byte{letter})
		c.Resume()
	}
	switch letter {
	case 's':
		c.WriteShared(pattern(n))
	case 'p':
		c.Push(&stutter{conn: c, data: pattern(n)})
	case 'f':
		c.SendFile(s.file, 0, int64(n), nil)
	case 'z':
		s.busy = true
		c.Pause()
		c.loop.At(c.loop.Now().Add(time.Millisecond), later)
	case 'w':
		s.busy = true
		c.Pause()
		c.loop.Work(func() error { return nil }, func(error) { later() })
	case 'd':
		s.busy = true
		c.Pause()
		c.SetDeadline(2 * time.Millisecond)
	case 'q':
		c.CloseWhenDone()
	case 'a':
		c.Abort()
	}
}

func (s *scenarioServer) Ended(c *Conn) { s.saw("end"); c.CloseWhenDone() }
func (s *scenarioServer) Expired(c *Conn) {
	s.saw("expired")
	s.busy = false
	c.Write([]byte{'d'})
	c.Resume()
}
func (s *scenarioServer) Drained(*Conn)             {}
func (s *scenarioServer) Closed(_ *Conn, err error) { s.saw("closed: %s", Kind(err)) }

// stutter is a producer that has nothing every other time.
type stutter struct {
	conn   *Conn
	data   []byte
	asked  int
	closed int
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.asked++; s.asked%2 == 0 {
		s.conn.loop.At(s.conn.loop.Now().Add(100*time.Microsecond), s.conn.Continue)
		return 0, ErrLater
	}
	n := copy(p, s.data)
	if s.data = s.data[n:]; len(s.data) == 0 {
		return n, io.EOF
	}
	return n, nil
}

func (s *stutter) Close() error { s.closed++; return nil }

type scenarioClient struct {
	end
	script conversation
	next   int
	want   int // bytes that must have come before the next frame is sent
	closed func()
}

func (k *scenarioClient) Opened(c *Conn) { k.saw("open"); k.send(c) }

func (k *scenarioClient) send(c *Conn) {
	for k.next < len(k.script.frames) && (k.script.oneway || len(k.got) >= k.want) {
		f := k.script.frames[k.next]
		k.next++
		k.want += len(f.reply())
		c.Write(f.bytes())
	}
	if k.next == len(k.script.frames) && k.script.last() != 'q' && k.script.last() != 'a' {
		c.CloseWrite()
	}
}

func (k *scenarioClient) Received(c *Conn, p []byte) int {
	k.got = append(k.got, p...)
	if k.script.slow && len(k.got)%3 == 0 {
		c.Pause()
		c.loop.At(c.loop.Now().Add(200*time.Microsecond), c.Resume)
	}
	k.send(c)
	return len(p)
}
func (k *scenarioClient) Ended(c *Conn) { k.saw("end"); c.CloseWhenDone() }
func (k *scenarioClient) Expired(*Conn) { k.saw("expired") }
func (k *scenarioClient) Drained(*Conn) {}
func (k *scenarioClient) Closed(_ *Conn, err error) {
	k.saw("closed: %s", Kind(err))
	k.closed()
}

// play runs conversations at once on one loop and returns what the ends saw.
func play(t *testing.T, cfg Config, file *os.File, conversations []conversation) (clients []*scenarioClient, servers map[netip.AddrPort]*scenarioServer, of []netip.AddrPort) {
	t.Helper()
	l, err := newOn(cfg.Backend, cfg)
	if err != nil {
		t.Fatal(err)
	}
	servers = map[netip.AddrPort]*scenarioServer{}
	left := 2 * len(conversations)
	gone := func() {
		if left--; left == 0 {
			l.Stop()
		}
	}
	n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0"), NoDelay: true}, func(c *Conn) Handler {
		s := &scenarioServer{file: file}
		servers[c.RemoteAddr()] = s
		return &onClosed{s, gone}
	})
	if err != nil {
		t.Fatal(err)
	}
	of = make([]netip.AddrPort, len(conversations))
	for i, v := range conversations {
		k := &scenarioClient{script: v, closed: gone}
		clients = append(clients, k)
		l.Dial(DialOptions{Address: n.Addr(), NoDelay: true}, &onOpened{k, func(c *Conn) { of[i] = c.LocalAddr() }})
	}
	watchdog := time.AfterFunc(30*time.Second, l.Stop)
	defer watchdog.Stop()
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if left != 0 {
		t.Errorf("%s: %d of %d ends were still open at the end", cfg.Backend, left, 2*len(conversations))
	}
	return clients, servers, of
}

type onClosed struct {
	Handler
	then func()
}

func (o *onClosed) Closed(c *Conn, err error) { o.Handler.Closed(c, err); o.then() }

type onOpened struct {
	Handler
	then func(*Conn)
}

func (o *onOpened) Opened(c *Conn) { o.then(c); o.Handler.Opened(c) }

// transcript writes down what the two ends of a conversation saw. Bytes that
// were on the way when a connection was reset may or may not have come, so
// there they only have to be a prefix.
func transcript(t *testing.T, v conversation, k *scenarioClient, s *scenarioServer) string {
	t.Helper()
	var b strings.Builder
	want, got := v.expected(), k.got
	if v.last() == 'a' {
		if !bytes.HasPrefix(want, got) {
			t.Errorf("the client received %d bytes that are no prefix of the %d due", len(got), len(want))
		}
	} else if !bytes.Equal(want, got) {
		t.Errorf("the client received %d bytes, not the %d due (equal up to %d)", len(got), len(want), common(want, got))
	}
	fmt.Fprintf(&b, "client %v\n", k.events)
	if s == nil {
		t.Error("no server for the conversation")
		return b.String()
	}
	var sent []byte
	for _, f := range v.frames {
		sent = append(sent, f.bytes()...)
	}
	if !bytes.Equal(sent, s.got) {
		t.Errorf("the server used %d bytes of %d", len(s.got), len(sent))
	}
	fmt.Fprintf(&b, "server %v\n", s.events)
	return b.String()
}

func common(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// TestScenarios plays the same seeded conversations on every engine.
func TestScenarios(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, pattern(300_000), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 1996))
		size := MinBuffer << r.IntN(7)
		var script []conversation
		for range 1 + r.IntN(12) {
			script = append(script, randomConversation(r, size))
		}
		var first []string
		for _, name := range everyBackend() {
			cfg := Config{Backend: name, In: size, Out: size, Stamp: seed%2 == 0,
				Sim: &SimConfig{Seed: uint64(seed), Latency: time.Duration(seed) * 10 * time.Microsecond, MaxChunk: 16 + seed*37%2000}}
			clients, servers, of := play(t, cfg, file, script)
			var all []string
			for i, v := range script {
				all = append(all, transcript(t, v, clients[i], servers[of[i]]))
			}
			if first == nil {
				first = all
			} else if d := cmp.Diff(first, all); d != "" {
				t.Errorf("seed %d: %s differs from %s:\n%s", seed, name, everyBackend()[0], d)
			}
			if t.Failed() {
				t.Fatalf("seed %d on %s", seed, name)
			}
		}
	}
}
