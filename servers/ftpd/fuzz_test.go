package ftpd

import (
	"bytes"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

// FuzzCommands: whatever comes on a control connection, in whatever pieces, every
// line of the answer is one of a reply, and the session ends.
func FuzzCommands(f *testing.F) {
	for _, text := range []string{
		"USER ftp\r\nPASS x\r\nPWD\r\nQUIT\r\n", "USER ftp\r\nPASS x\r\nMKD a\r\nCWD a\r\nSTAT .\r\nRNFR /a\r\nRNTO /b\r\nSITE CHMOD 700 /b\r\nMLST /b\r\n",
		"USER ftp\r\nPASS x\r\nEPSV\r\nSTOR f\r\nABOR\r\nPASV\r\nRETR f\r\nSTAT\r\nQUIT\r\n", "\xff\xfd\x01\xff\xfa\x18\n\xff\xf0NOOP\r\n", "PORT 127,0,0,1,4,1\r\nLIST\r\n",
		"USER ftp\r\nPASS x\r\nPORT 127,0,0,1,4,1\r\nLIST\r\nHELP\r\nFEAT\r\n", "\r\n\r\n\n\x00\r\n",
	} {
		f.Add([]byte(text), uint16(3))
		f.Add([]byte(text), uint16(0))
	}
	// Who does not exist is found out slowly.
	slow := nobodysHash
	defer func() { nobodysHash = slow }()
	var err error
	if nobodysHash, err = bcrypt.GenerateFromPassword([]byte("x"), bcrypt.MinCost); err != nil {
		f.Fatal(err)
	}
	reply := regexp.MustCompile(`^(\d{3}[ -].*| .*)$`)
	f.Fuzz(func(t *testing.T, text []byte, chunk uint16) {
		l, err := loop.New(loop.Config{Backend: "sim", In: 512, Sim: &loop.SimConfig{Seed: uint64(chunk), MaxChunk: int(chunk % 700), Latency: time.Microsecond}})
		if err != nil {
			t.Fatal(err)
		}
		files := filesys.NewMemory(1<<20, l.Wall)
		if w, err := files.OpenFile("f", os.O_WRONLY|os.O_CREATE, 0o644); err == nil {
			_, _ = w.Write([]byte("content\n"))
			w.Close()
		}
		s := New(l, Config{Anonymous: &Account{Files: files, Write: true}})
		at := netip.MustParseAddrPort("127.0.0.1:21")
		if _, err := l.Listen(loop.ListenOptions{Address: at}, s.Accept); err != nil {
			t.Fatal(err)
		}
		c := &talker{text: text}
		l.Dial(loop.DialOptions{Address: at}, c)
		if err := l.Run(); err != nil {
			t.Fatal(err)
		}
		if s.sessions != 0 || len(s.perClient) != 0 {
			t.Errorf("%d sessions are left", s.sessions)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(string(c.got), "\r\n"), "\r\n") {
			if !reply.MatchString(line) || strings.ContainsAny(line, "\r\n\x00") {
				t.Errorf("the line %q is none of a reply", line)
			}
		}
	})
}

// talker says its text and then no more, and keeps the answer.
type talker struct {
	text, got []byte
}

func (c *talker) Opened(conn *loop.Conn) { conn.Write(c.text); conn.CloseWrite() }
func (c *talker) Received(_ *loop.Conn, p []byte) int {
	c.got = append(c.got, p...)
	return len(p)
}
func (c *talker) Ended(conn *loop.Conn)    { conn.CloseWhenDone() }
func (c *talker) Expired(*loop.Conn)       {}
func (c *talker) Drained(*loop.Conn)       {}
func (c *talker) Closed(*loop.Conn, error) {}

// FuzzClean: what is left of a line has no end and no Telnet command, and the line
// is as it was.
func FuzzClean(f *testing.F) {
	for _, line := range []string{"NOOP\r\n", "\xff\xf4\xff\xf2ABOR\r\n", "STOR a\xff\xffb\r\n", "\xff", "\xff\xfa\x01\xff\xf0X\n", "a\r\x00b\n", "\xff\xfb"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		got := clean(line)
		if !bytes.Equal(line, before) {
			t.Error("the line was modified")
		}
		if len(got) > len(line) || len(got) > 0 && got[0] >= 0x80 {
			t.Errorf("%q of %q", got, line)
		}
		if !bytes.ContainsAny(line, "\xff\r\n") && len(line) > 0 && line[0] < 0x80 && !bytes.Equal(got, line) {
			t.Errorf("%q of plain %q", got, line)
		}
		verb, _ := split(got)
		if verb != strings.ToUpper(verb) && len(verb) > 4 {
			t.Errorf("verb %q", verb)
		}
	})
}

// FuzzAddress: what is read as an address is written the same way.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{"127,0,0,1,4,1", "|1|127.0.0.1|6275|", "|2|::1|6275|", "!2!fe80::1%eth0!1!", "", "1,2,3,4,5,256", "||||"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at, ok := parsePort(text); ok && (!at.IsValid() || !at.Addr().Is4()) {
			t.Errorf("%q is %v", text, at)
		}
		if at, known, ok := parseExtendedPort(text); ok && known {
			kind := "2"
			if at.Addr().Is4() {
				kind = "1"
			}
			d := text[:1]
			again, _, ok := parseExtendedPort(d + kind + d + at.Addr().String() + d + "1" + d)
			if !strings.Contains(at.Addr().String(), d) && (!ok || again.Addr() != at.Addr()) {
				t.Errorf("%q is %v, and again %v", text, at, again)
			}
		}
	})
}

// FuzzText: a text comes back from TYPE A as it was, wherever it is cut.
func FuzzText(f *testing.F) {
	f.Add([]byte("a\nb\r\nc\r"), uint8(3))
	f.Add([]byte("\r\r\n\n"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, cut uint8) {
		size := int(cut)%16 + 1
		var sent []byte
		r := &toNetwork{source: io.NopCloser(bytes.NewReader(text))}
		for p := make([]byte, size); ; {
			n, err := r.Read(p)
			sent = append(sent, p[:n]...)
			if err == io.EOF {
				break
			}
		}
		var got []byte
		var back fromNetwork
		for rest := sent; len(rest) > 0; {
			n := min(size, len(rest))
			got = back.append(got, rest[:n])
			rest = rest[n:]
		}
		if got = back.end(got); !bytes.Equal(got, text) {
			t.Errorf("%q became %q and then %q", text, sent, got)
		}
	})
}

// FuzzListing: an entry is one line or none, whatever its name is.
func FuzzListing(f *testing.F) {
	f.Add("name", uint32(0o644), int64(5), int64(0))
	f.Add("a\r\nb", uint32(fs.ModeDir|0o755), int64(-1), int64(1e18))
	f.Add("\xff\x00", uint32(fs.ModeSymlink|0o777), int64(1<<62), int64(-1e18))
	f.Fuzz(func(t *testing.T, name string, mode uint32, size, modified int64) {
		info := entry{name, fs.FileMode(mode), size, time.Unix(0, modified)}
		s := &session{server: &Server{}, facts: allFacts}
		now := time.Unix(1e9, 0)
		for _, write := range []entryWriter{
			func(b []byte, name string, info fs.FileInfo) []byte {
				return append(append(appendLong(b, info, now), name...), "\r\n"...)
			},
			func(b []byte, name string, info fs.FileInfo) []byte {
				return append(append(s.facts.append(b, info, true), name...), "\r\n"...)
			},
		} {
			l := &listing{write: write}
			line := l.append(nil, fs.FileInfoToDirEntry(info))
			if len(line) == 0 {
				if !strings.ContainsAny(name, "\r\n\x00") {
					t.Errorf("%q is not listed", name)
				}
				continue
			}
			if bytes.Count(line, []byte("\n")) != 1 || bytes.Count(line, []byte("\r")) != 1 || !bytes.HasSuffix(line, []byte(" "+name+"\r\n")) {
				t.Errorf("%q makes the line %q", name, line)
			}
		}
	})
}

// entry is an fs.FileInfo.
type entry struct {
	name     string
	mode     fs.FileMode
	size     int64
	modified time.Time
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return e.size }
func (e entry) Mode() fs.FileMode  { return e.mode }
func (e entry) ModTime() time.Time { return e.modified }
func (e entry) IsDir() bool        { return e.mode.IsDir() }
func (e entry) Sys() any           { return nil }
