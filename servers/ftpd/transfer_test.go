package ftpd

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// big does not fit into what the kernel holds for a connection.
var big = func() []byte {
	b := make([]byte, 12<<20)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}()

func TestRetrieve(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		s.file("big", big)
		s.file("empty", nil)
		s.file("dir/text", []byte("one\ntwo\r\n\nthree"))
		c := s.login()
		c.ask(200, "TYPE I")
		for _, path := range []string{"big", "dir/../../big"} {
			if got := c.get("RETR " + path); !bytes.Equal(got, big) {
				t.Errorf("%s: %d bytes", path, len(got))
			}
		}
		if got := c.get("RETR empty"); len(got) != 0 {
			t.Errorf("empty: %q", got)
		}
		c.ask(350, "REST 12000000")
		if got := c.get("RETR big"); !bytes.Equal(got, big[12000000:]) {
			t.Errorf("from 12000000: %d bytes", len(got))
		}
		c.ask(350, fmt.Sprintf("REST %d", len(big)))
		if got := c.get("RETR big"); len(got) != 0 {
			t.Errorf("from the end: %d bytes", len(got))
		}
		c.ask(350, fmt.Sprintf("REST %d", len(big)+1))
		c.ask(554, "RETR big")
		c.ask(550, "RETR none")
		c.ask(550, "RETR dir")
		c.ask(200, "TYPE A")
		if got := c.get("RETR dir/text"); string(got) != "one\r\ntwo\r\r\n\r\nthree" {
			t.Errorf("as text: %q", got)
		}
		c.ask(221, "QUIT")
		c.gone()
		var n uint64
		s.on(func() { n = s.server.Requests() })
		if n != 6 {
			t.Errorf("%d transfers were counted, want 6", n)
		}
	})
}

func TestStore(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		c := s.login()
		c.ask(200, "TYPE I")
		c.put("STOR big", big)
		s.holds("big", big)
		c.put("STOR big", []byte("small"))
		s.holds("big", []byte("small"))
		c.put("APPE big", []byte(" and more"))
		s.holds("big", []byte("small and more"))
		c.ask(350, "REST 6")
		c.put("STOR big", []byte("AND"))
		s.holds("big", []byte("small AND more"))
		c.passiveAt("EPSV")
		c.ask(350, "REST 15")
		c.ask(554, "STOR big")
		c.put("STOR empty", nil)
		s.holds("empty", nil)
		for i := range 3 {
			first := c.put("STOU big", []byte{byte('0' + i)})
			want := fmt.Sprintf("FILE: big.%d", i+1)
			if !strings.Contains(first, want) {
				t.Errorf("STOU says %q, want %q", first, want)
			}
			s.holds(want[6:], []byte{byte('0' + i)})
		}
		c.ask(200, "TYPE A")
		c.put("STOR text", []byte("one\r\ntwo\n\rthree\r\r\n\r"))
		s.holds("text", []byte("one\ntwo\n\rthree\r\n\r"))
		c.passiveAt("EPSV")
		c.ask(550, "STOR none/file")
		c.ask(550, "STOR .")
		c.ask(221, "QUIT")
	})
}

// TestTextAcrossPieces: a CR LF may be cut anywhere.
func TestTextAcrossPieces(t *testing.T) {
	s := open(t, "epoll", Config{})
	c := s.login() // a session begins with TYPE A
	text := "a\r\nb\r\r\n\rc\r\n"
	for cut := range len(text) + 1 {
		d := c.data()
		c.send("STOR f")
		c.begun()
		for _, piece := range []string{text[:cut], text[cut:]} {
			if _, err := io.WriteString(d, piece); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Millisecond)
		}
		d.Close()
		c.want(226)
		s.holds("f", []byte("a\nb\r\n\rc\n"))
		if got := c.get("RETR f"); string(got) != text {
			t.Errorf("cut at %d: came back as %q", cut, got)
		}
	}
}

// TestCutOff: what has arrived of an upload stays.
func TestCutOff(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		c := s.login()
		c.ask(200, "TYPE I")
		d := c.data()
		c.send("STOR part")
		c.begun()
		if _, err := d.Write(big[:100000]); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the bytes arrive", func() bool {
			info, err := os.Stat(filepath.Join(s.dir, "part"))
			return err == nil && info.Size() == 100000
		})
		if err := d.SetLinger(0); err != nil {
			t.Fatal(err)
		}
		d.Close()
		c.want(426)
		s.holds("part", big[:100000])
		c.ask(200, "NOOP")
		c.ask(350, "REST 100000")
		c.put("STOR part", big[100000:200000])
		s.holds("part", big[:200000])
	})
}

// TestDuring: what is answered while a transfer is under way, and what waits.
func TestDuring(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		s.file("big", big)
		c := s.login()
		c.ask(200, "TYPE I")
		d := c.data()
		c.send("RETR big")
		c.begun()
		c.ask(200, "NOOP")
		if text := c.ask(211, "STAT"); !strings.Contains(text, "RETR /big: ") || !strings.Contains(text, fmt.Sprintf(" of %d bytes", len(big))) {
			t.Errorf("STAT says %q", text)
		}
		c.ask(450, "STAT .")
		c.send("PWD\r\nSIZE big") // these wait
		if got, err := io.ReadAll(d); err != nil || !bytes.Equal(got, big) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		d.Close()
		c.want(226)
		c.want(257)
		c.want(213)
		d = c.data()
		c.send("RETR big")
		c.begun()
		c.send("QUIT")
		if got, err := io.ReadAll(d); err != nil || !bytes.Equal(got, big) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		d.Close()
		c.want(226)
		c.want(221)
		c.gone()
	})
}

// TestAbort: with and without the urgent data that RFC 959 asks for.
func TestAbort(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		s.file("big", big)
		c := s.login()
		c.ask(200, "TYPE I")
		for _, abort := range []func(){
			func() { c.send("ABOR") },
			func() { c.send("\xff\xf4\xff\xf2ABOR") },
			func() { c.urgent("\xff\xf4\xff"); c.send("\xf2ABOR") },
			func() { c.urgent("\xff\xf4\xff\xf2"); c.send("ABOR") },
			func() { c.urgent("ABOR\r\n") }, // as Python's ftplib
			func() { c.send("abor ") },
		} {
			d := c.data()
			c.send("RETR big")
			c.begun()
			if _, err := io.ReadFull(d, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			abort()
			c.want(426)
			c.want(226)
			if n, err := io.Copy(io.Discard, d); err == nil || n >= int64(len(big)-1000) {
				t.Errorf("the transfer went on: %d bytes, %v", n, err)
			}
			c.ask(200, "NOOP")
		}
		c.ask(226, "ABOR")
		at := c.passiveAt("PASV")
		c.ask(226, "ABOR")
		if d, err := net.Dial("tcp", at); err == nil {
			d.Close()
			t.Error("the data port is open after ABOR")
		}
		c.ask(425, "RETR big")
		if got := c.get("RETR big"); !bytes.Equal(got, big) {
			t.Errorf("%d bytes", len(got))
		}
	})
}

func TestActive(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		s.file("f", []byte("content"))
		c := s.login()
		c.ask(200, "TYPE I")
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		for _, line := range []string{fmt.Sprintf("PORT 127,0,0,1,%d,%d", port>>8, port&255), fmt.Sprintf("EPRT |1|127.0.0.1|%d|", port)} {
			c.ask(200, line)
			c.send("RETR f")
			c.want(150)
			d, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(d); err != nil || string(got) != "content" {
				t.Errorf("%s: %q, %v", line, got, err)
			}
			d.Close()
			c.want(226)
			c.ask(200, line)
			c.send("STOR g")
			c.want(150)
			if d, err = l.Accept(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(d, line); err != nil {
				t.Fatal(err)
			}
			d.Close()
			c.want(226)
			s.holds("g", []byte(line))
		}
		c.ask(425, "RETR f") // an address is for one transfer
		l.Close()
		c.ask(200, fmt.Sprintf("EPRT |1|127.0.0.1|%d|", port))
		c.send("RETR f")
		c.want(150)
		c.want(425)
		c.ask(200, "NOOP")
	})
}

// TestNobodyComes: a data port is given up after a time, and one that stands still
// too.
func TestNobodyComes(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{ConnectTimeout: 50 * time.Millisecond, DataTimeout: 50 * time.Millisecond, IdleTimeout: time.Second})
		s.file("big", big)
		c := s.login()
		c.ask(200, "TYPE I")
		c.passiveAt("EPSV")
		c.send("RETR big")
		c.want(150)
		c.want(425)
		d := c.data()
		c.send("RETR big")
		c.begun()
		c.want(426)
		d.Close()
		d = c.data()
		c.send("STOR f")
		c.begun()
		if _, err := io.WriteString(d, "part"); err != nil {
			t.Fatal(err)
		}
		c.want(426)
		s.holds("f", []byte("part"))
		c.want(421) // and the session ends after its own time
		c.gone()
	})
}

// TestManyAtOnce: sessions and transfers of all kinds on one loop.
func TestManyAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		s.file("big", big[:1<<20])
		var all sync.WaitGroup
		for i := range 20 {
			c := s.login()
			all.Go(func() {
				c.ask(200, "TYPE I")
				name := fmt.Sprintf("up%d", i)
				for round := range 2 {
					if got := c.get("RETR big"); !bytes.Equal(got, big[:1<<20]) {
						t.Errorf("%d bytes", len(got))
					}
					content := big[i*1000 : i*1000+200000+round]
					c.put("STOR "+name, content)
					s.holds(name, content)
					if got := c.get("NLST"); !bytes.Contains(got, []byte(name+"\r\n")) {
						t.Errorf("%s is not in %q", name, got)
					}
				}
				c.ask(221, "QUIT")
				c.gone()
			})
		}
		all.Wait()
		eventually(t, "all sessions end", func() (none bool) {
			s.on(func() { none = s.server.sessions == 0 && len(s.server.perClient) == 0 })
			return none
		})
	})
}

// TestDrain: a transfer ends before the server does.
func TestDrain(t *testing.T) {
	onEach(t, func(t *testing.T, backend string) {
		s := open(t, backend, Config{})
		s.file("big", big)
		idle, busy := s.login(), s.login()
		busy.ask(200, "TYPE I")
		d := busy.data()
		busy.send("RETR big")
		busy.begun()
		drained := make(chan struct{})
		s.on(func() { s.server.Drain(func() { close(drained) }) })
		idle.want(421)
		idle.gone()
		idle.conn.Close()
		if got, err := io.ReadAll(d); err != nil || !bytes.Equal(got, big) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		d.Close()
		busy.want(226)
		busy.want(421)
		busy.gone()
		busy.conn.Close()
		select {
		case <-drained:
		case <-time.After(patience):
			t.Error("the server is not drained")
		}
	})
}
