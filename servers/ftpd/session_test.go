package ftpd

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"medusa/servers/users"
)

// TestReplies: what is answered to what, one after the other in one session.
func TestReplies(t *testing.T) {
	s := open(t, "epoll", Config{})
	s.file("dir/a", []byte("12345"))
	s.file(`q"u"o te`, nil)
	if err := os.Chtimes(filepath.Join(s.dir, "dir/a"), time.Time{}, time.Date(2001, 9, 9, 1, 46, 40, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	c := s.connect()
	if text := c.want(220); !strings.Contains(text, "ready") {
		t.Errorf("greeting %q", text)
	}
	for _, test := range []struct {
		line string
		code int
		text string // part of the reply
	}{
		{"PWD", 530, "Log in"}, {"NOOP", 200, ""}, {"SYST", 215, "UNIX Type: L8"}, {"FEAT", 211, "REST STREAM"}, {"HELP", 214, "RETR"}, {"STAT", 211, "Not logged in"},
		{"STAT /", 530, ""}, {"PASS x", 503, "USER"}, {"USER", 501, "USER <name>"}, {"user nobody", 331, ""}, {"pass x", 530, "incorrect"}, {"PASS x", 503, ""},
		{"USER anonymous", 331, "Any"}, {"PASS", 230, ""}, {"PASS x", 230, "already"}, {"ACCT x", 202, ""},
		{"PWD", 257, `"/"`}, {"XPWD", 257, `"/"`}, {"PWD x", 501, "alone"}, {"CWD dir", 250, ""}, {"PWD", 257, `"/dir"`}, {"CWD a", 550, "Not a directory"}, {"CWD none", 550, "No such"},
		{"CDUP", 250, ""}, {"PWD", 257, `"/"`}, {"CDUP", 250, ""}, {"PWD", 257, `"/"`}, {"CWD ../../..", 250, ""}, {"PWD", 257, `"/"`}, {"XCWD /dir/../dir/.", 250, ""}, {"XPWD", 257, `"/dir"`}, {"XCUP", 250, ""},
		{"TYPE I", 200, ""}, {"TYPE L 8", 200, ""}, {"TYPE A N", 200, "ASCII"}, {"TYPE A", 200, ""}, {"TYPE E", 504, ""}, {"TYPE A T", 504, ""}, {"TYPE L 7", 504, ""}, {"TYPE X", 501, ""}, {"TYPE", 501, ""},
		{"MODE S", 200, ""}, {"MODE B", 504, ""}, {"MODE x", 501, ""}, {"STRU F", 200, ""}, {"STRU R", 504, ""}, {"STRU 1", 501, ""},
		{"REIN", 220, ""}, {"USER ftp", 331, ""}, {"PASS x", 230, ""}, {"STAT", 211, "Type ASCII"}, {"SIZE dir/a", 550, "TYPE I"}, {"TYPE I", 200, ""}, {"STAT", 211, "Type image"}, {"SIZE dir/a", 213, "5"}, {"SIZE dir", 550, "Not a file"}, {"SIZE none", 550, ""},
		{"MDTM dir/a", 213, "20010909014640"}, {"MDTM dir", 550, ""}, {"MDTM none", 550, ""},
		{"MLST dir/a", 250, "type=file;size=5;modify=20010909014640;perm=adfrw;unix.mode=0644; /dir/a"}, {"OPTS MLST Size;TYPE;bad;", 200, "MLST OPTS type;size;"}, {"MLST /dir/a", 250, "type=file;size=5; /dir/a"},
		{"FEAT", 211, "MLST type*;size*;modify;perm;unix.mode;"}, {"OPTS MLST", 200, "MLST OPTS"}, {"MLST dir/a", 250, "  /dir/a"}, {"MLST none", 550, ""},
		{"OPTS UTF8 ON", 200, ""}, {"OPTS UTF8 OFF", 501, ""}, {"OPTS x", 501, ""},
		{"ALLO 100", 202, ""}, {"REST 5", 350, ""}, {"REST -1", 501, ""}, {"REST x", 501, ""}, {"REST 99999999999999999999", 501, ""}, {"RETR dir/a", 425, "PASV"},
		{"MKD dir/b", 257, `"/dir/b"`}, {"MKD dir/b", 550, "exists"}, {`MKD a"b`, 257, `"/a""b"`}, {`XRMD a"b`, 250, ""}, {"MKD none/x", 550, ""}, {"RMD dir", 550, "not empty"}, {"RMD dir/a", 550, "Not a directory"}, {"DELE dir/b", 550, "RMD"}, {"RMD dir/b", 250, ""}, {"RMD /", 550, ""}, {"DELE /", 550, ""},
		{"RNTO x", 503, "RNFR"}, {"RNFR none", 550, ""}, {"RNFR dir/a", 350, ""}, {"NOOP", 200, ""}, {"RNTO dir/c", 503, ""}, {"RNFR dir/a", 350, ""}, {"RNTO dir/c", 250, ""}, {"SIZE dir/a", 550, ""}, {"SIZE dir/c", 213, "5"}, {"RNFR /", 350, ""}, {"RNTO x", 550, ""},
		{"SITE CHMOD 600 dir/c", 200, ""}, {"MLST dir/c", 250, ""}, {"SITE CHMOD 8 dir/c", 501, ""}, {"SITE CHMOD 1777 dir/c", 501, ""}, {"SITE CHMOD 600", 501, ""}, {"SITE HELP", 214, "CHMOD"}, {"SITE EXEC x", 500, ""},
		{"STAT", 211, "Logged in as ftp"}, {"STAT dir", 212, "-rw------- 1 ftp ftp            5 Sep  9  2001 c"}, {"STAT dir/c", 213, " dir/c"}, {"STAT none", 550, ""},
		{"HELP retr", 214, "RETR <path>"}, {"HELP site", 214, "CHMOD"}, {"HELP x", 502, ""},
		{"PORT 1,2,3", 501, ""}, {"PORT 127,0,0,1,256,1", 501, ""}, {"EPRT x", 501, ""}, {"EPRT |3|127.0.0.1|2000|", 522, "(1)"}, {"EPRT |2|::1|2000|", 522, ""}, {"EPSV 2", 522, ""}, {"EPSV 1", 229, "(|||"},
		{"EPSV ALL", 200, ""}, {"PASV", 503, ""}, {"PORT 127,0,0,1,200,1", 503, ""}, {"EPRT |1|127.0.0.1|2000|", 503, ""}, {"EPSV", 229, ""},
		{"SMNT x", 502, ""}, {"AUTH TLS", 502, ""}, {"LANG", 502, ""}, {"XYZZY", 500, ""}, {"TOOLONG x", 500, ""}, {"", 500, ""}, {"   ", 500, ""},
		{"REIN", 220, ""}, {"PWD", 530, ""}, {"USER ftp", 331, ""}, {"PASS x", 230, ""}, {"PWD", 257, `"/"`}, {"PASV", 227, "(127,0,0,1,"},
		{"MKD " + strings.Repeat("x", 300), 553, ""}, {"CWD " + strings.Repeat("x/", 2500), 500, "too long"}, {"NOOP", 200, ""}, {"QUIT", 221, ""},
	} {
		if text := c.ask(test.code, test.line); !strings.Contains(text, test.text) {
			t.Errorf("%s: %q, want %q in it", test.line, text, test.text)
		}
	}
	c.gone()
	if info, err := os.Stat(filepath.Join(s.dir, "dir/c")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("after SITE CHMOD 600: %v, %v", info.Mode(), err)
	}
}

// TestPipelined: commands that come at once are answered in order, on every
// backend, however they are cut.
func TestPipelined(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		c := s.connect()
		lines := "USER ftp\r\nPASS x\r\nTYPE I\r\nMKD d\nCWD d\r\nPWD\r\n\xff\xfb\x01SYST\r\nQUIT\r\nNOOP\r\n"
		for i := range len(lines) {
			if _, err := io.WriteString(c.conn, lines[i:i+1]); err != nil {
				break // QUIT has been carried out
			}
		}
		for _, code := range []int{220, 331, 230, 200, 257, 250, 257, 215, 221} {
			c.want(code)
		}
		c.gone()
		c = s.connect()
		c.want(220)
		for range 200 {
			c.send("NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP")
		}
		for range 1000 {
			c.want(200)
		}
		if err := c.conn.CloseWrite(); err != nil { // as QUIT, but for the word
			t.Fatal(err)
		}
		c.gone()
	})
}

// TestLongLine: no line fills more than its bound, and what follows it is obeyed.
func TestLongLine(t *testing.T) {
	s := open(t, "epoll", Config{})
	c := s.login()
	for _, n := range []int{4091, 4092, 4093, 5000, 100000} {
		c.send("HELP " + strings.Repeat("x", n-5))
		code := 500
		if n+2 <= 4096 {
			code = 502
		}
		c.want(code)
		c.ask(200, "NOOP")
	}
}

func TestLimits(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{Sessions: 3, SessionsPerAddress: 2})
		a, b := s.login(), s.login()
		c := s.connect()
		c.want(421)
		c.gone()
		c.conn.Close()
		eventually(t, "the third has left", func() (left bool) {
			s.on(func() { left = s.server.sessions == 2 })
			return left
		})
		a.ask(221, "QUIT")
		a.conn.Close()
		eventually(t, "the first has left", func() (left bool) {
			s.on(func() { left = s.server.sessions == 1 })
			return left
		})
		s.login()
		b.ask(200, "NOOP")
	})
}

func TestIdleTimeout(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{IdleTimeout: 30 * time.Millisecond})
		c := s.connect()
		c.want(220)
		c.want(421)
		c.gone()
	})
}

// hash is of a password, made quickly.
func hash(t *testing.T, password string) []byte {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestLogin(t *testing.T) {
	if cost, err := bcrypt.Cost(nobodysHash); err != nil || cost != users.HashCost {
		t.Errorf("the hash of nobody has the cost %d, %v", cost, err)
	}
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{Accounts: map[string]*Account{"ann": {Hash: hash(t, "right"), Write: true}, "bob": {Hash: hash(t, "read")}}})
		c := s.connect()
		c.want(220)
		c.send("USER ann\r\nPASS right\r\nMKD d\r\nPWD") // the last two wait for the password
		for _, code := range []int{331, 230, 257, 257} {
			c.want(code)
		}
		c.ask(331, "USER bob")
		c.ask(530, "PWD")
		c.ask(230, "PASS read")
		c.ask(550, "MKD e")
		c.ask(550, "STOR e")
		c.ask(550, "SITE CHMOD 600 d")
		c.ask(331, "USER anonymous")
		c.ask(530, "PASS me@example.org") // guests are not let in here
		c.ask(331, "USER ann")
		c.ask(530, "PASS wrong")
		c.ask(331, "USER nobody")
		c.send("PASS wrong\r\nNOOP")
		c.want(421) // and not NOOP's answer before it
		c.gone()
		// One who goes while his password is checked.
		c = s.connect()
		c.want(220)
		c.send("USER ann\r\nPASS right")
		c.conn.Close()
		eventually(t, "nobody is left", func() (none bool) {
			s.on(func() { none = s.server.sessions == 0 && s.server.checking == 0 })
			return none
		})
	})
}

// TestGuestsOnlyRead is the default.
func TestGuestsOnlyRead(t *testing.T) {
	s := open(t, "epoll", Config{Anonymous: &Account{}})
	s.file("f", []byte("x"))
	c := s.login()
	for _, line := range []string{"STOR g", "APPE f", "STOU", "DELE f", "RNFR f", "MKD d", "RMD d", "SITE CHMOD 600 f"} {
		c.ask(550, line)
	}
	c.ask(200, "TYPE I")
	if got := c.get("RETR f"); string(got) != "x" {
		t.Errorf("%q", got)
	}
	if text := c.ask(250, "MLST f"); !strings.Contains(text, "perm=r;") {
		t.Errorf("%q", text)
	}
}

// TestOthersDuringLogins: while a hundred passwords are checked, two at a time, others
// are served. Were they checked on the loop, the slowest of
// the answers would take as long as all of them.
func TestOthersDuringLogins(t *testing.T) {
	h, err := bcrypt.GenerateFromPassword([]byte("right"), users.HashCost-2)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, "epoll", Config{Accounts: map[string]*Account{"ann": {Hash: h}}})
	other := s.connect()
	other.want(220)
	if err := other.conn.SetDeadline(time.Now().Add(5 * patience)); err != nil {
		t.Fatal(err)
	}
	var logins []*client
	for range 100 {
		c := s.connect()
		c.want(220)
		c.ask(331, "USER ann")
		logins = append(logins, c)
	}
	begin := time.Now()
	for _, c := range logins {
		c.send("PASS right")
	}
	done := make(chan time.Duration)
	go func() {
		for _, c := range logins {
			if err := c.conn.SetDeadline(time.Now().Add(5 * patience)); err != nil {
				t.Error(err)
			}
			c.want(230)
		}
		done <- time.Since(begin)
	}()
	var slowest time.Duration
	answers, most := 0, 0
	for {
		select {
		case all := <-done:
			t.Logf("100 logins took %v; of %d answers beside them the slowest took %v", all, answers, slowest)
			if most > checksAtOnce {
				t.Errorf("%d passwords were checked at once", most)
			}
			if answers < 10 || slowest > all/4 {
				t.Errorf("of %d answers the slowest took %v, of %v", answers, slowest, all)
			}
			return
		default:
			asked := time.Now()
			other.ask(200, "NOOP")
			slowest = max(slowest, time.Since(asked))
			answers++
			s.on(func() { most = max(most, s.server.checking) })
			time.Sleep(5 * time.Millisecond)
		}
	}
}
