package loadgen

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestMix(t *testing.T) {
	m, err := parseMix("1KiB=70, 1MiB=20,7=10")
	if err != nil || !slices.Equal(m.sizes, []int64{1024, 1 << 20, 7}) {
		t.Fatalf("%+v, %v", m, err)
	}
	const n = 100_000
	count := map[int64]int{}
	var first []int64
	m.seed(3)
	for i := range n {
		size := m.draw()
		count[size]++
		if i < 100 {
			first = append(first, size)
		}
	}
	for size, share := range map[int64]float64{1024: 0.7, 1 << 20: 0.2, 7: 0.1} {
		if got := float64(count[size]) / n; math.Abs(got-share) > 5*math.Sqrt(share*(1-share)/n) {
			t.Errorf("%d bytes were drawn with a share of %.3f, want %.3f", size, got, share)
		}
	}
	m.seed(3)
	for i, want := range first {
		if got := m.draw(); got != want {
			t.Fatalf("with the same seed draw %d is %d, not %d", i, got, want)
		}
	}
	m.seed(4)
	if same := !slices.ContainsFunc(first, func(want int64) bool { return m.draw() != want }); same {
		t.Error("another seed draws the same")
	}
	for _, text := range []string{"", "1KiB", "1KiB=0", "1KiB=-1", "1KiB=x", "x=1", "0=1", "1KiB=1,", "1KiB=NaN", "1KiB=Inf"} {
		if _, err := parseMix(text); err == nil || !strings.Contains(err.Error(), "give such as") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFTPSpecs(t *testing.T) {
	for _, c := range []struct {
		url  string
		ftp  FTPSpec
		also func(*Spec)
		want string // "" where it is good
	}{
		{url: "ftp://127.0.0.1/a"},
		{url: "ftp://ann:secret@127.0.0.1:2121/a%20b", ftp: FTPSpec{Data: PASV}},
		{url: "ftp://127.0.0.1/dir", ftp: FTPSpec{Transfer: Store, Mix: "1KiB=1,2KiB=1", Data: PORT}},
		{url: "ftp://127.0.0.1/files/{bytes}", ftp: FTPSpec{Mix: "1KiB=1"}},
		{url: "http://127.0.0.1/", ftp: FTPSpec{Transfer: List}, want: "are of ftp"},
		{url: "ftp://127.0.0.1/a", ftp: FTPSpec{Transfer: "get"}, want: `--transfer "get": give retr`},
		{url: "ftp://127.0.0.1/a", ftp: FTPSpec{Data: "active"}, want: `--data "active": give epsv`},
		{url: "ftp://127.0.0.1/a", ftp: FTPSpec{StoreBytes: 5}, want: "--transfer stor"},
		{url: "ftp://127.0.0.1/a", ftp: FTPSpec{Transfer: Store, StoreBytes: -5}, want: "--store-bytes -5"},
		{url: "ftp://127.0.0.1/a", ftp: FTPSpec{Transfer: Store, StoreBytes: 5, Mix: "1=1"}, want: "give one of them"},
		{url: "ftp://127.0.0.1/a", ftp: FTPSpec{Transfer: List, Mix: "1=1"}, want: "a list has no size"},
		{url: "ftp://127.0.0.1/a", ftp: FTPSpec{Mix: "1=1"}, want: "{bytes}"},
		{url: "ftp://127.0.0.1/{bytes}", want: "{bytes}"},
		{url: "ftp://127.0.0.1/{bytes}", ftp: FTPSpec{Mix: "1"}, want: "is not SIZE=WEIGHT"},
		{url: "ftp://127.0.0.1/a%0d%0aDELE%20b", want: "a line end"},
		{url: "ftp://a%0ab:c@127.0.0.1/a", want: "a line end"},
		{url: "ftp://a:b%0ac@127.0.0.1/a", want: "password has a line end"},
		{url: "ftp://127.0.0.1/a?b", want: "%3F"},
		{url: "http://a:b@127.0.0.1/", want: "a user is not supported"},
		{url: "ftp://127.0.0.1/a", also: func(s *Spec) { s.Depth = 2 }, want: "--depth 2"},
		{url: "ftp://127.0.0.1/a", also: func(s *Spec) { s.Slow, s.SlowRate = 1, 1 }, want: "only http"},
		{url: "ftp://[::1]/a", ftp: FTPSpec{Data: PASV}, also: func(s *Spec) { s.Address = addrPort("[::1]:21") }, want: "IPv4"},
	} {
		s := Default()
		s.URL, s.FTP, s.Closed = c.url, c.ftp, true
		if c.also != nil {
			c.also(&s)
		}
		if err := s.Check(); (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: %v, want %q", c.url, c.ftp, err, c.want)
		}
		if err := s.Check(); err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells a password: %v", err)
		}
	}
}
