package experiments

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"medusa/control"
)

// ftpSuite is a small suite of FTP with more settings.
func ftpSuite(more string) string {
	return strings.Replace(smallSuite, "trial:", "fixed: {protocol: ftp, path: /files/1024"+more+"}\ntrial:", 1)
}

func TestFTPArguments(t *testing.T) {
	v := firstOf(t, ftpSuite(", transfer: stor, data_connection: eprt, mix: 1KiB=70,"+"active_connections: 3"))
	at := netip.MustParseAddr("127.1.1.1")
	want := "serve --control stdio --backend " + v.text("backend") + " --ftp 127.1.1.1:0 --nofile 20000 --wait block --ftp-sessions 11 --ftp-sessions-per-address 11 --ftp-idle-timeout 10m0s --ftp-guests write"
	if got := strings.Join(serverArgs(v, at, nil), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got := strings.Join(loadArgs(v, loadRun{server: control.Ready{FTP: "127.1.1.1:7"}, backend: "epoll", active: 3}), " ")
	if !strings.HasPrefix(got, "load ftp://127.1.1.1:7/ ") || !strings.Contains(got, " --transfer stor --data eprt --mix 1KiB=70") {
		t.Errorf("got %s", got)
	}
	v = firstOf(t, ftpSuite(""))
	got = strings.Join(loadArgs(v, loadRun{server: control.Ready{FTP: "127.1.1.1:7"}, backend: "epoll", active: 3}), " ")
	if !strings.HasPrefix(got, "load ftp://127.1.1.1:7/files/1024 ") || strings.Contains(got, "--transfer") {
		t.Errorf("got %s", got)
	}
}

func TestFTPSettings(t *testing.T) {
	for text, want := range map[string]string{
		ftpSuite(""):                 "",
		ftpSuite(", transfer: list"): "",
		ftpSuite(", store_bytes: 5"): "--transfer stor",
		ftpSuite(", depth: 2"):       "--depth 2",
		ftpSuite(", mix: 1KiB=1"):    "{bytes}",
		ftpSuite(", mix: 1KiB"):      "is not SIZE=WEIGHT",
		ftpSuite(", transfer: get"):  "transfer must be retr, stor or list",
		strings.Replace(ftpSuite(""), "/files/1024", "/fixed/13", 1):                              "needs path: /files/N",
		strings.Replace(ftpSuite(", mix: '1KiB=1,2KiB=1'"), "/files/1024", `"/files/{bytes}"`, 1): "",
		strings.Replace(smallSuite, "trial:", "fixed: {transfer: retr}\ntrial:", 1):               "transfer is of ftp",
		strings.Replace(smallSuite, "trial:", "fixed: {mix: 1KiB=1}\ntrial:", 1):                  "mix is of ftp",
	} {
		s, err := Parse("small.yaml", []byte(text))
		if err == nil {
			_, err = MakePlan(s, Request{}, testHost())
		}
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v, want %q", text[strings.Index(text, "fixed"):], err, want)
		}
	}
}

func TestFTPFiles(t *testing.T) {
	v := values{"protocol": "ftp", "path": "/files/{bytes}", "mix": "1KiB=1,7=2"}
	if got := ftpFiles(v); len(got) != 2 || got["/files/1024"] != 1024 || got["/files/7"] != 7 {
		t.Errorf("%v", got)
	}
	v = values{"protocol": "ftp", "path": "/files/5000000", "transfer": "retr"}
	if got := ftpFiles(v); len(got) != 1 || got["/files/5000000"] != 5_000_000 {
		t.Errorf("%v", got)
	}
	if got := ftpFiles(values{"protocol": "http", "path": "/files/5"}); len(got) != 0 {
		t.Errorf("of http: %v", got)
	}
}

// A file is made whole, whatever its size, of the text that fixed bodies repeat.
func TestMakeFile(t *testing.T) {
	root := t.TempDir()
	for _, size := range []int{0, 1, fileChunk, 2*fileChunk + 5} {
		if err := makeFile(root, "/files/x", size); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(root, "files", "x"))
		if err != nil || len(got) != size {
			t.Fatalf("%d bytes of %d: %v", len(got), size, err)
		}
		for i, b := range got {
			if b != "Hello, World!"[i%13] {
				t.Fatalf("of %d bytes the %d. is %q", size, i, b)
			}
		}
	}
}
