package loadgen

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
)

func TestParseReply(t *testing.T) {
	for _, c := range []struct {
		in   string
		code int // 0: incomplete, -1: none
		text string
		rest string
	}{
		{"220 ready\r\n", 220, "ready", ""},
		{"220 ready\n331", 220, "ready", "331"},
		{"226\r\n", 226, "", ""},
		{"220-one\r\n two\r\n220x\r\n220-three\r\n220 four\r\nrest", 220, "four", "rest"},
		{"220-one\r\n221 two\r\n220 three\r\n", 220, "three", ""},
		{"220-one\r\n220\r\n", 220, "", ""},
		{"", 0, "", ""},
		{"22", 0, "", ""},
		{"220 ready\r", 0, "", ""},
		{"220-one\r\n22", 0, "", ""},
		{"099 no\r\n", -1, "", ""},
		{"620 no\r\n", -1, "", ""},
		{"2 0 no\r\n", -1, "", ""},
		{"2200 no\r\n", -1, "", ""},
		{"\r\n220 late\r\n", -1, "", ""},
		{"SSH-2.0\r\n", -1, "", ""},
		{strings.Repeat("x", maxReply), -1, "", ""},
		{"220-" + strings.Repeat("a\r\n", maxReply), -1, "", ""},
	} {
		r, err := parseReply([]byte(c.in))
		switch {
		case c.code < 0:
			if err == nil {
				t.Errorf("%.40q passes as %+v", c.in, r)
			}
		case err != nil || r.code != c.code || string(r.text) != c.text || c.code > 0 && c.in[r.size:] != c.rest || c.code == 0 && r.size != 0:
			t.Errorf("%.40q: %d %q, %d bytes, %v", c.in, r.code, r.text, r.size, err)
		}
	}
}

func TestPassiveReplies(t *testing.T) {
	for text, want := range map[string]uint16{
		"Entering Extended Passive Mode (|||6446|)": 6446, "(!!!1!)": 1, "(|||65535|).": 65535,
		"(|||65536|)": 0, "(|||0|)": 0, "(||1|)": 0, "(|||1|": 0, "|||1|": 0, "(|||-1|)": 0, "(1111111)": 0, "(|1|127.0.0.1|80|)": 0, "": 0, "(": 0,
	} {
		if got, ok := passivePort([]byte(text)); got != want && ok || ok != (want != 0) {
			t.Errorf("%q: port %d, %t; want %d", text, got, ok, want)
		}
	}
	for text, want := range map[string]string{
		"Entering Passive Mode (127,0,0,1,4,210).": "127.0.0.1:1234", "=127,0,0,1,0,21": "127.0.0.1:21",
		"(127,0,0,1,4)": "", "(127,0,0,256,4,210)": "", "(127,0,0,1,0,0)": "", "none": "", "(1,2,3,4,5,6,7)": "",
	} {
		got, ok := passiveAddress([]byte(text))
		if ok != (want != "") || ok && got != netip.MustParseAddrPort(want) {
			t.Errorf("%q: %v, %t; want %s", text, got, ok, want)
		}
	}
	for text, want := range map[string]int64{
		"Opening BINARY mode data connection for a (1024 bytes).": 1024, "RETR (0 bytes).": 0, "no size": -1, "(many bytes)": -1, " bytes)": -1, "5 bytes)": -1,
	} {
		if got := announced([]byte(text)); got != want {
			t.Errorf("%q: %d bytes, want %d", text, got, want)
		}
	}
}

// FuzzParseReply: a reply does not depend on how it is cut, and is not longer
// than what came.
func FuzzParseReply(f *testing.F) {
	f.Fuzz(func(t *testing.T, p []byte) {
		r, err := parseReply(p)
		if r.size > len(p) || r.size > maxReply || r.size > 0 && (err != nil || r.code < 100 || r.code > 599 || p[r.size-1] != '\n') {
			t.Fatalf("%+v, %v", r, err)
		}
		for i := range min(r.size, 200) {
			if early, err := parseReply(p[:i]); err != nil || early.size != 0 {
				t.Fatalf("%d of %d bytes: %+v, %v", i, r.size, early, err)
			}
		}
		if again, err2 := parseReply(bytes.Clone(p[:max(r.size, 0)])); r.size > 0 && (err2 != nil || again.code != r.code || !bytes.Equal(again.text, r.text)) {
			t.Fatalf("alone it is %+v, %v", again, err2)
		}
		passivePort(r.text)
		passiveAddress(r.text)
		if n := announced(r.text); n < -1 {
			t.Fatalf("announced %d bytes", n)
		}
	})
}
