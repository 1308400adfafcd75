package results

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A configuration that was changed, or is not kept, is found.
func TestVerifyPeers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, PeersFolder, "a", "one.conf")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	with := func(text string) Record {
		return Record{Trial: 1, Server: &ServerPart{Peer: &Peer{Files: []PeerFile{{"a/one.conf", sha([]byte(text))}}}}}
	}
	for _, c := range []struct {
		name, kept string
		records    []Record
		want       string
	}{
		{"none", "x", []Record{{Server: &ServerPart{}}, {}}, ""},
		{"as recorded", "x", []Record{with("x"), with("x")}, "pass: 1 file of other programs"},
		{"changed", "y", []Record{with("x")}, "fail: peers/a/one.conf has the SHA-256"},
		{"two of one name", "x", []Record{with("y"), with("x")}, "fail: trial 1 was made with another a/one.conf"},
		{"outside of the folder", "x", []Record{{Trial: 1, Server: &ServerPart{Peer: &Peer{Files: []PeerFile{{"../suite.yaml", "ab"}}}}}}, `fail: "../suite.yaml" cannot name a file`},
		{"not kept", "", []Record{with("x")}, "fail: peers/a/one.conf is not kept"},
	} {
		os.Remove(path)
		if c.kept != "" {
			if err := os.WriteFile(path, []byte(c.kept), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var v Verification
		v.peers(&Run{Dir: dir, Records: c.records})
		got := ""
		for _, check := range v.Checks {
			got += string(check.Status) + ": " + check.Line
		}
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
