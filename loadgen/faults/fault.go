package faults

import (
	"errors"
	"net/netip"
	"os"
	"time"

	"medusa/poller/loop"
)

const (
	// retryAfter is how long after a connect that failed the next one comes:
	// a server that refuses is not asked in a spin.
	retryAfter = 10 * time.Millisecond
	// pace is the time between two looks at how many connections are due.
	pace = time.Millisecond
	// connectTimeout bounds a connect: a full backlog lets it hang.
	connectTimeout = 3 * time.Second
	// leaveTimeout bounds the wait for connections to end after End.
	leaveTimeout = 2 * time.Second
)

// Did counts what a fault did and what became of it.
type Did struct {
	Begun    uint64 `json:"begun"`              // connections
	Opened   uint64 `json:"opened"`             // of them, established
	Refused  uint64 `json:"refused,omitempty"`  // of them, refused or not routed
	Timeout  uint64 `json:"timeout,omitempty"`  // not established in 3 s
	Local    uint64 `json:"local,omitempty"`    // failed for want of a descriptor, port or memory of this end
	Ended    uint64 `json:"ended,omitempty"`    // by the server, in order, before the client left
	Reset    uint64 `json:"reset,omitempty"`    // by the server
	Left     uint64 `json:"left,omitempty"`     // by the client, done or not
	Vanished uint64 `json:"vanished,omitempty"` // without the server being told
	Requests uint64 `json:"requests,omitempty"` // whole ones, sent
	Answered uint64 `json:"answered,omitempty"` // connections on which at least the beginning of a reply came
	Evicted  uint64 `json:"evicted,omitempty"`  // times that the file was dropped from the page cache
	BytesOut uint64 `json:"bytes_out,omitempty"`
	BytesIn  uint64 `json:"bytes_in,omitempty"`
	OpenMost uint64 `json:"open_most,omitempty"` // established at one moment
}

// Stage is what an Event tells.
type Stage uint8

// The stages of a fault, in order.
const (
	Began Stage = iota
	Ended       // the clients have stopped and are leaving
	Gone        // every connection has ended, or was waited for long enough
)

// Event tells the progress of a fault.
type Event struct {
	Stage Stage
	At    loop.Time
}

// Fault is the clients on a loop. From Begin on its methods may be called only
// from the loop's callbacks and posted functions.
type Fault struct {
	l       *loop.Loop
	s       Spec
	kind    Kind
	at      netip.AddrPort
	request []byte // of one client, all of its requests
	on      func(Event)

	did       Did
	rate      float64
	atOnce    int // connections to hold, or to have at a time
	total     uint64
	live      int // begun and not ended
	open      int // established
	began     loop.Time
	hold      loop.Time // nothing is begun before
	looking   bool      // a look is due
	vanishers int       // connects in other hands: see vanish
	ended     bool
	gone      bool
	source    int
	cold      *os.File // Spec.Evict; nil without
}

// New prepares a fault against the server at an address; request asks it once
// for the URL. Both are loadgen.Resolve's.
func New(l *loop.Loop, s Spec, at netip.AddrPort, request []byte, on func(Event)) (*Fault, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if why := Missing(s.Kind); why != "" {
		return nil, errors.New(why)
	}
	k, err := Lookup(s.Kind)
	if err != nil {
		return nil, err
	}
	f := &Fault{l: l, s: s, kind: k, at: at, on: on, rate: k.rate, atOnce: s.Connections, total: 1<<64 - 1}
	for range k.requests {
		f.request = append(f.request, request...)
	}
	if s.Evict != "" {
		if f.cold, err = openCold(s.Evict); err != nil {
			return nil, err
		}
	}
	if s.Rate > 0 {
		f.rate = s.Rate
	}
	if k.Total {
		f.total = uint64(s.Connections)
		if k.atOnce > 0 {
			f.atOnce = min(f.atOnce, k.atOnce)
		}
	}
	return f, nil
}

// Closes says whether the requests of a kind ask for the connection's end.
func Closes(kind string) bool {
	k, err := Lookup(kind)
	return err == nil && k.close
}

// Begin begins the fault. Its time runs from when all that come at once have
// been begun: in the background that may take a while.
func (f *Fault) Begin() {
	f.began = f.l.Now()
	f.on(Event{Began, f.began})
	f.refill()
	f.l.At(f.l.Now().Add(f.s.Duration), f.End)
}

// refill begins the connections that are due.
func (f *Fault) refill() {
	if f.ended {
		return
	}
	if f.did.Begun == f.total && f.live == 0 && f.vanishers == 0 {
		f.End()
		return
	}
	now := f.l.Now()
	for f.live+f.vanishers < f.atOnce && f.did.Begun < f.total {
		if now < f.hold || f.rate > 0 && float64(f.did.Begun) > f.rate*now.Sub(f.began).Seconds() {
			f.lookAgain(now)
			return
		}
		f.did.Begun++
		if f.kind.manner == nil {
			f.vanish()
			continue
		}
		if f.cold != nil && evict(f.cold) == nil {
			f.did.Evicted++
		}
		c := &client{f: f}
		f.live++
		c.c = f.l.Dial(loop.DialOptions{Address: f.at, Source: f.nextSource(), Timeout: connectTimeout, NoDelay: true}, c)
	}
}

// lookAgain lets refill go on when more are due.
func (f *Fault) lookAgain(now loop.Time) {
	if f.looking {
		return
	}
	f.looking = true
	f.l.At(max(now.Add(pace), f.hold), func() {
		f.looking = false
		f.refill()
	})
}

// nextSource is the local address of the next connection.
func (f *Fault) nextSource() netip.Addr {
	if len(f.s.Sources) == 0 {
		return netip.Addr{}
	}
	f.source++
	return f.s.Sources[f.source%len(f.s.Sources)]
}

// End ends the fault: nothing new is begun, and every client leaves as its kind
// does. It is called by itself when the time is over or all have ended.
func (f *Fault) End() {
	if f.ended {
		return
	}
	f.ended = true
	now := f.l.Now()
	f.on(Event{Ended, now})
	f.l.Each(func(lc *loop.Conn) {
		if c, ok := lc.Handler().(*client); ok && c.f == f {
			c.leave()
		}
	})
	f.l.At(now.Add(leaveTimeout), f.finish)
	f.settled()
}

// settled finishes when nothing is left.
func (f *Fault) settled() {
	if f.ended && f.live == 0 && f.vanishers == 0 {
		f.finish()
	}
}

func (f *Fault) finish() {
	if !f.gone {
		f.gone = true
		f.on(Event{Gone, f.l.Now()})
	}
}

// Did is what the fault did so far.
func (f *Fault) Did() Did {
	d, c := f.did, f.l.Counts()
	d.BytesIn += c.BytesIn
	d.BytesOut += c.BytesOut
	return d
}

// lost counts a connection that has ended, in whatever way.
func (f *Fault) lost(c *client, err error) {
	f.live--
	if c.opened {
		f.open--
	}
	switch kind := loop.Kind(err); {
	case c.left || kind == "aborted" || kind == "stopped":
		f.did.Left++
	case kind == "local":
		f.did.Local++
	case !c.opened && kind == "timeout":
		f.did.Timeout++
	case !c.opened && kind != "reset": // which comes after the server has accepted
		f.did.Refused++
	case err == nil:
		f.did.Ended++
	default:
		f.did.Reset++
	}
	if !c.opened {
		f.hold = f.l.Now().Add(retryAfter)
	}
	f.refill()
	f.settled()
}
