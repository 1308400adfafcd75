package loop

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// coldDisk is a disk of which the page cache never has anything: what was fetched
// once is to be taken for read.
type coldDisk struct {
	begun chan struct{} // unless nil told of each fetch, which
	end   chan struct{} // then waits for this
}

func (d *coldDisk) disk() disk {
	return disk{
		cached: func(*os.File, int64, int64) bool { return false },
		read:   func(int, []byte, int64) (int, unix.Errno) { return 0, unix.EAGAIN },
		fetch: func(*os.File, int64, int64) error {
			if d.begun != nil {
				d.begun <- struct{}{}
				<-d.end
			}
			return nil
		},
	}
}

// someFile is a file of so many bytes, and these.
func someFile(t *testing.T, n int) (*os.File, []byte) {
	t.Helper()
	content := make([]byte, n)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, content
}

// TestColdFiles: what the page cache does not have is fetched, a part at a time and
// each once, and what comes is the file.
func TestColdFiles(t *testing.T) {
	f, content := someFile(t, 3*coldBytes+1000)
	for _, copied := range []bool{false, true} {
		onEvery(t, Config{ColdFiles: ColdWork, CopyFiles: copied}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			l.disk = (&coldDisk{}).disk()
			released, open := 0, 2
			over := func() {
				if open--; open == 0 {
					l.Stop()
				}
			}
			serve(func(*Conn) Handler {
				return &handler{
					opened: func(c *Conn) {
						c.Write([]byte("<"))
						c.SendFile(f, 1000, int64(len(content)-1000), func() { released++ })
						c.Write([]byte(">"))
						c.CloseWhenDone()
					},
					closed: func(_ *Conn, err error) {
						if err != nil || released != 1 {
							t.Errorf("closed with %v, released %d times", err, released)
						}
						over()
					},
				}
			})
			var got bytes.Buffer
			l.Dial(DialOptions{Address: at}, &handler{
				received: func(_ *Conn, p []byte) int { got.Write(p); return len(p) },
				closed: func(*Conn, error) {
					if want := "<" + string(content[1000:]) + ">"; got.String() != want {
						t.Errorf("%d bytes came, not the %d of the file", got.Len(), len(want))
					}
					if n := l.counts.ColdReads; n != 3 {
						t.Errorf("%d parts were fetched, not 3", n)
					}
					if !copied && l.counts.Calls[CallCached] != 3 {
						t.Errorf("looked %d times", l.counts.Calls[CallCached])
					}
					over()
				},
			})
		})
	}
}

// TestColdFilesOthersGoOn: while a part of a file is fetched, the loop serves others;
// and Continue, which is not for files, does not have it fetched twice.
func TestColdFilesOthersGoOn(t *testing.T) {
	f, content := someFile(t, 5000)
	for _, copied := range []bool{false, true} {
		onEvery(t, Config{ColdFiles: ColdWork, CopyFiles: copied}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			if l.Engine() == "sim" {
				l.Stop() // jobs take no time there
				return
			}
			d := &coldDisk{begun: make(chan struct{}, 1), end: make(chan struct{})}
			l.disk = d.disk()
			var cold *Conn
			echoed := false
			other := &handler{
				opened: func(c *Conn) { c.Write([]byte("e")) },
				received: func(_ *Conn, p []byte) int {
					echoed = true
					l.At(l.Now().Add(5*time.Millisecond), func() { close(d.end) })
					return len(p)
				},
			}
			serve(func(*Conn) Handler {
				return &handler{received: func(c *Conn, p []byte) int {
					if p[0] == 'f' {
						cold = c
						c.SendFile(f, 0, int64(len(content)), nil)
						l.Dial(DialOptions{Address: at}, other)
						return len(p)
					}
					<-d.begun // a fetch has begun, and does not end
					cold.Continue()
					c.Write(p)
					return len(p)
				}}
			})
			got := 0
			l.Dial(DialOptions{Address: at}, &handler{
				opened: func(c *Conn) { c.Write([]byte("f")) },
				received: func(c *Conn, p []byte) int {
					if got += len(p); got == len(content) {
						if !echoed || l.counts.ColdReads != 1 {
							t.Errorf("others were served before: %v; %d fetches", echoed, l.counts.ColdReads)
						}
						l.Stop()
					}
					return len(p)
				},
			})
		})
	}
}

// TestColdFilesAborted: a connection may end, and the file be closed, while a part of
// it is being fetched.
func TestColdFilesAborted(t *testing.T) {
	for _, copied := range []bool{false, true} {
		onEvery(t, Config{ColdFiles: ColdWork, CopyFiles: copied}, func(t *testing.T, l *Loop, at netip.AddrPort, serve func(func(*Conn) Handler)) {
			f, _ := someFile(t, 5000)
			d := &coldDisk{}
			if l.Engine() != "sim" {
				d.begun, d.end = make(chan struct{}, 1), make(chan struct{})
			}
			l.disk = d.disk()
			released := 0
			serve(func(*Conn) Handler {
				return &handler{
					opened: func(c *Conn) {
						c.SendFile(f, 0, 5000, func() { released++; f.Close() })
						l.At(l.Now().Add(time.Millisecond), func() {
							if d.begun != nil {
								<-d.begun
							}
							c.Abort()
						})
					},
					closed: func(*Conn, error) {
						if released != 1 {
							t.Errorf("released %d times", released)
						}
						if d.end != nil {
							close(d.end)
						}
						l.At(l.Now().Add(5*time.Millisecond), l.Stop) // the fetch ends before
					},
				}
			})
			l.Dial(DialOptions{Address: at}, &handler{received: func(_ *Conn, p []byte) int { return len(p) }})
		})
	}
}

// evict drops a file from the page cache, or skips the test where that cannot be
// done: on a file system in memory.
func evict(t *testing.T, f *os.File) {
	t.Helper()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	if s, err := f.Stat(); err != nil || InPageCache(f, 0, s.Size()) {
		t.Skipf("SKIPPED: %s cannot be dropped from the page cache (%v): is it in memory?", f.Name(), err)
	}
}

// TestPageCache: what is in the page cache is known, and fetchFile brings it there.
func TestPageCache(t *testing.T) {
	const n = 3 * coldBytes
	f, _ := someFile(t, n)
	evict(t, f)
	if _, errno := readCached(int(f.Fd()), make([]byte, 100), 0); errno != unix.EAGAIN {
		t.Errorf("reading what is not there: %v", errno)
	}
	if err := fetchFile(f, coldBytes, coldBytes); err != nil {
		t.Fatal(err)
	}
	if !InPageCache(f, coldBytes, coldBytes) || InPageCache(f, 0, coldBytes) || InPageCache(f, coldBytes-1, 2) {
		// The kernel may have read ahead what comes after it.
		t.Errorf("of three parts the second was fetched; there are: %v %v, and the byte before: %v", InPageCache(f, 0, coldBytes),
			InPageCache(f, coldBytes, coldBytes), InPageCache(f, coldBytes-1, 2))
	}
	if fd := int(f.Fd()); !probed(fd, coldBytes, coldBytes) || probed(fd, 0, coldBytes) || probed(fd, 0, 2*coldBytes) {
		t.Error("probes do not find what cachestat counts")
	}
	if n, errno := readCached(int(f.Fd()), make([]byte, 100), coldBytes); n != 100 || errno != 0 {
		t.Errorf("reading what is there: %d, %v", n, errno)
	}
	if err := fetchFile(f, n-10, 100); err == nil {
		t.Error("fetched beyond the end")
	}
	f.Close()
	if err := fetchFile(f, 0, 10); err == nil {
		t.Error("fetched of a file that is closed")
	}
}

// TestColdDisk: a file that is on the disk only comes as it is, read by whoever was
// asked to.
func TestColdDisk(t *testing.T) {
	f, content := someFile(t, 2*coldBytes+1000)
	for _, b := range Backends() {
		for _, who := range []ColdFiles{ColdLoop, ColdWork, ColdRing} {
			for _, copied := range []bool{false, true} {
				name := b.Name + "/" + who.String()
				if copied {
					name += "/copied"
				}
				t.Run(name, func(t *testing.T) {
					if b.Missing != "" {
						t.Skip("SKIPPED: not here: " + b.Missing)
					}
					cfg := Config{Backend: b.Name, ColdFiles: who, CopyFiles: copied}
					l, err := New(cfg)
					if who == ColdRing && b.Engine != "completion" {
						if err == nil || !strings.Contains(err.Error(), "has no ring") {
							t.Errorf("%v", err)
						}
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					evict(t, f)
					n, err := l.Listen(ListenOptions{Address: netip.MustParseAddrPort("127.0.0.1:0")}, func(*Conn) Handler {
						return &handler{opened: func(c *Conn) {
							c.SendFile(f, 0, int64(len(content)), nil)
							c.CloseWhenDone()
						}}
					})
					if err != nil {
						t.Fatal(err)
					}
					var got bytes.Buffer
					l.Dial(DialOptions{Address: n.Addr()}, &handler{
						received: func(_ *Conn, p []byte) int { got.Write(p); return len(p) },
						closed:   func(*Conn, error) { l.Stop() },
					})
					if err := l.Run(); err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(got.Bytes(), content) {
						t.Errorf("%d bytes came, not the %d of the file", got.Len(), len(content))
					}
					if cold := l.counts.ColdReads; (cold == 0) != (who == ColdLoop) {
						t.Errorf("%d parts were read for the loop", cold)
					}
				})
			}
		}
	}
}

func TestParseColdFiles(t *testing.T) {
	for _, w := range []ColdFiles{ColdLoop, ColdWork, ColdRing} {
		if got, err := ParseColdFiles(w.String()); got != w || err != nil {
			t.Errorf("%v: %v, %v", w, got, err)
		}
	}
	if _, err := ParseColdFiles("disk"); err == nil || !strings.Contains(err.Error(), "loop, work or ring") {
		t.Error(err)
	}
	if err := (Config{Backend: "poll", ColdFiles: 3}).Check(); err == nil {
		t.Error("a way that there is not is taken")
	}
}
