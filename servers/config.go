// Package servers assembles a server process: a loop on a backend, the
// protocols that it listens for, and the ways to watch and to end it.
package servers

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"medusa/control"
	"medusa/poller/loop"
	"medusa/servers/echod"
	"medusa/servers/ftpd"
)

// Config says what a server process is. Keys are those of its command line.
type Config struct {
	Backend string // of loop.Backends
	// HTTP, Raw and Echo are the addresses to listen on, as host:port; "" leaves
	// the service out. The host is an IP address, "localhost" or empty for all
	// IPv4 addresses; port 0 asks for any.
	HTTP, Raw, Echo string
	// FTP is the file server of that protocol.
	FTP FTPConfig
	// EchoBytes is how many bytes Echo counts as one request, from 1 to 1 MiB;
	// 0 means 1.
	EchoBytes int
	// Root is the directory whose files HTTP and FTP serve; "" for none.
	Root string
	// Hosts are directories that HTTP serves instead of Root to who asks for
	// a host, as NAME=DIR.
	Hosts []string
	// Listing lets HTTP answer a directory without index.html with a list.
	Listing bool
	// Fixed adds /fixed/N to HTTP, and Delay /delay/DURATION.
	Fixed, Delay bool
	// Redirects send HTTP clients from a path, and those below it, to
	// another, as FROM=TO.
	Redirects []string
	// Proxies pass HTTP requests for a path, and those below it, on to
	// another server, as PREFIX=http://HOST:PORT. Host is as in HTTP above.
	// Of several paths of these two that a request is below, the longest
	// counts.
	Proxies []string
	// AccessLog is the file that HTTP requests are logged to, in the Combined
	// Log Format; "" for none.
	AccessLog string
	// MaxContent is the most bytes of an HTTP request's content; 0 means
	// 1 MiB.
	MaxContent int64
	// In and Out are the loop's buffer sizes in bytes: powers of two from 512
	// to 1 MiB, or 0 for 16 KiB.
	In, Out int
	// Buffers are those sizes and more, for all and by the peer's network: see
	// BuffersHelp.
	Buffers string
	// CopyFiles reads files and sends what was read, where sendfile(2) would do
	// both: to find out what that is worth.
	CopyFiles bool
	// ColdFiles is who waits for the disk where a file is not in the page cache:
	// "loop" (or ""), "work" or "ring", see loop.ColdFiles.
	ColdFiles string
	// Wait is "block" (or "") to sleep until something is ready, or "poll" to
	// ask all the time.
	Wait string
	// RingWithout names features of io_uring that the backend of that name shall
	// do without, separated by commas: see loop.RingFeature.
	RingWithout string
	// Burn slows the server down by this share of the CPU time that it uses, from
	// 0 to 1, so that comparisons can be tried: see loop.Burn.
	Burn float64
	// NoFile is the limit on descriptors, soft and hard; with 0 the soft limit
	// is raised to the hard one.
	NoFile uint64
	// ReserveFDs is how many descriptors connections shall leave free, for files,
	// what is refused, and the runtime; 0 means a 64th of the limit, from 8 to
	// 256.
	ReserveFDs int
	// FDBase is a descriptor number: all below it are taken before the server
	// listens, so that connections have higher ones. 0 takes none.
	FDBase int
	// CPUs pins the process and sets GOMAXPROCS; empty leaves both.
	CPUs []int
	// Congestion names the congestion control of accepted connections; ""
	// leaves the system's.
	Congestion string
	// MaxConnections bounds the connections that are open at once; 0, or more
	// than there are descriptors for: only these do.
	MaxConnections int
	// OnFull is what becomes of who comes when that many are open: "pause" (or
	// ""), "shed" or "reap", see loop.OnFull. Shed answers HTTP clients with 503.
	OnFull string
	// AcceptsPerTurn is how many connections are accepted one after the other,
	// from 1 to loop.MaxAcceptsPerTurn; 0 means 64.
	AcceptsPerTurn int
	// DeferAccept, over 0, keeps who connected in the kernel until he has sent
	// something or about so long has passed: TCP_DEFER_ACCEPT, Linux only.
	DeferAccept time.Duration
	// HeadTimeout is how long the head of an HTTP request may take; 0 means ten
	// seconds, less than 0 any time.
	HeadTimeout time.Duration
	// IdleTimeout closes silent HTTP connections; 0 means one minute, less
	// than 0 never.
	IdleTimeout time.Duration
	// Control takes commands from standard input, one JSON object a line, and
	// answers on standard output: package control. The end of the input ends
	// the server.
	Control bool
	// Processes is how many processes share the addresses, up to 64; 0 and 1 are
	// this one alone. With more, each runs on one of CPUs, in turn, NoFile and
	// ReserveFDs are each one's, and MaxConnections is divided among them.
	Processes int
	// Part is which of several processes this one is, from 1, for the one that
	// started it; 0: it is alone.
	Part int
}

// plan is a Config, parsed.
type plan struct {
	services []place
	web      web
	ports    ftpd.PortRange
	loop     loop.Config
}

// Check refuses a Config that makes no sense on any system.
func (c *Config) Check() error {
	_, err := c.parse()
	return err
}

// loop is the part of a Config that is its loop's.
func (c *Config) loop() (loop.Config, error) {
	onFull, err := loop.ParseOnFull(c.OnFull)
	if err != nil {
		return loop.Config{}, err
	}
	without, err := loop.ParseRingFeatures(c.RingWithout)
	if err != nil {
		return loop.Config{}, err
	}
	cold := loop.ColdLoop
	if c.ColdFiles != "" {
		if cold, err = loop.ParseColdFiles(c.ColdFiles); err != nil {
			return loop.Config{}, err
		}
	}
	l := loop.Config{
		OnFull: onFull, ColdFiles: cold,
		Backend: c.Backend, In: c.In, Out: c.Out, Busy: c.Wait == "poll",
		CopyFiles:      c.CopyFiles,
		MaxConnections: c.MaxConnections, RingWithout: without,
		Burn: loop.Burn{Share: c.Burn, Clock: control.CPUTime},
	}
	return l, parseBuffers(c.Buffers, &l)
}

// parse is Check, and finds out what the texts say.
func (c *Config) parse() (a plan, err error) {
	if a.services, err = c.places(); err != nil {
		return a, err
	}
	switch {
	case c.EchoBytes != 0 && c.Echo == "":
		return a, errors.New("nowhere to echo: echo-bytes needs an echo address")
	case c.EchoBytes < 0 || c.EchoBytes > echod.MaxMessage:
		return a, fmt.Errorf("echo-bytes %d: give a number from 1 to %d", c.EchoBytes, echod.MaxMessage)
	case c.FDBase < 0:
		return a, fmt.Errorf("fd-base %d: give the number of a descriptor", c.FDBase)
	case c.Wait != "" && c.Wait != "block" && c.Wait != "poll":
		return a, fmt.Errorf(`wait %q: give "block" or "poll"`, c.Wait)
	case c.ReserveFDs < 0:
		return a, fmt.Errorf("%d descriptors in reserve: give 0 (a 64th of the limit) or more", c.ReserveFDs)
	case c.AcceptsPerTurn < 0 || c.AcceptsPerTurn > loop.MaxAcceptsPerTurn:
		return a, fmt.Errorf("%d accepts per turn: give a number from 1 to %d", c.AcceptsPerTurn, loop.MaxAcceptsPerTurn)
	case c.DeferAccept < 0:
		return a, fmt.Errorf("accept deferred by %v: give a duration of 0 or more", c.DeferAccept)
	}
	if err := c.checkProcesses(); err != nil {
		return a, err
	}
	if a.web, err = c.parseWeb(); err != nil {
		return a, err
	}
	if err := c.parseFTP(&a); err != nil {
		return a, err
	}
	if a.loop, err = c.loop(); err != nil {
		return a, err
	}
	return a, a.loop.Check()
}

func parseAddress(text string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q: give host:port, such as 127.0.0.1:8080", text)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q: the port is a number from 0 to 65535", text)
	}
	var ip netip.Addr
	switch host {
	case "":
		ip = netip.IPv4Unspecified()
	case "localhost":
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	default:
		if ip, err = netip.ParseAddr(host); err != nil {
			return netip.AddrPort{}, fmt.Errorf("%q: the host is an IP address, or localhost", text)
		}
	}
	return netip.AddrPortFrom(ip, uint16(number)), nil
}
