package loadgen

import (
	"time"

	"medusa/poller/loop"
)

// verifyLimit bounds the time in which what was stored is read back.
const verifyLimit = 10 * time.Second

// verify reads back the last file that each session has stored, and deletes it.
// Then the load ends.
func (g *Generator) verify() bool {
	if g.ftp == nil || g.ftp.pattern == nil {
		return false
	}
	var all []*session
	g.eachSession(func(s *session) {
		if state := s.c.state; s.stored > 0 && s.stage == ready && (state == free || state == busy || state == silent) {
			all = append(all, s)
		}
	})
	if len(all) == 0 {
		return false
	}
	g.phase = phaseVerify
	g.verifying = len(all)
	for _, s := range all {
		s.verifying, s.different = true, false
		s.file = s.name
		s.open()
	}
	g.l.At(g.l.Now().Add(verifyLimit), g.endVerify)
	return true
}

// readBack judges what has come, and deletes the file.
func (s *session) readBack() {
	n := &s.c.g.storedCounts
	switch {
	case s.kind != OK:
		n.Unread++
	case s.different || s.got != s.stored:
		n.Differed++
	default:
		n.Verified++
	}
	s.stage = deleting
	s.say("DELE " + s.name + "\r\n")
}

// verified: the file has been deleted, if the server allows it.
func (g *Generator) verified(s *session) {
	if s.verifying {
		s.verifying = false
		g.verifiedOne()
	}
}

func (g *Generator) verifiedOne() {
	if g.verifying--; g.verifying == 0 {
		g.l.At(g.l.Now(), g.endVerify) // a connection may be about to part
	}
}

// endVerify goes on to the end, once.
func (g *Generator) endVerify() {
	if g.phase != phaseVerify {
		return
	}
	g.phase = phaseDrain
	g.eachSession(func(s *session) {
		if s.verifying {
			s.verifying = false
			g.storedCounts.Unread++
		}
	})
	g.ended()
}

func (g *Generator) eachSession(f func(*session)) {
	g.l.Each(func(lc *loop.Conn) {
		if c, ok := lc.Handler().(*conn); ok && c.g == g && c.session != nil {
			f(c.session)
		}
	})
}
