package ftpd

import (
	"bytes"
	"net/netip"
	"path"
	"strings"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

// session is a client's control connection. There may be thousands of them that
// are idle: what only a transfer needs is behind pointers.
type session struct {
	server   *Server
	conn     *loop.Conn
	account  *Account // nil: not logged in
	channel  *channel // nil: no data connection is open or prepared
	transfer *transfer
	user     string // as USER gave it
	cwd      string // a clean path from the root
	renaming string // what RNFR named; "" without
	restart  int64  // what REST gave
	peer     netip.Addr
	facts    factSet
	habit    loop.Habit // of the last data connection
	tries    uint8      // wrong passwords, whoever logged in meanwhile
	image    bool       // TYPE I; TYPE A is what a session begins with (RFC 959 section 5.1)
	epsvOnly bool       // EPSV ALL came
	skipping bool       // the rest of a line that is too long
	checking bool       // a password
	held     bool       // a command waits for the transfer to end, or the password
	quitting bool       // 221 or 421 follows the transfer
	counted  bool       // among the sessions of its address
	over     bool       // nothing is said any more
}

var (
	_ loop.Handler = (*session)(nil)
	_ loop.Idler   = (*session)(nil)
)

func (s *session) Opened(c *loop.Conn) {
	s.conn = c
	v := s.server
	s.peer = c.RemoteAddr().Addr().Unmap()
	switch {
	case v.draining:
		s.goodbye(421, "The server is going down.")
	case v.sessions > v.cfg.Sessions:
		s.goodbye(421, "Too many sessions, try again later.")
	case v.perClient[s.peer] >= v.cfg.SessionsPerAddress:
		s.goodbye(421, "Too many sessions from your address.")
	default:
		s.counted = true
		v.perClient[s.peer]++
		s.reply(220, "Medusa FTP server ready.")
		c.SetDeadline(v.cfg.IdleTimeout)
	}
}

// Received carries out the commands that have come whole. One that has to wait for
// a transfer, or for a password that is being checked, keeps those behind it
// waiting too.
func (s *session) Received(c *loop.Conn, p []byte) (used int) {
	longest := min(longestLine, c.InSize())
	for used < len(p) && !s.over {
		rest := p[used:]
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			if len(rest) < longest {
				return used
			}
			s.skipping = true
			return len(p)
		}
		switch {
		case s.skipping || end > longest:
			s.skipping = false
			s.reply(500, "The command line is too long.")
		case !s.obey(clean(rest[:end])):
			s.held = true
			c.Pause()
			return used
		}
		used += end
	}
	if s.over {
		return len(p)
	}
	return used
}

// proceed goes on with what was held.
func (s *session) proceed() {
	if s.held && !s.busy() {
		s.held = false
		s.conn.Resume()
	}
}

// busy says that a command has not been answered for good.
func (s *session) busy() bool { return s.transfer != nil || s.checking }

// Ended: the client says nothing more. What is under way is finished.
func (s *session) Ended(*loop.Conn) { s.drainAs(0, "") }

func (s *session) Expired(c *loop.Conn) {
	if s.busy() {
		c.SetDeadline(s.server.cfg.IdleTimeout)
		return
	}
	s.goodbye(421, "No command came for too long.")
}

func (s *session) Drained(*loop.Conn) {}

// Idle: nothing is under way. A part of a command the loop knows.
func (s *session) Idle(*loop.Conn) bool { return !s.busy() && !s.held && !s.over }

func (s *session) Closed(*loop.Conn, error) {
	v := s.server
	s.over = true
	s.abandon()
	if s.transfer != nil {
		s.transfer.discard()
		s.transfer = nil
		v.transfers++
	}
	if s.counted {
		if v.perClient[s.peer]--; v.perClient[s.peer] == 0 {
			delete(v.perClient, s.peer)
		}
	}
	v.left()
}

// drain ends the session after what is under way.
func (s *session) drain() { s.drainAs(421, "The server is going down.") }

// drainAs says the last words when nothing is under way any more; code 0 says none.
func (s *session) drainAs(code int, text string) {
	switch {
	case s.over:
	case s.busy():
		s.quitting = true
	default:
		s.goodbye(code, text)
	}
}

// goodbye ends the session with a last reply; code 0 is none.
func (s *session) goodbye(code int, text string) {
	if code != 0 {
		s.reply(code, text)
	}
	s.over = true
	s.abandon()
	s.conn.CloseWhenDone()
}

// abandon gives up the data connection.
func (s *session) abandon() {
	if s.channel != nil {
		s.channel.close()
		s.channel = nil
	}
}

// name is the file system's name for a path that the client gave (fs.ValidPath,
// but for the encoding). No path leads above the root.
func (s *session) name(argument string) string { return nameOf(s.path(argument)) }

// path is a path from the root.
func (s *session) path(argument string) string {
	if strings.HasPrefix(argument, "/") {
		return path.Clean(argument)
	}
	return path.Join(s.cwd, argument)
}

func nameOf(path string) string {
	if path == "/" {
		return "."
	}
	return path[1:]
}

// writable is the file system, if the account may change it.
func (s *session) writable() (filesys.WriteFS, bool) {
	w, ok := s.account.Files.(filesys.WriteFS)
	return w, ok && s.account.Write
}
