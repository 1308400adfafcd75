package ftpd

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"medusa/servers/filesys"
)

// TestNoSpace: a full disk ends the transfer and not the session; what has found
// room stays.
func TestNoSpace(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{Anonymous: &Account{Files: filesys.NewMemory(64<<10, time.Now), Write: true}})
		c := s.login()
		c.ask(200, "TYPE I")
		for range 2 {
			d := c.data()
			c.send("STOR f")
			c.begun()
			_, _ = d.Write(big[:1<<20]) // it may be reset before all is sent
			d.Close()
			c.want(452)
		}
		got := c.get("RETR f")
		if len(got) == 0 || !bytes.HasPrefix(big, got) {
			t.Errorf("%d bytes are there", len(got))
		}
		c.ask(250, "DELE f")
		c.put("STOR g", big[:1000])
		if got := c.get("RETR g"); !bytes.Equal(got, big[:1000]) {
			t.Errorf("afterwards: %d bytes", len(got))
		}
		c.ask(350, "REST 990")
		if got := c.get("RETR g"); !bytes.Equal(got, big[990:1000]) {
			t.Errorf("from an offset of what is no file of the system: %q", got)
		}
	})
}

// TestNoTransfer: an upload that does not begin leaves what was there.
func TestNoTransfer(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{ConnectTimeout: 50 * time.Millisecond})
		s.file("f", []byte("content"))
		c := s.login()
		for _, line := range []string{"STOR f", "APPE f", "STOR new", "STOU new"} {
			c.ask(425, line)
		}
		for _, prepare := range []func(){
			func() { c.passiveAt("EPSV") },              // and nobody comes
			func() { c.ask(200, "PORT 127,0,0,1,4,0") }, // where nobody listens
		} {
			prepare()
			c.send("STOR f")
			c.want(150)
			c.want(425)
		}
		s.holds("f", []byte("content"))
		entries, err := os.ReadDir(s.dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("there are %v, %v", entries, err)
		}
	})
}

// TestShrinks: a file that becomes shorter while it is sent does not pass for whole.
func TestShrinks(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		s.file("big", big)
		c := s.login()
		c.ask(200, "TYPE I")
		d := c.data()
		c.send("RETR big")
		c.begun()
		if _, err := io.ReadFull(d, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(s.dir, "big"), 1000); err != nil {
			t.Fatal(err)
		}
		n, _ := io.Copy(io.Discard, d)
		if n >= int64(len(big))-1000 {
			t.Skip("all of it was on its way already")
		}
		c.want(451)
		c.ask(200, "NOOP")
	})
}
