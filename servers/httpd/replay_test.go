package httpd_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// simPlayer plays on a simulated connection.
type simPlayer struct {
	*player
	conn  *loop.Conn
	armed bool
}

func (c *simPlayer) Opened(conn *loop.Conn) {
	c.conn = conn
	c.arm()
}

// arm sends what is to be sent after a while, when the server has seen what it
// was sent before.
func (c *simPlayer) arm() {
	if _, _, ok := c.next(); !ok || c.armed {
		return
	}
	c.armed = true
	l := c.conn.Loop()
	l.At(l.Now().Add(time.Millisecond), func() {
		c.armed = false
		if p, fin, ok := c.next(); ok {
			c.conn.Write(p)
			if fin {
				c.conn.CloseWrite()
			}
			c.sent(fin)
			c.arm()
		}
	})
}

func (c *simPlayer) Received(conn *loop.Conn, p []byte) int {
	c.receive(p)
	c.leave()
	c.arm()
	return len(p)
}

func (c *simPlayer) Ended(*loop.Conn) {
	c.end(nil)
	c.leave()
}

// leave ends the connection when there is nothing more to learn from it.
func (c *simPlayer) leave() {
	if c.done {
		c.conn.Abort()
	}
}

func (c *simPlayer) Expired(*loop.Conn) {}
func (c *simPlayer) Drained(*loop.Conn) {}

func (c *simPlayer) Closed(_ *loop.Conn, err error) {
	// The end of the loop ends what the server did not.
	if !errors.Is(err, loop.ErrStopped) {
		c.end(err)
	}
}

// playSim holds conversations with a simulated server, all at once.
func playSim(t *testing.T, root string, buffer int, sim *loop.SimConfig, players []*player) {
	t.Helper()
	l, at := replayServer(t, "sim", root, buffer, sim)
	for _, c := range players {
		l.Dial(loop.DialOptions{Address: at}, &simPlayer{player: c})
	}
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	for _, c := range players {
		if !c.done {
			c.fail("it never ends")
		}
	}
}

// entityTags finds the entity tags that the conversations mention.
func entityTags(t *testing.T, root string) func(path string) string {
	known := map[string]string{}
	return func(path string) string {
		if tag, ok := known[path]; ok {
			return tag
		}
		v, err := parseConversation("> HEAD "+path+` HTTP/1.1\r\nHost: a\r\n\r\n`+"\n< 200 HEAD\nkept\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		c := newPlayer(v, whole)
		playSim(t, root, loop.MinBuffer, nil, []*player{c})
		r, err := nextReply(c.got, true, true)
		tag, ok := r.field("ETag")
		if err != nil || !ok {
			tag = `"no-entity-tag"`
			t.Errorf("HEAD %s: no entity tag in %q; %v", path, c.got, err)
		}
		known[path] = tag
		return tag
	}
}

// replays are the conversations with the transcripts that each must have
// however it is held.
type replays struct {
	root  string
	all   []*conversation
	truth map[*conversation]string
}

// rehearse holds each conversation once, alone, and checks it.
func rehearse(t *testing.T) *replays {
	t.Helper()
	root := replayTree(t)
	r := &replays{root: root, truth: map[*conversation]string{}}
	for _, v := range corpus(t, entityTags(t, root)) {
		c := newPlayer(v, whole)
		t.Run("whole/"+v.name, func(t *testing.T) {
			playSim(t, root, loop.MinBuffer, nil, []*player{c})
			if s := c.complaint(); s != "" {
				t.Error(s)
			}
		})
		if c.complaint() == "" {
			r.all = append(r.all, v)
			r.truth[v] = c.transcript()
		}
	}
	return r
}

// verify reports the conversations that went another way, at most a few of
// each name.
func (r *replays) verify(t *testing.T, players []*player) {
	t.Helper()
	complaints := map[string]int{}
	for _, c := range players {
		s := c.complaint()
		if s == "" {
			got, want := c.transcript(), r.truth[c.v]
			if got == want {
				continue
			}
			s = fmt.Sprintf("%s, cut %d: another transcript\ngot  %.1000q\nwant %.1000q", c.v.name, c.cut, got, want)
		}
		if complaints[c.v.name]++; complaints[c.v.name] <= 2 {
			t.Error(s)
		}
	}
	for name, n := range complaints {
		if n > 2 {
			t.Errorf("%s: %d complaints in all", name, n)
		}
	}
}

// cuts are all ways to hold the conversations, but bytewise.
func (r *replays) cuts() (players []*player) {
	for _, v := range r.all {
		players = append(players, newPlayer(v, whole))
		for cut := 1; cut < v.size(); cut += stride(v, cut) {
			players = append(players, newPlayer(v, cut))
		}
	}
	return players
}

// stride is from one cut to the next: a byte. Long conversations repeat
// themselves in the middle, with periods of which 13 is no part, so that all
// places are cut there too. The race detector is after other things. With
// MEDUSA_REPLAY=all it is a byte everywhere.
func stride(v *conversation, cut int) int {
	const edge = 300
	if os.Getenv("MEDUSA_REPLAY") == "all" {
		return 1
	}
	switch middle := cut > edge && cut < v.size()-edge; {
	case middle && raceDetector:
		return 131
	case raceDetector, middle:
		return 13
	}
	return 1
}

// TestReplay holds every conversation of testdata/requests whole, in two pieces
// (see stride for where they are cut), and byte by byte, on a simulation and on every backend.
// The transcript must be the same.
func TestReplay(t *testing.T) {
	r := rehearse(t)
	t.Run("sim", func(t *testing.T) {
		all := r.cuts()
		for start := 0; start < len(all); start += 1000 {
			players := all[start:min(start+1000, len(all))]
			playSim(t, r.root, loop.MinBuffer, &loop.SimConfig{Seed: uint64(start)}, players)
			r.verify(t, players)
		}
		var players []*player
		for _, v := range r.all {
			players = append(players, newPlayer(v, bytewise))
		}
		playSim(t, r.root, loop.MinBuffer, nil, players)
		r.verify(t, players)
	})
	t.Run("sim, cut at random", func(t *testing.T) {
		for seed := range uint64(5) {
			var players []*player
			for _, v := range r.all {
				players = append(players, newPlayer(v, whole))
			}
			// The windows are small too, so that output waits.
			playSim(t, r.root, loop.DefaultBuffer, &loop.SimConfig{Seed: seed, MaxChunk: 40, Window: 200, Latency: 10 * time.Microsecond}, players)
			r.verify(t, players)
		}
	})
	for _, b := range loop.Backends() {
		t.Run(b.Name, func(t *testing.T) {
			if b.Missing != "" {
				t.Skipf("SKIPPED: not here: %s", b.Missing)
			}
			r.onSockets(t, b.Name)
		})
	}
}

// TestReplayComplains: a wrong expectation, and a server that would close too
// soon or not at all, are noticed.
func TestReplayComplains(t *testing.T) {
	root := replayTree(t)
	const ask = `> GET /fixed/1 HTTP/1.1\r\nHost: a\r\n\r\n` + "\n"
	for text, want := range map[string]string{
		ask + "< 404\nkept":                         "status 200, want 404",
		ask + "< 200\nclosed":                       "it never ends",
		ask + "< 200\n= Hell\nkept":                 `body "H", want "Hell"`,
		ask + "< 200\n: Content-Type: x\nkept":      "Content-Type",
		ask + "< 200\n! Content-Type\nkept":         "has Content-Type",
		ask + "< 200 x2\nkept":                      "it never ends",
		ask + ask + "< 200\nclosed":                 "after the last response comes",
		ask + "fin\n< 200 x2\nclosed":               "the server closed after 1 of 2",
		"> GET / HTTP/9.9\\r\\n\\r\\n\n< 505\nkept": "this connection was to be kept",
		ask + "< 200 HEAD\nkept":                    "after the last response comes",
	} {
		v, err := parseConversation(text, nil)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		c := newPlayer(v, whole)
		playSim(t, root, loop.MinBuffer, nil, []*player{c})
		if got := c.complaint(); !strings.Contains(got, want) {
			t.Errorf("%q: complains %q, want %q", text, got, want)
		}
	}
}
