package loadgen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

// Transfers of each kind by each kind of data connection, in each kind of loop:
// the account of both ends is the same.
func TestFTPTransfers(t *testing.T) {
	for _, transfer := range []string{Retrieve, Store, List} {
		for _, data := range []string{EPSV, PASV, EPRT, PORT} {
			for _, mode := range []string{"open", "closed", "a session for each transfer", "a session for 3 transfers"} {
				t.Run(transfer+", "+data+", "+mode, func(t *testing.T) {
					w, x := ftpWorld(t)
					s := ftpSpec(w)
					s.FTP = FTPSpec{Transfer: transfer, Data: data}
					s.Idle = 2
					switch mode {
					case "closed":
						s.Closed, s.Schedule.Rate = true, 0
					case "a session for each transfer":
						s.NoKeepAlive = true
					case "a session for 3 transfers":
						s.PerConnection = 3
					}
					r := w.run(s)
					if r.Requests == 0 || r.Requests != r.Scheduled || len(r.Errors) > 0 {
						t.Fatalf("%d of %d transfers, failures %v", r.Requests, r.Scheduled, r.Errors)
					}
					if r.TotalSent != r.TotalAnswered || r.TotalSent != uint64(x.begun) || x.begun != x.ended {
						t.Errorf("%d transfers were begun and %d answered; the server saw %d begin and %d end", r.TotalSent, r.TotalAnswered, x.begun, x.ended)
					}
					if want := uint64(len(x.file)) * r.Requests; transfer != Store && r.BytesReceived != want || transfer == Store && r.BytesReceived != DefaultStoreBytes*r.Requests {
						t.Errorf("%d bytes for %d transfers", r.BytesReceived, r.Requests)
					}
					if r.IdleOpen != 2 {
						t.Errorf("%d idle sessions", r.IdleOpen)
					}
					// The address command, its reply, the data connection's or the transfer
					// command's way and that of the first byte: three ways and more.
					if least := int64(4 * time.Millisecond); *r.FirstByte.Min < least || *r.Service.Min < *r.FirstByte.Min {
						t.Errorf("a first byte after %d ns, a transfer after %d", *r.FirstByte.Min, *r.Service.Min)
					}
					if (mode == "a session for each transfer" || mode == "a session for 3 transfers") != (x.quits > 0) {
						t.Errorf("%d sessions ended by QUIT", x.quits)
					}
					switch {
					case transfer != Store || s.brief():
					case r.Stored == nil || *r.Stored != Stored{Verified: s.Connections} || x.deleted != s.Connections || len(x.stored) > 0:
						t.Errorf("read back: %+v, deleted %d, left %d", r.Stored, x.deleted, len(x.stored))
					}
				})
			}
		}
	}
}

// What goes wrong with a transfer is counted as what it is, and the session goes
// on.
func TestFTPFailures(t *testing.T) {
	every := func(k int) func(int) bool { return func(n int) bool { return n%k == k-1 } }
	for name, c := range map[string]struct {
		set  func(*ftpScript)
		want Kind
		ends bool // the server gives each its last reply
		or   Kind // as its other end is seen first
	}{
		"refused": {func(x *ftpScript) {
			n := 0
			x.refuse = func(int) bool { n++; return n%5 == 0 }
		}, Status, true, OK},
		"other bytes": {func(x *ftpScript) {
			x.content = func(n int) []byte {
				if n%5 == 4 {
					return bytes.Repeat([]byte("9876543210"), 1000)
				}
				return x.file
			}
		}, WrongBytes, true, OK},
		"fewer bytes": {func(x *ftpScript) {
			x.content = func(n int) []byte { return x.file[:len(x.file)-n%5/4] }
		}, WrongBytes, true, OK},
		"fewer bytes than announced": {func(x *ftpScript) {
			x.announce = func(n int) int { return len(x.file) + n%5/4 }
		}, Short, true, OK},
		"cut off":     {func(x *ftpScript) { x.cut = every(5) }, Reset, true, Status},
		"never ended": {func(x *ftpScript) { x.hold = every(5) }, Timeout, false, OK},
	} {
		t.Run(name, func(t *testing.T) {
			w, x := ftpWorld(t)
			c.set(x)
			s := ftpSpec(w)
			s.Timeout = 200 * time.Millisecond
			r := w.run(s)
			failed := r.Errors[c.want.String()] + r.Errors[c.or.String()]
			if failed < r.Scheduled/10 || r.Requests+failed != r.Scheduled {
				t.Errorf("%d of %d transfers, failures %v", r.Requests, r.Scheduled, r.Errors)
			}
			if c.ends && (x.sessions != s.Connections || r.TotalSent != uint64(x.begun) || r.TotalAnswered != uint64(x.ended)) {
				t.Errorf("%d sessions; %d and %d transfers, the server saw %d begin and %d end", x.sessions, r.TotalSent, r.TotalAnswered, x.begun, x.ended)
			}
			if !c.ends && x.sessions <= s.Connections {
				t.Errorf("%d sessions: those that hang were not replaced", x.sessions)
			}
		})
	}
}

// A last reply that comes before the data has ended does not end the transfer.
func TestFTPEarlyReply(t *testing.T) {
	w, x := ftpWorld(t)
	x.early = true
	r := w.run(ftpSpec(w))
	if r.Requests == 0 || r.Requests != r.Scheduled || r.BytesReceived != r.Requests*uint64(len(x.file)) {
		t.Errorf("%d of %d transfers, %d bytes, failures %v", r.Requests, r.Scheduled, r.BytesReceived, r.Errors)
	}
}

// Uploads that are not what was sent are told.
func TestFTPStoredWrong(t *testing.T) {
	w, x := ftpWorld(t)
	x.wrong = func(name string) []byte {
		p := bytes.Clone(x.stored[name])
		p[len(p)/2]++
		return p
	}
	s := ftpSpec(w)
	s.FTP = FTPSpec{Transfer: Store, Mix: "100000=1,200000=1"}
	r := w.run(s)
	if r.Stored == nil || r.Stored.Differed != s.Connections || r.Stored.Verified != 0 {
		t.Errorf("read back: %+v", r.Stored)
	}
	if r.Verdict == Valid || !strings.Contains(strings.Join(r.Reasons, " "), "not what was sent") {
		t.Errorf("%s: %v", r.Verdict, r.Reasons)
	}
}

// A server that turns everybody away, or nobody knows the password of.
func TestFTPTurnedAway(t *testing.T) {
	w, x := ftpWorld(t)
	x.greet = "421 Too many."
	r := w.run(ftpSpec(w))
	if r.Report == nil || r.Requests != 0 || r.Fate["shed"] == 0 || r.Errors["shed"]+r.Errors["timeout"] != r.Scheduled {
		t.Errorf("failed: %v; %+v", r.failed, r.Report)
	}
}

// The mix is drawn by the seed, and each file has its own reference.
func TestFTPMix(t *testing.T) {
	w, x := ftpWorld(t)
	s := ftpSpec(w)
	s.URL = "ftp://server/files/{bytes}"
	s.FTP.Mix = "10=1,20=3"
	sizes := map[string]int{"/files/10": 10, "/files/20": 20}
	for name, n := range sizes {
		x.stored[name] = x.file[:n]
	}
	r := w.run(s)
	if r.Requests != r.Scheduled || r.BytesReceived <= 10*r.Requests || r.BytesReceived >= 20*r.Requests {
		t.Errorf("%d of %d transfers, %d bytes: %v", r.Requests, r.Scheduled, r.BytesReceived, r.Errors)
	}
}

// The generator's FTP on every backend.
func TestFTPOnBackends(t *testing.T) {
	for _, backend := range here(t) {
		for _, spec := range []FTPSpec{{}, {Data: PORT}, {Transfer: Store, StoreBytes: 300_000}, {Transfer: Store, Data: EPRT}, {Transfer: List, Data: PASV}} {
			t.Run(fmt.Sprintf("%s, %+v", backend, spec), func(t *testing.T) {
				x := &ftpScript{file: bytes.Repeat([]byte("0123456789"), 100_000), stored: map[string][]byte{}}
				address := listenReal(t, backend, func(c *loop.Conn) loop.Handler {
					x.l = c.Loop()
					return x.accept(c)
				})
				cfg := short("ftp://" + address + "/file")
				cfg.Backend, cfg.FTP = backend, spec
				cfg.Schedule.Rate = 200
				cfg.JSON = filepath.Join(t.TempDir(), "report.json")
				var out bytes.Buffer
				if err := Run(nil, cfg, nil, &out); err != nil {
					t.Fatal(err)
				}
				var r Report
				text, err := os.ReadFile(cfg.JSON)
				if err == nil {
					err = json.Unmarshal(text, &r)
				}
				if err != nil || r.Requests == 0 || r.Requests != r.Scheduled || r.TotalSent != r.TotalAnswered || r.IdleOpen != cfg.Idle {
					t.Errorf("%d of %d transfers, failures %v, %d sent, %d answered, %d idle: %v", r.Requests, r.Scheduled, r.Errors, r.TotalSent, r.TotalAnswered, r.IdleOpen, err)
				}
				if spec.Transfer == Store && (r.Stored == nil || r.Stored.Verified == 0 || r.Stored.Differed+r.Stored.Unread > 0) {
					t.Errorf("read back: %+v", r.Stored)
				}
			})
		}
	}
}

// A download over a slow line takes as long as the line needs.
func TestFTPSlowLine(t *testing.T) {
	w, x := ftpWorld(t)
	s := ftpSpec(w)
	s.Schedule.Rate, s.Timeout, s.ReadRate = 5, 10*time.Second, 20_000
	r := w.run(s)
	least := int64(len(x.file)) * int64(time.Second) / s.ReadRate
	if r.Requests != r.Scheduled || *r.Service.Min < least || *r.Service.Min > least*3/2 {
		t.Errorf("%d of %d transfers, the fastest in %d ns, the line needs %d", r.Requests, r.Scheduled, *r.Service.Min, least)
	}
}

// The password is for the server alone.
func TestFTPPasswordUntold(t *testing.T) {
	w, _ := ftpWorld(t)
	s := ftpSpec(w)
	s.URL = "ftp://ann:secret@server/file"
	r := w.run(s)
	if text, err := json.Marshal(r.Report); err != nil || bytes.Contains(text, []byte("secret")) {
		t.Errorf("the report tells the password: %v %s", err, r.URL)
	}
}
