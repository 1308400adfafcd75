package peers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"medusa/control"
)

// Config is one server to be run.
type Config struct {
	Spec
	Address netip.Addr // that it listens on; the port is any that is free
	Root    string     // the files that it serves; "" for none
	Temp    string     // where its folder is made; "" where the system has such
	NoFile  uint64     // limit of descriptors; 0 leaves it
	CPUs    []int      // that the server is pinned to; empty leaves it
	// Own is where the process that watches it is pinned to, so that watching
	// is not on the server's account.
	Own []int
	// Patience bounds the time until the server answers.
	Patience time.Duration
}

// Check refuses a Config that makes no sense on any system.
func (c Config) Check() error {
	switch {
	case c.Name == "" || len(c.Command) == 0:
		return errors.New("a peer needs a name and a command")
	case c.Ready == "":
		return errors.New("a peer needs a path that it answers when it is ready")
	case !c.Address.IsValid():
		return errors.New("a peer needs an address to listen on")
	case c.Patience <= 0:
		return errors.New("a peer needs time to start")
	}
	return nil
}

// prepared is what a server is started with.
type prepared struct {
	dir     string // temporary; its configuration and what it writes
	argv    []string
	at      netip.AddrPort
	version string
}

// prepare makes the folder with the configuration and finds the program and a
// port. The folder is the caller's to remove, after an error too.
func (c Config) prepare() (p prepared, err error) {
	if p.dir, err = os.MkdirTemp(c.Temp, "medusa-peer-"); err != nil {
		return p, err
	}
	// A server that gives up its privileges has to read it.
	if err := os.Chmod(p.dir, 0o755); err != nil {
		return p, err
	}
	port, err := freePort(c.Address)
	if err != nil {
		return p, err
	}
	p.at = netip.AddrPortFrom(c.Address, port)
	self, err := os.Executable()
	if err != nil {
		return p, err
	}
	words := map[string]string{
		"address": c.Address.String(), "port": strconv.Itoa(int(port)), "root": c.Root, "dir": p.dir,
		"cpus": strconv.Itoa(max(len(c.CPUs), 1)), "nofile": strconv.FormatUint(control.NoFile(), 10), "medusa": self,
	}
	words["user"], words["group"] = account()
	if c.Root == "" {
		words["root"] = filepath.Join(p.dir, "root")
		if err := os.Mkdir(words["root"], 0o755); err != nil {
			return p, err
		}
	}
	if c.Source != nil {
		if words["program"], err = compile(*c.Source); err != nil {
			return p, err
		}
	}
	for i, f := range c.Spec.Config {
		path := filepath.Join(p.dir, filepath.Base(f.Name))
		if i == 0 {
			words["config"] = path
		}
		if err := os.WriteFile(path, []byte(filled(f.Text, words)), 0o644); err != nil {
			return p, err
		}
	}
	p.argv = filledAll(c.Command, words)
	// It runs in another folder.
	if p.argv[0], err = Find(p.argv[0]); err != nil {
		return p, err
	}
	if p.argv[0], err = filepath.Abs(p.argv[0]); err != nil {
		return p, err
	}
	p.version = versionOf(filledAll(c.Version, words))
	return p, nil
}

// account is the user, and the group, that a server is to run as which does not
// want to be root: this process's own, or nobody.
func account() (name, group string) {
	u, err := user.Current()
	if err == nil && u.Uid == "0" {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return "nobody", "nogroup"
	}
	group = u.Gid
	if g, err := user.LookupGroupId(u.Gid); err == nil {
		group = g.Name
	}
	return u.Username, group
}

// freePort asks the system for a port that nobody has. Another could take it
// before the server does: on an address of 127/8 that only this trial has,
// nobody does.
func freePort(at netip.Addr) (uint16, error) {
	l, err := net.Listen("tcp", netip.AddrPortFrom(at, 0).String())
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort().Port(), nil
}

// errNotYet is why a server has not answered.
type errNotYet struct{ error }

// answers makes one request and returns nil once it is answered with 200, and with
// as many bytes as the path says.
func answers(at netip.AddrPort, path string, patience time.Duration) error {
	c, err := net.DialTimeout("tcp", at.String(), patience)
	if err != nil {
		return errNotYet{err}
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %v\r\nConnection: close\r\n\r\n", path, at); err != nil {
		return errNotYet{err}
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return errNotYet{err}
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return errNotYet{fmt.Errorf("it answers with %s", r.Status)}
	}
	return rightSize(path, r.Body)
}

// rightSize refuses a reply to a path that says how long its reply is, /fixed/N or
// /files/N, if it is not: a server that answers with less would be the faster
// one.
func rightSize(path string, body io.Reader) error {
	want, ok := FixedSize(path, "/fixed/")
	if !ok {
		want, ok = FileSize(path, "/files/")
	}
	if !ok {
		return nil
	}
	got, err := io.Copy(io.Discard, io.LimitReader(body, int64(want)+1))
	if err != nil {
		return errNotYet{err}
	}
	if got != int64(want) {
		return fmt.Errorf("it answers GET %s with %d bytes or more, not with %d", path, got, want)
	}
	return nil
}
