package servers

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"medusa/servers/users"
)

// ftpControl is a control connection of FTP.
type ftpControl struct {
	t *testing.T
	c *net.TCPConn
	r *textproto.Reader
}

func dialFTP(t *testing.T, address string) *ftpControl {
	t.Helper()
	c := dial(t, address)
	f := &ftpControl{t, c, textproto.NewReader(bufio.NewReader(c))}
	f.want(220)
	return f
}

// want reads a reply, which has one of the codes.
func (f *ftpControl) want(codes ...int) string {
	f.t.Helper()
	got, text, err := f.r.ReadResponse(0)
	if !slices.Contains(codes, got) {
		f.t.Fatalf("got %d %s, %v; want %d", got, text, err, codes)
	}
	return text
}

func (f *ftpControl) ask(code int, line string) string {
	f.t.Helper()
	if _, err := fmt.Fprintf(f.c, "%s\r\n", line); err != nil {
		f.t.Fatal(err)
	}
	return f.want(code)
}

// retrieve begins a transfer and returns its data connection.
func (f *ftpControl) retrieve(path string) *net.TCPConn {
	f.t.Helper()
	var port int
	text := f.ask(229, "EPSV")
	if _, err := fmt.Sscanf(text[strings.Index(text, "("):], "(|||%d|)", &port); err != nil {
		f.t.Fatal(err)
	}
	d := dial(f.t, fmt.Sprintf("127.0.0.1:%d", port))
	if _, err := fmt.Fprintf(f.c, "RETR %s\r\n", path); err != nil {
		f.t.Fatal(err)
	}
	f.want(125, 150)
	return d
}

// TestFTPUsers: guests see the root, users their own directories, with their rights.
func TestFTPUsers(t *testing.T) {
	root, own := t.TempDir(), t.TempDir()
	for path, content := range map[string]string{filepath.Join(root, "shared"): "12", filepath.Join(own, "mine"): "123"} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "users")
	for _, u := range []struct {
		name, root string
		write      bool
	}{{"ann", own, true}, {"bob", "", false}} {
		made, err := users.New(u.name, u.name+"'s", u.root, u.write)
		if err != nil {
			t.Fatal(err)
		}
		if err := users.Set(file, made); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, Config{Backend: "epoll", Root: root, FTP: FTPConfig{Address: "127.0.0.1:0", Users: file}, Control: true})
	for _, test := range []struct {
		name, password, sees, lacks string
		mkdir                       int
	}{
		{"anonymous", "x", "shared", "mine", 550}, {"ann", "ann's", "mine", "shared", 257}, {"bob", "bob's", "shared", "mine", 550},
	} {
		f := dialFTP(t, r.ready.FTP)
		f.ask(331, "USER "+test.name)
		f.ask(230, "PASS "+test.password)
		f.ask(200, "TYPE I")
		f.ask(213, "SIZE "+test.sees)
		f.ask(550, "SIZE "+test.lacks)
		f.ask(test.mkdir, "MKD made")
		f.ask(221, "QUIT")
	}
	f := dialFTP(t, r.ready.FTP)
	f.ask(331, "USER ann")
	f.ask(530, "PASS bob's")
	r.terminate()
	r.commands.Close()
}

// TestFTPFull: with every place taken, those who are connected can transfer
// nevertheless, and the next session is refused.
func TestFTPFull(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		root := t.TempDir()
		content := strings.Repeat("0123456789", 1000)
		if err := os.WriteFile(filepath.Join(root, "f"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		r := start(t, Config{Backend: backend, Root: root, MaxConnections: 3, OnFull: "shed", FTP: FTPConfig{Address: "127.0.0.1:0"}})
		var sessions []*ftpControl
		for range 3 {
			f := dialFTP(t, r.ready.FTP)
			f.ask(331, "USER ftp")
			f.ask(230, "PASS x")
			sessions = append(sessions, f)
		}
		fourth := textproto.NewReader(bufio.NewReader(dial(t, r.ready.FTP)))
		if code, text, err := fourth.ReadResponse(421); err != nil {
			t.Errorf("the fourth session got %d %s, %v", code, text, err)
		}
		for _, f := range sessions {
			f.ask(200, "TYPE I")
			for range 3 {
				d := f.retrieve("f")
				got, err := io.ReadAll(d)
				if err != nil || string(got) != content {
					t.Errorf("%d bytes came, %v", len(got), err)
				}
				d.Close()
				f.want(226)
			}
		}
		r.terminate()
	})
}

// TestFTPFewDescriptors: of a low limit there are as many sessions as can transfer
// all at once, and the rest is for other services.
func TestFTPFewDescriptors(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend string) {
		root := t.TempDir()
		content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // more than a kernel takes at once
		if err := os.WriteFile(filepath.Join(root, "f"), content, 0o644); err != nil {
			t.Fatal(err)
		}
		p := spawn(t, Config{Backend: backend, Root: root, HTTP: "127.0.0.1:0", NoFile: 64, FTP: FTPConfig{Address: "127.0.0.1:0"}})
		ready := p.ready()
		var sessions []*ftpControl
		for len(sessions) < 64 {
			c := dial(t, ready.FTP)
			f := &ftpControl{t, c, textproto.NewReader(bufio.NewReader(c))}
			if code, _, err := f.r.ReadResponse(0); err != nil || code != 220 {
				if code != 421 {
					t.Fatalf("session %d got %d, %v", len(sessions), code, err)
				}
				c.Close()
				break
			}
			f.ask(331, "USER ftp")
			f.ask(230, "PASS x")
			f.ask(200, "TYPE I")
			sessions = append(sessions, f)
		}
		if n := len(sessions); n < 4 || n > ready.UsableFDs/2 {
			t.Errorf("%d sessions of %d places", n, ready.UsableFDs)
		}
		var data []*net.TCPConn
		for _, f := range sessions {
			data = append(data, f.retrieve("f"))
		}
		for range ready.UsableFDs - len(sessions) - 2 { // all other places are taken, by and by
			dial(t, ready.HTTP)
		}
		web := dial(t, ready.HTTP)
		if _, err := io.WriteString(web, get("/f")); err != nil {
			t.Fatal(err)
		}
		if status, body := answer(t, bufio.NewReader(web)); status != 200 || len(body) != len(content) {
			t.Errorf("over HTTP: %d, %d bytes", status, len(body))
		}
		for i, d := range data {
			got, err := io.ReadAll(d)
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("transfer %d: %d bytes, %v", i, len(got), err)
			}
			d.Close()
			sessions[i].want(226)
		}
		p.cmd.Process.Signal(syscall.SIGTERM)
		p.end(0)
	})
}

func TestFTPConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{HTTP: ":0", Fixed: true, FTP: FTPConfig{Users: "f"}}, "need an ftp address"},
		{Config{HTTP: ":0", Fixed: true, FTP: FTPConfig{Guests: "write"}}, "need an ftp address"},
		{Config{FTP: FTPConfig{Address: ":0"}}, "give a root"},
		{Config{FTP: FTPConfig{Address: ":0", Guests: "none"}}, "nobody could log in"},
		{Config{Root: "/", FTP: FTPConfig{Address: ":0", Guests: "all"}}, `"read", "write" or "none"`},
		{Config{Root: "/", FTP: FTPConfig{Address: "x"}}, "ftp address"},
		{Config{Root: "/", FTP: FTPConfig{Address: ":0", Ports: "5-4"}}, "FIRST-LAST"},
		{Config{Root: "/", FTP: FTPConfig{Address: ":0", Ports: "0-4"}}, "FIRST-LAST"},
		{Config{Root: "/", FTP: FTPConfig{Address: ":0", Sessions: -1}}, "number over 0"},
		{Config{Root: "/", FTP: FTPConfig{Address: ":0", IdleTimeout: -1}}, "over 0"},
		{Config{Fixed: true, Root: "/", FTP: FTPConfig{Address: ":0"}}, "nowhere to serve http"},
		{Config{Listing: true, Root: "/", FTP: FTPConfig{Address: ":0"}}, "nowhere to serve http"},
	} {
		c.cfg.Backend = "epoll"
		if err := c.cfg.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cfg.FTP, err, c.want)
		}
	}
	if err := (&Config{Backend: "epoll", Root: "/", FTP: FTPConfig{Address: ":0", Ports: "50000-50010"}}).Check(); err != nil {
		t.Errorf("FTP alone: %v", err)
	}
}
