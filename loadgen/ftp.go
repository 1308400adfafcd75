package loadgen

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"

	"medusa/poller/loop"
)

// A load on a server of FTP (RFC 959). A connection is a session that has logged
// in, a request a transfer: from the command that settles where the data goes
// until both the data connection and its reply have ended. In a session they come
// one after the other, as FTP has it.

// What a transfer does.
const (
	Retrieve = "retr"
	Store    = "stor"
	List     = "list"
)

// Who opens the data connection, and how that is said: the client after EPSV (RFC
// 2428) or PASV, the server after EPRT or PORT.
const (
	EPSV = "epsv"
	PASV = "pasv"
	EPRT = "eprt"
	PORT = "port"
)

// ftpDataBuffer is the input buffer of a generator that downloads, in bytes: what
// it reads by one call.
const ftpDataBuffer = 256 << 10

// DefaultStoreBytes is the size of what is stored unless something else is said.
const DefaultStoreBytes = 64 << 10

// FTPSpec is the part of a Spec that is about FTP.
type FTPSpec struct {
	Transfer   string // Retrieve, Store or List; "" is Retrieve
	Data       string // EPSV, PASV, EPRT or PORT; "" is EPSV
	Mix        string // sizes to draw from, as parseMix takes them; "" for one size
	StoreBytes int64  // of what is stored, without a mix; 0 is DefaultStoreBytes
}

// is says whether anything is asked for.
func (f FTPSpec) is() bool { return f != FTPSpec{} }

func (f FTPSpec) transfer() string {
	if f.Transfer == "" {
		return Retrieve
	}
	return f.Transfer
}

func (f FTPSpec) data() string {
	if f.Data == "" {
		return EPSV
	}
	return f.Data
}

// active says that the server opens the data connections.
func (f FTPSpec) active() bool { return f.Data == EPRT || f.Data == PORT }

// isFTP says whether the load is on a server of FTP.
func (s Spec) isFTP() bool { return strings.HasPrefix(s.URL, "ftp://") }

// checkFTP is the part of Check that is about FTP.
func (s Spec) checkFTP() error {
	f := s.FTP
	if !s.isFTP() {
		if f.is() {
			return fmt.Errorf("--transfer, --data, --mix and --store-bytes are of ftp: give an ftp URL, not %s", redacted(s.URL))
		}
		return nil
	}
	switch f.transfer() {
	case Retrieve, Store, List:
	default:
		return fmt.Errorf("--transfer %q: give %s, %s or %s", f.Transfer, Retrieve, Store, List)
	}
	switch f.data() {
	case EPSV, PASV, EPRT, PORT:
	default:
		return fmt.Errorf("--data %q: give %s, %s, %s or %s", f.Data, EPSV, PASV, EPRT, PORT)
	}
	switch {
	case s.Depth > 1:
		return fmt.Errorf("--depth %d: a session of ftp has one transfer at a time", s.Depth)
	case s.Address.IsValid() && !s.Address.Addr().Is4() && (f.Data == PASV || f.Data == PORT):
		return fmt.Errorf("--data %s: it names IPv4 addresses only, and the server is at %v; give %s or %s", f.Data, s.Address.Addr(), EPSV, EPRT)
	case f.StoreBytes < 0 || f.StoreBytes > maxFile:
		return fmt.Errorf("--store-bytes %d: give 1 to %d", f.StoreBytes, int64(maxFile))
	case f.StoreBytes > 0 && f.transfer() != Store:
		return errors.New("--store-bytes is of what is stored: give --transfer stor")
	case f.StoreBytes > 0 && f.Mix != "":
		return errors.New("--store-bytes and --mix: give one of them")
	case f.Mix != "" && f.transfer() == List:
		return errors.New("--mix and --transfer list: a list has no size to choose")
	}
	where, err := s.ftpPath()
	if err != nil {
		return err
	}
	if f.Mix != "" {
		if _, err := parseMix(f.Mix); err != nil {
			return err
		}
	}
	if f.transfer() == Retrieve && (f.Mix != "") != strings.Contains(where, sizePlace) {
		return fmt.Errorf("--mix %q and the path %s: a mix is of files whose names have their size, which stands in the path as %s", f.Mix, where, sizePlace)
	}
	return nil
}

// ftpPath is the path of an ftp URL, decoded.
func (s Spec) ftpPath() (string, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return "", err
	}
	for _, text := range []string{u.Path, u.User.Username()} {
		if strings.ContainsAny(text, "\r\n\x00") {
			return "", fmt.Errorf("URL %q: a line end or NUL in it", redacted(s.URL))
		}
	}
	if password, _ := u.User.Password(); strings.ContainsAny(password, "\r\n\x00") {
		return "", errors.New("the URL's password has a line end or NUL in it")
	}
	if u.Path == "" {
		return "/", nil
	}
	return u.Path, nil
}

// redacted is a URL without a password, to be shown.
func redacted(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	authority, _, _ := strings.Cut(rest, "/")
	user, _, named := strings.Cut(authority, "@")
	name, _, secret := strings.Cut(user, ":")
	if !ok || !named || !secret {
		return text
	}
	return scheme + "://" + name + ":xxxxx" + rest[strings.LastIndexByte(authority, '@'):]
}

// ftp is what the sessions of a generator have in common.
type ftp struct {
	FTPSpec
	user, password string
	path           string
	mix            *mix
	pins           map[string]*pin // of what is retrieved, by path
	pattern        *echo           // what is stored is a part of
	names          int             // sessions that store
	stem           string          // of their files' names
}

// Stored tells of what was read back of uploads when the load had ended: the last
// file of each session that had stored one.
type Stored struct {
	Verified int `json:"verified"` // the same as was sent
	Differed int `json:"differed"` // not the same
	Unread   int `json:"unread"`   // could not be read
}

func (n *Stored) add(p Stored) {
	n.Verified += p.Verified
	n.Differed += p.Differed
	n.Unread += p.Unread
}

// newFTP prepares for a Spec that has passed its Check. stem makes the names of what
// is stored differ from those of other processes.
func newFTP(s Spec, stem string) (*ftp, error) {
	where, err := s.ftpPath()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, err
	}
	f := &ftp{FTPSpec: s.FTP, user: "anonymous", password: "medusa@", path: where, pins: map[string]*pin{}, stem: stem}
	if u.User != nil {
		f.user = u.User.Username()
		f.password, _ = u.User.Password()
	}
	if f.StoreBytes == 0 {
		f.StoreBytes = DefaultStoreBytes
	}
	if f.Mix != "" {
		if f.mix, err = parseMix(f.Mix); err != nil {
			return nil, err
		}
		f.mix.seed(s.Schedule.Seed)
	}
	if f.transfer() == Store {
		f.pattern = newEcho(storeChunk, 1)
	}
	return f, nil
}

// next is the file of the next transfer, and of one that is stored its size.
func (f *ftp) next(s *session) (name string, size int64) {
	switch {
	case f.transfer() == Store:
		size = f.StoreBytes
		if f.mix != nil {
			size = f.mix.draw()
		}
		if s.name == "" {
			f.names++
			s.name = path.Join(f.path, fmt.Sprintf("%s-%d.tmp", f.stem, f.names))
		}
		return s.name, size
	case f.mix != nil:
		return strings.ReplaceAll(f.path, sizePlace, strconv.FormatInt(f.mix.draw(), 10)), 0
	}
	return f.path, 0
}

// pin is what every transfer of a file must give.
func (f *ftp) pin(name string, loose bool) *pin {
	p := f.pins[name]
	if p == nil {
		p = &pin{loose: loose}
		f.pins[name] = p
	}
	return p
}

// command names where the server connects to.
func (f *ftp) command(at netip.AddrPort) string {
	if f.Data == PORT {
		b := at.Addr().As4()
		return fmt.Sprintf("PORT %d,%d,%d,%d,%d,%d\r\n", b[0], b[1], b[2], b[3], at.Port()>>8, at.Port()&0xff)
	}
	family := 1
	if !at.Addr().Is4() {
		family = 2
	}
	return fmt.Sprintf("EPRT |%d|%v|%d|\r\n", family, at.Addr(), at.Port())
}

// storeChunk is how much of the pattern is at hand at a time, in bytes.
const storeChunk = 64 << 10

// patternReader gives a part of a pattern.
type patternReader struct {
	e    *echo
	at   int // in the pattern
	left int64
}

func (r *patternReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && r.left > 0 {
		k := int(min(int64(len(p)-n), r.left, storeChunk))
		copy(p[n:], r.e.pattern[r.at:r.at+k])
		r.at = (r.at + k) % r.e.period
		n += k
		r.left -= int64(k)
	}
	return n, nil
}

// dataOptions are how to connect for data.
func (g *Generator) dataOptions(at netip.AddrPort, source netip.Addr) loop.DialOptions {
	return loop.DialOptions{Address: at, Source: source, Timeout: g.s.ConnectTimeout, NoDelay: true, ReceiveBuffer: g.s.ReceiveBuffer}
}
