package ftpd

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestBounce: the server connects to nobody but the client, and to no service of
// his (RFC 2577).
func TestBounce(t *testing.T) {
	s := open(t, "epoll", Config{})
	c := s.login()
	for _, line := range []string{"PORT 127,0,0,2,200,1", "PORT 10,0,0,1,200,1", "PORT 0,0,0,0,200,1", "PORT 127,0,0,1,3,255", "PORT 127,0,0,1,0,0", "EPRT |1|127.0.0.2|6275|", "EPRT |1|127.0.0.1|1023|"} {
		c.ask(504, line)
		c.ask(425, "LIST")
	}
	c.ask(200, "PORT 127,0,0,1,4,0")
}

// TestStranger: only the client himself may use his data port, and once.
func TestStranger(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		s.file("f", []byte("content"))
		c := s.login()
		c.ask(200, "TYPE I")
		at := c.passiveAt("EPSV")
		elsewhere := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		for range 3 {
			stranger, err := elsewhere.Dial("tcp", at)
			if errors.Is(err, syscall.ECONNRESET) {
				continue // as fast as that
			}
			if err != nil {
				t.Fatal(err)
			}
			if n, err := stranger.Read(make([]byte, 1)); err == nil {
				t.Errorf("a stranger got %d bytes", n)
			}
			stranger.Close()
		}
		d := dialData(t, at)
		c.send("RETR f")
		c.begun()
		if got, err := io.ReadAll(d); err != nil || string(got) != "content" {
			t.Errorf("the client got %q, %v", got, err)
		}
		d.Close()
		c.want(226)
		if again, err := net.Dial("tcp", at); err == nil {
			again.Close()
			t.Error("the data port is open after its transfer")
		}
		// A new one closes the one before.
		first := c.passiveAt("PASV")
		c.passiveAt("PASV")
		if d, err := net.Dial("tcp", first); err == nil {
			d.Close()
			t.Error("an older data port is open")
		}
		c.ask(221, "QUIT")
	})
}

// TestNothingOutside: no path and no link leads out of the root.
func TestNothingOutside(t *testing.T) {
	s := open(t, "epoll", Config{})
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.dir), "secret"), []byte("s"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.file("a", []byte("x"))
	for name, target := range map[string]string{"up": "../secret", "abs": "/etc", "in": "a"} {
		if err := os.Symlink(target, filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c := s.login()
	c.ask(200, "TYPE I")
	c.passiveAt("EPSV")
	for _, path := range []string{"../secret", "/../secret", "up", "abs/passwd", "abs", "a/../../secret", "..", "\x00", "a\x00b"} {
		c.ask(550, "RETR "+path)
		if path != ".." { // which is the root
			c.ask(550, "STOR "+path+"/x")
			c.ask(550, "CWD "+path)
		}
	}
	if got := c.get("RETR in"); string(got) != "x" {
		t.Errorf("a link inside: %q", got)
	}
	c.passiveAt("EPSV")
	c.ask(550, "STOR up")
	c.ask(350, "RNFR a")
	c.ask(250, "RNTO ../b") // above the root is the root
	s.holds("b", []byte("x"))
	c.ask(250, "DELE up") // the link, and not what it names
	if _, err := os.Stat(filepath.Join(filepath.Dir(s.dir), "secret")); err != nil {
		t.Error(err)
	}
}

// TestTries: wrong passwords end a session, whoever logs in between.
func TestTries(t *testing.T) {
	s := open(t, "epoll", Config{Anonymous: &Account{}, Accounts: map[string]*Account{"ann": {Hash: hash(t, "right")}}})
	c := s.connect()
	c.want(220)
	for _, code := range []int{530, 530, 421} {
		c.ask(331, "USER anonymous")
		c.ask(230, "PASS me@example.org")
		c.ask(331, "USER ann")
		c.ask(code, "PASS wrong")
	}
	c.gone()
}

// TestPorts: passive ports are those of the range.
func TestPorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := uint16(l.Addr().(*net.TCPAddr).Port)
	s := open(t, "epoll", Config{Ports: PortRange{taken, taken}})
	c := s.login()
	c.ask(425, "EPSV")
	c.ask(425, "PASV")
	l.Close()
	for range 3 {
		if at := c.passiveAt("EPSV"); at != fmt.Sprintf("127.0.0.1:%d", taken) {
			t.Errorf("listens at %s", at)
		}
	}
}

// TestNoLineFromAName: nothing that a client says makes another line of a reply.
func TestNoLineFromAName(t *testing.T) {
	s := open(t, "epoll", Config{})
	c := s.connect()
	c.want(220)
	c.ask(331, "USER a\rb")
	if text := c.ask(211, "STAT"); strings.Contains(text, "\r") {
		t.Errorf("%q", text)
	}
}
