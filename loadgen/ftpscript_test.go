package loadgen

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// ftpScript is a server of FTP for tests, which does what a test wants it to.
type ftpScript struct {
	l      *loop.Loop
	file   []byte
	stored map[string][]byte

	// of the n-th transfer, from 0; nil for nothing special
	refuse   func(n int) bool         // answer 550
	content  func(n int) []byte       // other bytes than the file's
	hold     func(n int) bool         // never end it
	cut      func(n int) bool         // end the data early, by a reset, and say 426
	announce func(n int) int          // the size that 150 tells
	early    bool                     // the last reply comes before the end of the data
	greet    string                   // instead of 220
	wrong    func(name string) []byte // what is read back of a stored file

	begun, ended, sessions, quits, deleted int
}

// ftpEnd is the server's end of a session.
type ftpEnd struct {
	x        *ftpScript
	c        *loop.Conn
	listener *loop.Listener
	active   netip.AddrPort
	data     *loop.Conn
	open     bool
	start    func(*loop.Conn)
	got      []byte
	saved    func([]byte)
}

func (x *ftpScript) accept(*loop.Conn) loop.Handler {
	x.sessions++
	return &ftpEnd{x: x}
}

func (e *ftpEnd) say(lines ...string) {
	for _, l := range lines {
		e.c.Write([]byte(l + "\r\n"))
	}
}

func (e *ftpEnd) Opened(c *loop.Conn) {
	e.c = c
	if e.x.greet != "" {
		e.say(e.x.greet)
		c.CloseWhenDone()
		return
	}
	e.say("220-A server", " of FTP", "220 for tests.")
}

func (e *ftpEnd) Received(c *loop.Conn, p []byte) (used int) {
	for {
		end := bytes.IndexByte(p[used:], '\n')
		if end < 0 {
			return used
		}
		line := strings.TrimSuffix(string(p[used:used+end]), "\r")
		used += end + 1
		verb, argument, _ := strings.Cut(line, " ")
		e.obey(verb, argument)
	}
}

func (e *ftpEnd) obey(verb, argument string) {
	x := e.x
	switch verb {
	case "USER":
		e.say("331 A password, please.")
	case "PASS":
		e.say("230-Welcome.", "230 Go on.")
	case "TYPE":
		e.say("200 Fine.")
	case "QUIT":
		x.quits++
		e.say("221 Good bye.")
		e.c.CloseWhenDone()
	case "DELE":
		x.deleted++
		delete(x.stored, argument)
		e.say("250 Deleted.")
	case "EPSV", "PASV":
		n, err := x.l.Listen(loop.ListenOptions{Address: netip.AddrPortFrom(e.c.LocalAddr().Addr(), 0), Backlog: 1, Unbounded: true}, func(c *loop.Conn) loop.Handler {
			e.data = c
			return &ftpDataEnd{e: e}
		})
		if err != nil {
			e.say("425 No port.")
			return
		}
		e.forget()
		e.listener = n
		at := n.Addr()
		if verb == "EPSV" {
			e.say(fmt.Sprintf("229 Entering Extended Passive Mode (|||%d|)", at.Port()))
			return
		}
		b := at.Addr().As4()
		e.say(fmt.Sprintf("227 Entering Passive Mode (%d,%d,%d,%d,%d,%d).", b[0], b[1], b[2], b[3], at.Port()>>8, at.Port()&255))
	case "EPRT":
		f := strings.Split(argument, "|")
		e.forget()
		e.active = netip.MustParseAddrPort(f[2] + ":" + f[3])
		e.say("200 Noted.")
	case "PORT":
		at, ok := passiveAddress([]byte(argument))
		if !ok {
			e.say("501 What?")
			return
		}
		e.forget()
		e.active = at
		e.say("200 Noted.")
	case "RETR", "STOR", "LIST":
		e.transfer(verb, argument)
	default:
		e.say("502 No.")
	}
}

func (e *ftpEnd) transfer(verb, name string) {
	x := e.x
	n := x.begun
	x.begun++
	if x.refuse != nil && x.refuse(n) {
		x.begun--
		if e.data != nil {
			e.data.Abort()
		}
		e.forget()
		e.say("550 No.")
		return
	}
	content := x.file
	if back, ok := x.stored[name]; ok && verb == "RETR" {
		if content = back; x.wrong != nil {
			content = x.wrong(name)
		}
	} else if x.content != nil {
		content = x.content(n)
	}
	size := len(content)
	if x.announce != nil {
		size = x.announce(n)
	}
	e.got = nil
	e.saved = nil
	if verb == "STOR" {
		e.saved = func(p []byte) { x.stored[name] = p }
		e.say("150 Go on.")
	} else {
		e.say(fmt.Sprintf("150 Here it comes (%d bytes).", size))
	}
	if x.early {
		e.ended("226 Sooner than the data.")
	}
	e.start = func(c *loop.Conn) {
		switch {
		case x.hold != nil && x.hold(n):
		case x.cut != nil && x.cut(n):
			c.Write(content[:len(content)/2])
			x.l.At(x.l.Now().Add(time.Millisecond), c.Abort)
		case verb != "STOR":
			c.Write(content)
			c.CloseWhenDone()
		}
	}
	switch {
	case e.active.IsValid():
		e.data = x.l.Dial(loop.DialOptions{Address: e.active}, &ftpDataEnd{e: e})
		e.active = netip.AddrPort{}
	case e.open:
		e.start(e.data)
	}
}

func (e *ftpEnd) ended(reply string) {
	e.x.ended++
	e.say(reply)
}

func (e *ftpEnd) forget() {
	if e.listener != nil {
		e.listener.Close()
		e.listener = nil
	}
	e.data, e.open, e.start = nil, false, nil
}

func (e *ftpEnd) Ended(c *loop.Conn) { c.CloseWhenDone() }
func (e *ftpEnd) Expired(*loop.Conn) {}
func (e *ftpEnd) Drained(*loop.Conn) {}
func (e *ftpEnd) Closed(*loop.Conn, error) {
	if e.data != nil {
		e.data.Abort()
	}
	e.forget()
}

// ftpDataEnd is the server's end of a data connection.
type ftpDataEnd struct{ e *ftpEnd }

func (d *ftpDataEnd) Opened(c *loop.Conn) {
	d.e.open = true
	if d.e.start != nil {
		d.e.start(c)
	}
}

func (d *ftpDataEnd) Received(_ *loop.Conn, p []byte) int {
	d.e.got = append(d.e.got, p...)
	return len(p)
}
func (d *ftpDataEnd) Ended(c *loop.Conn) { c.CloseWhenDone() }
func (d *ftpDataEnd) Expired(*loop.Conn) {}
func (d *ftpDataEnd) Drained(*loop.Conn) {}
func (d *ftpDataEnd) Closed(c *loop.Conn, err error) {
	e := d.e
	if e.data != c {
		return
	}
	saved, got := e.saved, e.got
	e.forget()
	switch {
	case loop.Kind(err) == "stopped" || e.x.early:
	case err != nil:
		e.ended("426 Cut off.")
	default:
		if saved != nil {
			saved(got)
		}
		e.ended("226 Done.")
	}
}

// ftpWorld is a world with a server of FTP.
func ftpWorld(t *testing.T) (*world, *ftpScript) {
	t.Helper()
	w := newWorld(t, &loop.SimConfig{Latency: time.Millisecond, MaxChunk: 1000})
	x := &ftpScript{l: w.l, file: bytes.Repeat([]byte("0123456789"), 1000), stored: map[string][]byte{}}
	n, err := w.l.Listen(loop.ListenOptions{Address: addrPort("127.0.0.1:21")}, x.accept)
	if err != nil {
		t.Fatal(err)
	}
	w.addr = n.Addr()
	return w, x
}

func ftpSpec(w *world) Spec {
	s := w.spec()
	s.URL = "ftp://server/file"
	s.Schedule.Rate = 100
	return s
}
