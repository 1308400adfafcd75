package loadgen

import (
	"time"

	"medusa/poller/loop"
)

// Slow is what the clients on slow lines did, which load beside the active
// connections: Spec.Slow. They are a background. No distribution has them, and of
// the requests and replies of a Report only its totals over the whole life do.
type Slow struct {
	Connections int `json:"connections"`
	// OpenAtEnd are those that were there, and had a part of a reply, when the
	// drain had ended.
	OpenAtEnd int               `json:"open_at_end"`
	ReadRate  int64             `json:"read_rate_bytes_per_s"` // of the line of each
	Bytes     uint64            `json:"bytes"`                 // that all read in the window, heads included
	Rate      float64           `json:"rate_bytes_per_s"`      // of all: Bytes over the window
	Replies   uint64            `json:"replies"`               // that ended in the window, well
	Errors    map[string]uint64 `json:"errors"`                // over the whole life, by kind
	// AchievedShare is Rate over what their lines together could carry. Under 1
	// the server, or this generator, was slower than the lines. It may be a little
	// over 1: what a line has not carried before the window it may make up for.
	AchievedShare float64 `json:"achieved_share"`
}

// slowCounts is the account of the clients on slow lines.
type slowCounts struct {
	open           int
	bytes, replies uint64 // in the window
	errors         [kinds]uint64
}

// slowState is what a generator keeps of them.
type slowState struct {
	request        []byte
	pin            pin
	begun          int // lines that have begun, to spread them
	bytes, replies uint64
	from, to       *slowMark // at the window's edges, once read
}

type slowMark struct{ bytes, replies uint64 }

// slowClient is a client on a slow line. It asks for one thing again and again,
// and reads the replies at its rate, however long that takes.
type slowClient struct {
	g     *Generator
	c     *loop.Conn
	state state // dialling, asking (no byte has come yet), busy, closing or gone
	fill  bool  // opened by the fill, which waits for its first byte
	line  *gate
	rd    reader
	whole uint64 // replies that have come
}

// dialSlow opens a connection with a slow line.
func (g *Generator) dialSlow(fill bool) {
	s := &slowClient{g: g, state: dialling, fill: fill}
	s.c = g.connect(s, g.s.ConnectTimeout, g.s.SlowReceiveBuffer)
}

// Opened implements loop.Handler.
func (s *slowClient) Opened(*loop.Conn) {
	g := s.g
	g.openedCount++
	s.line = newGate(g.s.SlowRate, s.c)
	// Lines that begin together would be read together for ever. The k-th one's
	// first byte is at the k-th place of a sequence that is spread evenly however
	// long it is (the golden ratio's multiples, modulo 1).
	const golden = 0.6180339887498949
	g.slow.begun++
	place := golden * float64(g.slow.begun)
	s.line.credit = int64((place - float64(int64(place))) * float64(s.line.quantum*second))
	if s.fill {
		g.connecting--
	}
	s.ask()
	g.checkFill()
}

func (s *slowClient) ask() {
	if s.whole == 0 {
		s.state = asking
	}
	s.c.WriteShared(s.g.slow.request)
}

// Received implements loop.Handler.
func (s *slowClient) Received(_ *loop.Conn, p []byte) (used int) {
	if s.state == gone { // the load has ended: the rest may stay where it is
		s.c.Pause()
		return 0
	}
	open := s.line.open(s.g.l.Now(), p)
	for used < len(open) && s.state != closing && s.state != gone {
		s.begins()
		n, done, kind, broken := s.rd.read(open[used:], &s.g.slow.pin)
		used += n
		s.g.slow.bytes += uint64(n)
		if !done {
			break
		}
		if used < len(p) { // bytes that nobody asked for
			kind, broken = WrongBytes, true
		}
		s.replied(kind, broken)
	}
	if s.state == closing || s.state == gone {
		return len(p)
	}
	s.line.shut(len(p), used)
	return used
}

// begins notes the first byte of the first reply.
func (s *slowClient) begins() {
	if s.state == asking {
		s.state = busy
		s.settle()
	}
}

// settle tells the fill, which waits for no more of this connection.
func (s *slowClient) settle() {
	if s.fill {
		s.fill = false
		s.g.pending--
		s.g.checkFill()
	}
}

// replied takes a whole reply, and asks again.
func (s *slowClient) replied(k Kind, broken bool) {
	g := s.g
	s.whole++
	if k == OK {
		g.slow.replies++
	} else {
		g.slowCounts.errors[k]++
	}
	switch {
	case broken:
		s.part(fateClosed)
		s.c.Abort()
		s.again(retryAfter)
	case s.rd.close: // as agreed: another follows, whatever Redial says
		s.part(fateOK)
		s.c.SetDeadline(lingers) // the server ends it
		g.redialSlow(0)
	default:
		s.ask()
	}
}

// Ended implements loop.Handler.
func (s *slowClient) Ended(*loop.Conn) {
	switch {
	case s.state == closing || s.state == gone:
	case s.rd.stage == untilClose: // this is how the reply ends
		s.replied(s.rd.ended(true, &s.g.slow.pin), false)
	case s.state == asking:
		s.lose(Shed)
	default:
		s.lose(s.rd.ended(!s.rd.fresh(), &s.g.slow.pin))
	}
	s.c.CloseWhenDone()
}

// Expired implements loop.Handler.
func (s *slowClient) Expired(lc *loop.Conn) { lc.Abort() }

// Drained implements loop.Handler.
func (s *slowClient) Drained(*loop.Conn) {}

// Closed implements loop.Handler.
func (s *slowClient) Closed(_ *loop.Conn, err error) {
	if s.state == closing || s.state == gone || loop.Kind(err) == "stopped" {
		return
	}
	s.lose(lossOf(err, s.state != dialling))
}

// lose is for a connection that ended by itself.
func (s *slowClient) lose(k Kind) {
	if s.fill && s.state == dialling {
		s.g.connecting--
	}
	s.g.slowCounts.errors[k]++
	s.part(fateOf(k))
	s.again(retryAfter)
}

// part lets the connection go and counts what became of it.
func (s *slowClient) part(f fate) {
	g := s.g
	handed, _ := s.c.Handed()
	g.sent += max(uint64(handed)/uint64(len(g.slow.request)), s.whole)
	g.answered += s.whole
	g.fates[f]++
	s.state = closing
	s.settle()
}

// again puts another in the place of a lost one, after d.
func (s *slowClient) again(d time.Duration) {
	if s.g.s.Redial {
		s.g.redialSlow(d)
	}
}

func (g *Generator) redialSlow(d time.Duration) {
	g.l.At(g.l.Now().Add(d), func() {
		if g.phase < phaseLeave {
			g.dialSlow(false)
		}
	})
}

// watchSlow reads the account at the window's edges.
func (g *Generator) watchSlow() {
	if g.s.Slow == 0 {
		return
	}
	g.l.At(g.from, func() { g.slow.from = g.slow.mark() })
	g.l.At(g.to, func() { g.slow.to = g.slow.mark() })
}

func (s *slowState) mark() *slowMark { return &slowMark{s.bytes, s.replies} }

// endSlow closes the account when the drain has ended. A generator without
// active connections is told when that is, which may be just before it has seen
// its own window's end.
func (g *Generator) endSlow() {
	s := &g.slow
	if g.s.Slow == 0 {
		return
	}
	if s.from == nil {
		s.from = s.mark()
	}
	if s.to == nil {
		s.to = s.mark()
	}
	g.slowCounts.bytes, g.slowCounts.replies = s.to.bytes-s.from.bytes, s.to.replies-s.from.replies
	g.l.Each(func(lc *loop.Conn) {
		if c, ok := lc.Handler().(*slowClient); ok && c.g == g && c.state == busy {
			g.slowCounts.open++
		}
	})
}

// tally counts a connection that is still there at the end. What it has of a
// reply by then was sent by the server and came here: both ends have counted it.
func (s *slowClient) tally() {
	switch s.state {
	case closing, gone:
		return
	case dialling:
		s.part(fateTimeout)
		s.c.Abort()
	case asking:
		s.part(fateUnserved)
	default:
		s.part(fateOK)
	}
	s.state = gone
}

// report is the account of a load with clients on slow lines; nil without.
func (n *slowCounts) report(s Spec) *Slow {
	if s.Slow == 0 {
		return nil
	}
	r := &Slow{
		Connections: s.Slow, OpenAtEnd: n.open, ReadRate: s.SlowRate, Bytes: n.bytes, Replies: n.replies,
		Rate: float64(n.bytes) / s.Duration.Seconds(), Errors: map[string]uint64{},
	}
	r.AchievedShare = r.Rate / (float64(s.SlowRate) * float64(s.Slow))
	for k, count := range n.errors {
		if count > 0 {
			r.Errors[Kind(k).String()] = count
		}
	}
	return r
}

// add adds what another process has counted.
func (n *slowCounts) add(p slowPortion) {
	n.open += p.Open
	n.bytes += p.Bytes
	n.replies += p.Replies
	for k := range n.errors {
		if k < len(p.Errors) {
			n.errors[k] += p.Errors[k]
		}
	}
}

// slowPortion is slowCounts to hand over.
type slowPortion struct {
	Open           int
	Bytes, Replies uint64
	Errors         []uint64 // by kind
}

func (n *slowCounts) portion() slowPortion {
	return slowPortion{n.open, n.bytes, n.replies, n.errors[:]}
}
