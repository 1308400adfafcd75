package loadgen

import (
	"bytes"
	"net/netip"

	"medusa/poller/loop"
)

// sessionStage is what a session waits for.
type sessionStage uint8

const (
	greeting   sessionStage = iota // 220
	naming                         // the reply to USER
	proving                        // and to PASS
	typing                         // and to TYPE I
	ready                          // nothing
	addressing                     // the reply to EPSV, PASV, EPRT or PORT
	commanded                      // the first reply to RETR, STOR or LIST
	running                        // its last one
	deleting                       // the reply to DELE
	over                           // nothing any more
)

// session is what a connection of FTP has beside its account: the dialogue.
type session struct {
	c     *conn
	stage sessionStage

	listener *loop.Listener // of active data connections; nil until one is wanted
	data     *dataConn      // of the transfer; nil without
	file     string         // that is transferred
	left     int64          // announced, of what is retrieved; -1 where it was not
	from     int            // where in the pattern what is stored begins
	size     int64          // of what is stored
	got      int64          // bytes of data
	sum      uint32         // of what is retrieved
	sentAt   loop.Time      // when the transfer's first command was; Never before
	dataOver bool
	answered bool // by the transfer's last reply
	kind     Kind // of what has gone wrong with it

	name      string // of its own file on the server, where it stores; "" before it has
	stored    int64  // the size of that, once whole; 0 without
	storedAt  int    // and where in the pattern it begins
	verifying bool   // it reads that back
	different bool   // and that is not what was sent

	begun, ended uint64 // transfers that the server was told of, and that it gave a last reply to
}

func newSession(c *conn) *session { return &session{c: c, sentAt: Never} }

// received takes replies apart.
func (s *session) received(p []byte, now loop.Time) (used int) {
	c := s.c
	for used < len(p) {
		if c.state == closing || c.state == gone {
			return len(p)
		}
		r, err := parseReply(p[used:])
		if err != nil {
			c.g.lose(c, now, WrongBytes, false)
			return len(p)
		}
		if r.size == 0 {
			return used
		}
		used += r.size
		s.replied(r, now)
	}
	return used
}

func (s *session) say(line string) {
	s.c.given += int64(len(line))
	s.c.c.Write([]byte(line))
}

// replied takes a reply.
func (s *session) replied(r ftpReply, now loop.Time) {
	c, f := s.c, s.c.g.ftp
	good := r.code/100 == 2
	switch s.stage {
	case greeting:
		switch {
		case r.code == 120: // ready in some minutes: another follows
		case good:
			s.stage = naming
			s.say("USER " + f.user + "\r\n")
		default:
			s.refused(r, now)
		}
	case naming, proving:
		switch {
		case r.code == 331 && s.stage == naming:
			s.stage = proving
			s.say("PASS " + f.password + "\r\n")
		case good:
			s.stage = typing
			s.say("TYPE I\r\n")
		default:
			s.refused(r, now)
		}
	case typing:
		if !good {
			s.refused(r, now)
			return
		}
		s.stage = ready
		s.loggedIn(now)
	case addressing:
		s.settleSent()
		s.addressed(r, now)
	case commanded:
		switch {
		case r.code/100 == 1:
			s.stage, s.left = running, announced(r.text)
			s.data.begin(now)
			s.conclude(now)
		default:
			s.failed(now)
		}
	case running:
		s.answered = true
		s.ended++
		if !good && s.kind == OK {
			s.kind = Status
		}
		if !good {
			s.data.drop()
			s.dataOver = true
		}
		s.conclude(now)
	case deleting:
		s.stage = ready
		c.g.verified(s)
	default:
		c.g.lose(c, now, WrongBytes, false) // a reply that nothing asked for; 421 as well
	}
}

// refused ends a session that cannot log in.
func (s *session) refused(r ftpReply, now loop.Time) {
	s.stage = over
	if sheds(r.code) {
		s.c.turnedAway(now)
		return
	}
	s.c.g.lose(s.c, now, Status, true)
}

// loggedIn: transfers may begin.
func (s *session) loggedIn(now loop.Time) {
	c := s.c
	c.first = now
	if c.n > 0 { // it was opened for a transfer
		c.whole++
		c.first = Never
		s.ask()
		return
	}
	c.c.SetDeadline(0)
	c.reply(now, OK, true)
}

// ask begins a transfer.
func (s *session) ask() {
	f := s.c.g.ftp
	s.file, s.size = f.next(s)
	if f.pattern != nil {
		s.from = f.pattern.begin()
		s.stored = 0 // what is there is written over
	}
	s.open()
}

// open asks where the data goes.
func (s *session) open() {
	g := s.c.g
	s.stage, s.kind, s.left, s.got, s.sum = addressing, OK, -1, 0, 0
	s.dataOver, s.answered, s.sentAt = false, false, Never
	switch {
	case !g.ftp.active():
		s.say(map[string]string{EPSV: "EPSV\r\n", PASV: "PASV\r\n"}[g.ftp.data()])
	case s.listen():
		at := netip.AddrPortFrom(s.c.c.LocalAddr().Addr().Unmap(), s.listener.Addr().Port())
		s.say(g.ftp.command(at))
	}
}

// listen opens the port for active data connections, which a session keeps: a port
// for each transfer would be two system calls more, and the server takes another
// one of its own each time.
func (s *session) listen() bool {
	if s.listener != nil {
		return true
	}
	g := s.c.g
	local := s.c.c.LocalAddr().Addr()
	listener, err := g.l.Listen(loop.ListenOptions{Address: netip.AddrPortFrom(local, 0), Backlog: 8, NoDelay: true, Unbounded: true}, s.accept)
	if err != nil {
		// Not inside of what asked for it.
		g.l.Post(func() {
			if s.c.state != closing && s.c.state != gone {
				g.lose(s.c, g.l.Now(), Local, false)
			}
		})
		return false
	}
	s.listener = listener
	return true
}

// settleSent notes when the transfer's first command was sent: nothing else was
// since. An engine that sends on another goroutine may not have told yet.
func (s *session) settleSent() {
	if handed, at := s.c.c.Handed(); handed >= s.c.given {
		s.sentAt = at
	} else if s.c.n > 0 {
		s.sentAt = s.c.nth(0).issued
	}
}

// addressed takes the reply to what open asked, and asks for the transfer.
func (s *session) addressed(r ftpReply, now loop.Time) {
	g := s.c.g
	peer := g.s.Address.Addr()
	switch g.ftp.data() {
	case EPSV:
		port, ok := passivePort(r.text)
		if r.code != 229 || !ok {
			s.failed(now)
			return
		}
		s.dial(netip.AddrPortFrom(peer, port))
	case PASV:
		at, ok := passiveAddress(r.text)
		if r.code != 227 || !ok || at.Addr() != peer {
			s.failed(now)
			return
		}
		s.dial(at)
	default:
		if r.code != 200 {
			s.failed(now)
			return
		}
		s.data = &dataConn{s: s}
	}
	s.stage = commanded
	s.begun++
	switch {
	case g.ftp.transfer() == Store && !s.verifying:
		s.say("STOR " + s.file + "\r\n")
	case g.ftp.transfer() == List:
		s.say("LIST " + s.file + "\r\n")
	default:
		s.say("RETR " + s.file + "\r\n")
	}
}

// failed ends a transfer that the server refuses.
func (s *session) failed(now loop.Time) {
	if s.stage == commanded {
		s.begun-- // no transfer to the server
	}
	s.data.drop()
	s.kind, s.dataOver, s.answered = Status, true, true
	s.stage = running
	s.conclude(now)
}

// took counts bytes of data that have come.
func (s *session) took(p []byte, now loop.Time) {
	if s.c.first == Never {
		s.c.first = now
	}
	g := s.c.g
	switch {
	case s.verifying:
		s.compare(p)
	case !g.s.LooseBody:
		s.sum = sumOf(s.sum, p)
	}
	s.got += int64(len(p))
}

// compare checks what is read back.
func (s *session) compare(p []byte) {
	e := s.c.g.ftp.pattern
	at := int((int64(s.storedAt) + s.got) % int64(e.period))
	for len(p) > 0 {
		n := min(len(p), len(e.pattern)-at)
		if !bytes.Equal(p[:n], e.pattern[at:at+n]) {
			s.different = true
			return
		}
		p, at = p[n:], (at+n)%e.period
	}
}

// conclude ends the transfer when both connections have.
func (s *session) conclude(now loop.Time) {
	if !s.dataOver || !s.answered || s.stage != running {
		return
	}
	s.stage = ready
	s.data = nil
	c, g := s.c, s.c.g
	if s.verifying {
		s.readBack()
		return
	}
	if s.kind == OK {
		s.kind = s.judge()
	}
	if s.kind == OK && g.ftp.transfer() == Store {
		s.stored, s.storedAt = s.size, s.from
	}
	c.size = s.got
	c.reply(now, s.kind, true)
	g.refill(c)
}

// judge says whether the right bytes have come.
func (s *session) judge() Kind {
	g := s.c.g
	switch g.ftp.transfer() {
	case Store:
		if s.got != s.size {
			return Short
		}
		return OK
	case List:
		return OK // of which the times may change
	}
	if s.left >= 0 && s.got < s.left {
		return Short
	}
	switch p := g.ftp.pin(s.file, g.s.LooseBody); {
	case !p.set:
		p.set, p.length, p.sum = true, s.got, s.sum
	case s.got != p.length || !p.loose && s.sum != p.sum:
		return WrongBytes
	}
	return OK
}

// end lets go of what the session has beside its connection.
func (s *session) end() {
	if s == nil {
		return
	}
	if s.verifying {
		s.verifying = false
		s.c.g.storedCounts.Unread++
		s.c.g.verifiedOne()
	}
	s.stage = over
	s.data.drop()
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
}
