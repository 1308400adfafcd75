package faults

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Kind is a fault that clients can be.
type Kind struct {
	Name    string
	Meaning string // what the clients do
	// Total: Connections bounds how many there are in all. Otherwise so many
	// are held at once, and one that the server ends is replaced.
	Total bool
	// Holds says that connections stay open, so that the server needs a
	// descriptor for each of them.
	Holds bool
	// Large says that the reply should be more than socket buffers take.
	Large bool

	rate     float64 // connections begun a second unless told otherwise; 0: as fast as it goes
	atOnce   int     // of Total: so many at a time; 0: all
	requests int     // that a client asks at once
	close    bool    // asks for the connection's end with the request
	abort    bool    // leaves by RST, as whoever has not read everything does
	manner   manner
}

// The kinds.
const (
	Silent           = "silent"
	Slowloris        = "slowloris"
	Reset            = "reset"
	HalfOpen         = "half-open"
	Burst            = "burst"
	StoppedReader    = "stopped-reader"
	ShortConnections = "short-connections"
	Download         = "download"
)

// openRate is how many connections a second clients that stay are opened at: as
// a crowd comes, not so that the backlog overflows.
const openRate = 10_000

var kinds = []Kind{
	{Name: Silent, Meaning: "connect and never say anything", Holds: true, rate: openRate, manner: silent{}},
	{Name: Slowloris, Meaning: "send the head of a request a byte at a time and never end it", Holds: true, rate: openRate, manner: dribbling{}},
	{Name: Reset, Meaning: "ask, and reset the connection when the reply begins to come, again and again", Large: true, requests: 1, abort: true, manner: leaving{}},
	{Name: HalfOpen, Meaning: "ask, read the reply and vanish without FIN or RST, as a machine does that loses its power", Total: true, Holds: true, atOnce: 4, requests: 1},
	{Name: Burst, Meaning: "connect all at one moment and ask once", Total: true, Holds: true, requests: 1, manner: asking{}},
	{Name: StoppedReader, Meaning: "ask for more than socket buffers take and never read", Holds: true, Large: true, rate: openRate, requests: 16, abort: true, manner: deaf{}},
	{Name: ShortConnections, Meaning: "connect, ask once, read to the end and begin anew, as fast as it goes", Total: true, atOnce: 64, requests: 1, close: true, manner: asking{}},
	{Name: Download, Meaning: "connect, ask once, read to the end and begin anew; with --evict for a file that the server's page cache does not have", requests: 1, close: true, manner: asking{}},
}

// Kinds returns all kinds.
func Kinds() []Kind { return append([]Kind(nil), kinds...) }

// Lookup returns the kind of that name.
func Lookup(name string) (Kind, error) {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		if k.Name == name {
			return k, nil
		}
		names[i] = k.Name
	}
	return Kind{}, fmt.Errorf("there is no fault %q: give one of %s", name, strings.Join(names, ", "))
}

// Missing says why this process cannot be a kind of client; "" when it can.
func Missing(kind string) string {
	if kind == HalfOpen {
		return cannotVanish()
	}
	return ""
}

// Spec is what a fault does to whom.
type Spec struct {
	Kind string // of Kinds
	URL  string // http://HOST[:PORT]/PATH
	// Connections are those held at once, or of a kind with Total all that
	// there will be.
	Connections int
	// Rate is at how many a second they are begun; 0: the kind's own.
	Rate float64
	// Duration is how long the fault lasts, if nothing ends it before. One
	// with Total also ends when all of its connections have ended.
	Duration time.Duration
	// Every is the time between two bytes of Slowloris.
	Every time.Duration
	// Evict is the file behind the URL, on this machine: it is dropped from the page
	// cache before each connection of Download. "": nothing is. Linux only.
	Evict string
	// Sources are local addresses to connect from in turn; empty leaves the
	// choice to the system.
	Sources []netip.Addr
}

// Default is a Spec without a kind and a URL.
func Default() Spec {
	return Spec{Connections: 1000, Duration: 10 * time.Second, Every: 100 * time.Millisecond}
}

const (
	maxConnections = 100_000_000
	maxDuration    = 24 * time.Hour
)

// Check says what is wrong with a Spec, in one line that names the flag. That
// the kind is not to be had here is not wrong: see Missing.
func (s Spec) Check() error {
	if _, err := Lookup(s.Kind); err != nil {
		return err
	}
	switch {
	case s.Evict != "" && s.Kind != Download:
		return fmt.Errorf("--evict %s: it is for %s", s.Evict, Download)
	case !strings.HasPrefix(s.URL, "http://"):
		return fmt.Errorf("URL %q: give http://HOST[:PORT]/PATH", s.URL)
	case s.Connections < 1 || s.Connections > maxConnections:
		return fmt.Errorf("--connections %d: give a number from 1 to %d", s.Connections, maxConnections)
	case !(s.Rate >= 0) || s.Rate > 1e7:
		return fmt.Errorf("--rate %v: give 0 (the fault's own) to 10000000 connections/s", s.Rate)
	case s.Duration < time.Millisecond || s.Duration > maxDuration:
		return fmt.Errorf("--duration %v: give a time from 1ms to %v", s.Duration, maxDuration)
	case s.Every < time.Millisecond || s.Every > maxDuration:
		return fmt.Errorf("--every %v: give a time from 1ms to %v", s.Every, maxDuration)
	}
	return nil
}
