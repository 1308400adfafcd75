package ftpd

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

// patience is how long a test waits for what ought to come at once.
const patience = 20 * time.Second

// site is a server on a loop of its own.
type site struct {
	t       *testing.T
	loop    *loop.Loop
	server  *Server
	address string
	dir     string
}

// onEach runs a test on all backends of this system.
func onEach(t *testing.T, test func(t *testing.T, backend string)) {
	for _, b := range loop.Backends() {
		t.Run(b.Name, func(t *testing.T) {
			if b.Missing != "" {
				t.Skipf("SKIPPED: not here: %s", b.Missing)
			}
			test(t, b.Name)
		})
	}
}

// open serves a new directory. Where cfg has no accounts, guests may write.
func open(t *testing.T, backend string, cfg Config) *site {
	t.Helper()
	return openAt(t, backend, cfg, t.TempDir())
}

func openAt(t *testing.T, backend string, cfg Config, root string) *site {
	t.Helper()
	before := goleak.IgnoreCurrent()
	s := &site{t: t, dir: root}
	dir, err := filesys.Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Anonymous == nil && cfg.Accounts == nil {
		cfg.Anonymous = &Account{Write: true}
	}
	for _, a := range cfg.Accounts {
		a.Files = dir
	}
	if cfg.Anonymous != nil && cfg.Anonymous.Files == nil {
		cfg.Anonymous.Files = dir
	}
	if s.loop, err = loop.New(loop.Config{Backend: backend, Out: 4096, In: 4096}); err != nil {
		t.Fatal(err)
	}
	s.server = New(s.loop, cfg)
	o := ListenOptions()
	o.Address = netip.MustParseAddrPort("127.0.0.1:0")
	n, err := s.loop.Listen(o, s.server.Accept)
	if err != nil {
		t.Fatal(err)
	}
	s.address = n.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- s.loop.Run() }()
	t.Cleanup(func() {
		s.loop.Stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the loop does not stop")
		}
		if open := s.loop.Counts().Open; open != 0 {
			t.Errorf("%d connections are left", open)
		}
		dir.Close()
		goleak.VerifyNone(t, before)
	})
	return s
}

// file writes a file of the site.
func (s *site) file(name string, content []byte) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// holds checks what a file of the site is.
func (s *site) holds(name string, want []byte) {
	s.t.Helper()
	got, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil || !bytes.Equal(got, want) {
		s.t.Errorf("%s holds %d bytes %.60q, %v; want %d bytes %.60q", name, len(got), got, err, len(want), want)
	}
}

// eventually waits for what another goroutine brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// on runs f on the loop.
func (s *site) on(f func()) {
	done := make(chan struct{})
	s.loop.Post(func() { f(); close(done) })
	<-done
}

// client is a control connection.
type client struct {
	t    *testing.T
	conn *net.TCPConn
	in   *bufio.Reader
	text *textproto.Reader
}

// connect says nothing yet.
func (s *site) connect() *client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	return &client{t: s.t, conn: conn.(*net.TCPConn), in: in, text: textproto.NewReader(in)}
}

// login is a client who is logged in as a guest.
func (s *site) login() *client {
	s.t.Helper()
	c := s.connect()
	c.want(220)
	c.ask(331, "USER anonymous")
	c.ask(230, "PASS me@example.org")
	return c
}

// send sends a line.
func (c *client) send(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
}

// want reads a reply, which must have the code.
func (c *client) want(code int) string {
	c.t.Helper()
	got, text, err := c.text.ReadResponse(0)
	if err != nil && got == 0 {
		c.t.Fatalf("want %d: %v", code, err)
	}
	if got != code {
		c.t.Fatalf("got %d %s, want %d", got, text, code)
	}
	return text
}

// ask sends a line and reads its reply.
func (c *client) ask(code int, line string) string {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	got, text, err := c.text.ReadResponse(0)
	if err != nil && got == 0 {
		c.t.Fatalf("%s: %v", line, err)
	}
	if got != code {
		c.t.Fatalf("%s: got %d %s, want %d", line, got, text, code)
	}
	return text
}

// gone checks that the server closes the connection after what was read.
func (c *client) gone() {
	c.t.Helper()
	if n, err := c.in.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		c.t.Errorf("the connection goes on: %d bytes, %v", n, err)
	}
	c.conn.Close() // or the server lingers
}

var passiveReply = regexp.MustCompile(`\((?:\d+,\d+,\d+,\d+,(\d+),(\d+)|\|\|\|(\d+)\|)\)`)

// passiveAt prepares a data connection and returns its address.
func (c *client) passiveAt(line string) string {
	c.t.Helper()
	code := 227
	if strings.HasPrefix(line, "EPSV") {
		code = 229
	}
	text := c.ask(code, line)
	m := passiveReply.FindStringSubmatch(text)
	if m == nil {
		c.t.Fatalf("%s: no address in %q", line, text)
	}
	number := func(s string) int {
		n, _ := strconv.Atoi(s)
		return n
	}
	return fmt.Sprintf("127.0.0.1:%d", number(m[1])<<8+number(m[2])+number(m[3]))
}

// data opens a passive data connection.
func (c *client) data() *net.TCPConn {
	c.t.Helper()
	return dialData(c.t, c.passiveAt("EPSV"))
}

func dialData(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// begun reads the first reply of a transfer: 125 or 150, as it happens.
func (c *client) begun() string {
	c.t.Helper()
	got, text, err := c.text.ReadResponse(0)
	if got != 125 && got != 150 {
		c.t.Fatalf("got %d %s, %v; want 125 or 150", got, text, err)
	}
	return text
}

// get carries out a command that sends, and returns what came.
func (c *client) get(line string) []byte {
	c.t.Helper()
	d := c.data()
	defer d.Close()
	c.send(line)
	c.begun()
	got, err := io.ReadAll(d)
	if err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	d.Close()
	c.want(226)
	return got
}

// put carries out a command that receives.
func (c *client) put(line string, content []byte) string {
	c.t.Helper()
	d := c.data()
	defer d.Close()
	c.send(line)
	first := c.begun()
	if _, err := d.Write(content); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	d.Close()
	c.want(226)
	return first
}
