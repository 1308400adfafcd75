// Package ftpd serves files over FTP (RFC 959, RFC 1123 section 4.1, RFC 2389, RFC
// 2428, RFC 3659) on a loop: any number of sessions and transfers at once, each a
// connection for commands and another for data.
//
// It knows connections and a file system, and no socket. Transfers are in stream
// mode and file structure, text or image. What is in RFC 959 and not here is
// answered with 502 or 504.
package ftpd

import (
	"io/fs"
	"net/netip"
	"time"

	"golang.org/x/crypto/bcrypt"

	"medusa/poller/loop"
)

// Account is somebody who may log in.
type Account struct {
	// Hash is that of the password (bcrypt); nil: any password will do.
	Hash []byte
	// Files is what is seen. To be changed it must be a filesys.WriteFS.
	Files fs.FS
	// Write: files may be stored, changed and removed.
	Write bool
}

// Config is what a Server is told. A value of 0 means the default.
type Config struct {
	// Anonymous is the account of who calls himself "anonymous" or "ftp"; nil:
	// there is none.
	Anonymous *Account
	// Accounts are the others, by name.
	Accounts map[string]*Account
	// Sessions and SessionsPerAddress bound the sessions that are open at once,
	// of all clients and of one address; 4096 and 512.
	Sessions, SessionsPerAddress int
	// LoginTries is how many wrong passwords end a session; 3.
	LoginTries int
	// IdleTimeout ends a session without a command or transfer; 5 minutes, which
	// is the least that RFC 1123 section 4.1.3.2 allows as a default.
	IdleTimeout time.Duration
	// DataTimeout ends a transfer of which nothing has moved for so long, to twice
	// that; 5 minutes. The kernel takes megabytes for a client and more only when
	// he has read a good part of them: a slow one seems to stand still meanwhile.
	DataTimeout time.Duration
	// ConnectTimeout is how long a data connection may take to be established;
	// 30 seconds.
	ConnectTimeout time.Duration
	// Ports are those that passive data connections are listened for at; the
	// system's choice, if 0.
	Ports PortRange
}

// PortRange is from First to Last.
type PortRange struct{ First, Last uint16 }

// withDefaults fills in what is 0.
func (c Config) withDefaults() Config {
	set := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.IdleTimeout, 5*time.Minute)
	set(&c.DataTimeout, 5*time.Minute)
	set(&c.ConnectTimeout, 30*time.Second)
	for _, n := range []struct {
		v *int
		d int
	}{{&c.Sessions, 4096}, {&c.SessionsPerAddress, 512}, {&c.LoginTries, 3}} {
		if *n.v == 0 {
			*n.v = n.d
		}
	}
	return c
}

// Server is the state that the sessions of one loop share.
type Server struct {
	loop      *loop.Loop
	cfg       Config
	sessions  int
	perClient map[netip.Addr]int
	transfers uint64
	nextPort  uint16 // of cfg.Ports, to be tried first
	scratch   []byte // of whoever is running

	checking int      // passwords being checked
	waiting  []func() // to be checked

	draining bool
	drained  func()
}

// longestLine is how many bytes a command may have, the longest path of Linux
// included (PATH_MAX), where the loop's in size allows.
const longestLine = 4096 + 64

// New prepares a server on l.
func New(l *loop.Loop, cfg Config) *Server {
	s := &Server{loop: l, cfg: cfg.withDefaults(), perClient: map[netip.Addr]int{}}
	s.nextPort = s.cfg.Ports.First
	return s
}

// Accept is the function to give to Loop.Listen.
func (s *Server) Accept(*loop.Conn) loop.Handler {
	s.sessions++
	return &session{server: s, cwd: "/", facts: allFacts}
}

// Requests is how many transfers have ended, those that failed included.
func (s *Server) Requests() uint64 { return s.transfers }

// ListenOptions are how to listen for control connections; where is left to the
// caller. Urgent data is part of
// a command: some clients send the whole of ABOR as that.
func ListenOptions() loop.ListenOptions {
	return loop.ListenOptions{NoDelay: true, InlineUrgent: true, Refusal: []byte("421 Too many connections, try again later.\r\n")}
}

// Drain ends the server in an orderly way: a session ends after its transfer, or
// at once. done is called when the last one has ended, or at once. Listeners are
// closed by who opened them.
func (s *Server) Drain(done func()) {
	s.draining, s.drained = true, done
	s.loop.Each(func(c *loop.Conn) {
		if h, ok := c.Handler().(*session); ok && h.server == s {
			h.drain()
		}
	})
	if s.sessions == 0 {
		s.drained = nil
		done()
	}
}

// left is called when a session has ended.
func (s *Server) left() {
	s.sessions--
	if s.sessions == 0 && s.drained != nil {
		s.drained()
		s.drained = nil
	}
}

// checksAtOnce bounds the passwords that are checked at one time, so that logins
// leave the CPU and the loop's workers to others too.
const checksAtOnce = 2

// verify finds out whether a password is that of hash, off the loop; wanted is
// asked when its turn comes.
func (s *Server) verify(hash, password []byte, wanted func() bool, done func(ok bool)) {
	check := func() {
		s.loop.Work(
			func() error { return bcrypt.CompareHashAndPassword(hash, password) },
			func(err error) {
				s.checking--
				s.checkNext()
				done(err == nil)
			})
	}
	s.waiting = append(s.waiting, func() {
		if wanted() {
			s.checking++
			check()
		}
	})
	s.checkNext()
}

// checkNext begins with who waits, as far as may be.
func (s *Server) checkNext() {
	for s.checking < checksAtOnce && len(s.waiting) > 0 {
		next := s.waiting[0]
		s.waiting[0] = nil
		s.waiting = s.waiting[1:]
		next()
	}
	if len(s.waiting) == 0 {
		s.waiting = nil
	}
}
