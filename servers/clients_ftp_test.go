package servers_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	"medusa/control"
	"medusa/poller/loop"
	"medusa/servers/filesys"
	"medusa/servers/ftpd"
)

// ftpSite is an FTP server whose guests may write, and ann too, whose password is
// "pass word".
type ftpSite struct{ dir, address, host, port string }

func openFTP(t *testing.T, backend string) *ftpSite {
	t.Helper()
	files, before := control.OpenFDs(), goleak.IgnoreCurrent()
	s := &ftpSite{dir: t.TempDir()}
	dir, err := filesys.Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := loop.New(loop.Config{Backend: backend})
	if err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("pass word"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	server := ftpd.New(l, ftpd.Config{
		Anonymous: &ftpd.Account{Files: dir, Write: true},
		Accounts:  map[string]*ftpd.Account{"ann": {Hash: hash, Files: dir, Write: true}},
	})
	o := ftpd.ListenOptions()
	o.Address = netip.MustParseAddrPort("127.0.0.1:0")
	n, err := l.Listen(o, server.Accept)
	if err != nil {
		t.Fatal(err)
	}
	s.address = n.Addr().String()
	s.host, s.port, _ = strings.Cut(s.address, ":")
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Fatal("the loop does not stop")
		}
		dir.Close()
		goleak.VerifyNone(t, before)
		if open := control.OpenFDs(); open > files {
			t.Errorf("%d descriptors are open, %d were before", open, files)
		}
	})
	return s
}

// someTree makes a tree as a user has it: an empty file and directory, a large
// file, and names that are awkward.
func someTree(t *testing.T, dir string) {
	t.Helper()
	for name, content := range map[string][]byte{
		"empty": nil, "big": bytes.Repeat(text, 20), "sub/one.txt": []byte("one\n"), "sub/deep er/t wo": text, "sub/ünï": []byte("u"), `quo"te`: []byte("q"),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "nothing"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// sameTree compares names and contents.
func sameTree(t *testing.T, got, want string) {
	t.Helper()
	read := func(dir string) map[string]string {
		all := map[string]string{}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			name := path[len(dir):]
			if d.IsDir() {
				all[name] = "directory"
				return nil
			}
			content, err := os.ReadFile(path)
			all[name] = string(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	a, b := read(got), read(want)
	for name, content := range b {
		if a[name] != content {
			t.Errorf("%s: %d bytes, want %d", name, len(a[name]), len(content))
		}
	}
	for name := range a {
		if _, ok := b[name]; !ok {
			t.Errorf("%s is too much", name)
		}
	}
}

func TestFTPClientCurl(t *testing.T) {
	curl := program(t, "curl")
	onEach(t, func(t *testing.T, backend string) {
		s := openFTP(t, backend)
		someTree(t, s.dir)
		local := t.TempDir()
		upload := filepath.Join(local, "upload")
		if err := os.WriteFile(upload, text, 0o644); err != nil {
			t.Fatal(err)
		}
		url := "ftp://" + s.address + "/"
		ask := func(want string, args ...string) {
			t.Helper()
			out, err := run(t, curl, append([]string{"--silent", "--show-error", "--max-time", "20", "--noproxy", "127.0.0.1"}, args...)...)
			if err != nil && !strings.HasPrefix(want, "curl:") {
				t.Errorf("%v: %v %s", args, err, out)
			}
			if !strings.Contains(out, want) {
				t.Errorf("%v: %.200q, want %q", args, out, want)
			}
		}
		got := filepath.Join(local, "got")
		ask("", "--output", got, url+"big")
		sameFile(t, got, filepath.Join(s.dir, "big"))
		ask("one\n", url+"sub/one.txt")
		ask("one\n", "--use-ascii", url+"sub/one.txt")
		ask("one\n", "--ftp-method", "nocwd", url+"sub/one.txt")
		ask("one\n", "--ftp-method", "singlecwd", url+"sub/one.txt")
		ask("one\n", "--disable-epsv", url+"sub/one.txt")
		ask("one\n", "--ftp-port", "127.0.0.1", url+"sub/one.txt")
		ask("one\n", "--ftp-port", "127.0.0.1", "--disable-eprt", url+"sub/one.txt")
		ask("one\n", "--user", "ann:pass word", url+"sub/one.txt")
		ask("curl: (67)", "--user", "ann:wrong", url+"sub/one.txt")
		ask("curl: (9)", url+"none/x")
		ask("curl: (78)", url+"none")
		ask("Content-Length: 4", "--head", url+"sub/one.txt")
		ask("one.txt", url+"sub/")
		ask("ünï\n", "--list-only", url+"sub/")
		if err := os.WriteFile(got, text[:1000], 0o644); err != nil {
			t.Fatal(err)
		}
		ask("", "--continue-at", "-", "--output", got, url+"sub/deep%20er/t%20wo")
		sameFile(t, got, upload)
		ask("", "--upload-file", upload, url+"up")
		sameFile(t, filepath.Join(s.dir, "up"), upload)
		ask("", "--ftp-create-dirs", "--upload-file", upload, url+"new/er/up")
		sameFile(t, filepath.Join(s.dir, "new/er/up"), upload)
		if err := os.Truncate(filepath.Join(s.dir, "up"), 1234); err != nil {
			t.Fatal(err)
		}
		ask("", "--continue-at", "-", "--upload-file", upload, url+"up")
		sameFile(t, filepath.Join(s.dir, "up"), upload)
		ask("", "--append", "--upload-file", upload, url+"up")
		if info, err := os.Stat(filepath.Join(s.dir, "up")); err != nil || info.Size() != int64(2*len(text)) {
			t.Errorf("appended: %v, %v", info, err)
		}
		ask("", "--quote", "RNFR up", "--quote", "RNTO down", "--quote", "-DELE down", "--output", os.DevNull, url+"empty")
		if _, err := os.Stat(filepath.Join(s.dir, "down")); err == nil {
			t.Error("what was deleted is there")
		}
	})
}

func sameFile(t *testing.T, got, want string) {
	t.Helper()
	a, err := os.ReadFile(got)
	if err != nil {
		t.Error(err)
	}
	b, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("%s: %d bytes, want the %d of %s", got, len(a), len(b), want)
	}
}

// TestFTPClientLftp: a tree goes up and comes down, and goes on where it stopped.
func TestFTPClientLftp(t *testing.T) {
	lftp := program(t, "lftp")
	onEach(t, func(t *testing.T, backend string) {
		s := openFTP(t, backend)
		local, back := t.TempDir(), t.TempDir()
		someTree(t, local)
		do := func(commands string) string {
			t.Helper()
			settings := "set net:timeout 20; set net:max-retries 2; set ftp:ssl-allow no; set cmd:fail-exit yes; "
			out, err := run(t, lftp, "--norc", "-u", "ann,pass word", "-p", s.port, "-e", settings+commands+"; bye", s.host)
			if err != nil {
				t.Errorf("%s: %v %s", commands, err, out)
			}
			return out
		}
		do(fmt.Sprintf("mirror -R %s up", local))
		sameTree(t, filepath.Join(s.dir, "up"), local)
		do(fmt.Sprintf("mirror --parallel=4 up %s", back))
		sameTree(t, back, local)
		// What is half there is continued; what is too much goes.
		if err := os.Truncate(filepath.Join(s.dir, "up/big"), 100_001); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "up/sub/old"), text, 0o644); err != nil {
			t.Fatal(err)
		}
		do(fmt.Sprintf("mirror -R --continue --delete %s up", local))
		sameTree(t, filepath.Join(s.dir, "up"), local)
		if err := os.Truncate(filepath.Join(back, "big"), 200_001); err != nil {
			t.Fatal(err)
		}
		do(fmt.Sprintf("get -c up/big -o %s", filepath.Join(back, "big")))
		sameTree(t, back, local)
		do("set ftp:passive-mode off; cd up; mkdir a; mv sub/one.txt a/1; chmod 600 a/1; rm a/1; rmdir a; cls -l; ls; quote NOOP")
		do("rm -r up")
		if entries, err := os.ReadDir(s.dir); err != nil || len(entries) != 0 {
			t.Errorf("left: %v, %v", entries, err)
		}
	})
}

// pythonFTP is what Python's library can ask for.
const pythonFTP = `
import ftplib, io, socket, sys
data = bytes(range(256)) * 2000
f = ftplib.FTP(timeout=20)
f.connect(sys.argv[1], int(sys.argv[2]))
assert 'ready' in f.getwelcome()
try:
    f.login('ann', 'wrong')
    assert False
except ftplib.error_perm as e:
    assert str(e)[:3] == '530', e
f.login('ann', 'pass word')
for passive in (True, False):
    f.set_pasv(passive)
    assert f.mkd('a"b') == '/a"b'
    f.cwd('a"b')
    assert f.pwd() == '/a"b', f.pwd()
    f.storbinary('STOR file', io.BytesIO(data))
    f.voidcmd('TYPE I')
    assert f.size('file') == len(data)
    got = []
    f.retrbinary('RETR file', got.append)
    assert b''.join(got) == data
    got = []
    f.retrbinary('RETR file', got.append, rest=1000)
    assert b''.join(got) == data[1000:]
    f.storbinary('STOR file', io.BytesIO(data[500:]), rest=500)
    f.storbinary('APPE file', io.BytesIO(b'more'))
    assert f.voidcmd('TYPE I')[:3] == '200' and f.size('file') == len(data) + 4
    f.storlines('STOR text', io.BytesIO(b'one\ntwo\n'))
    lines = []
    f.retrlines('RETR text', lines.append)
    assert lines == ['one', 'two'], lines
    assert sorted(f.nlst()) == ['file', 'text']
    facts = dict(f.mlsd(facts=['type', 'size']))
    assert facts['text'] == {'type': 'file', 'size': '8'}, facts
    lines = []
    f.dir(lines.append)
    assert len(lines) == 2 and lines[0].startswith('-rw'), lines
    f.rename('text', 'other')
    f.delete('other')
    f.voidcmd('TYPE I')
    c = f.transfercmd('RETR file')
    c.recv(10)
    c.close()
    try:
        f.voidresp()
    except ftplib.error_temp as e:
        assert str(e)[:3] == '426', e
    c = f.transfercmd('STOR cut')
    c.sendall(b'part')
    reply = f.abort()
    assert reply[:3] in ('226', '426'), reply
    if reply[:3] == '426':
        f.voidresp()
    c.close()
    f.delete('file')
    f.delete('cut')
    f.cwd('..')
    f.rmd('a"b')
try:
    f.nlst('none')
    assert False
except ftplib.error_perm as e:
    assert str(e)[:3] == '550', e
f.quit()
print('content')
`

func TestFTPClientPython(t *testing.T) {
	python := program(t, "python3")
	onEach(t, func(t *testing.T, backend string) {
		s := openFTP(t, backend)
		if out, err := run(t, python, "-c", pythonFTP, s.host, s.port); err != nil || out != "content\n" {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// TestFTPClientRclone: a tool that keeps two trees the same.
func TestFTPClientRclone(t *testing.T) {
	rclone := program(t, "rclone")
	out, err := run(t, rclone, "obscure", "pass word")
	if err != nil {
		t.Fatal(out)
	}
	password := strings.TrimSpace(out)
	onEach(t, func(t *testing.T, backend string) {
		s := openFTP(t, backend)
		local, back := t.TempDir(), t.TempDir()
		someTree(t, local)
		sync := func(from, to string) {
			t.Helper()
			out, err := run(t, rclone, "sync", "--config", os.DevNull, "--create-empty-src-dirs", "--size-only", "--retries", "1", "--timeout", "20s",
				"--ftp-host", s.host, "--ftp-port", s.port, "--ftp-user", "ann", "--ftp-pass", password, from, to)
			if err != nil {
				t.Errorf("sync %s %s: %v %s", from, to, err, out)
			}
		}
		sync(local, ":ftp:up")
		sameTree(t, filepath.Join(s.dir, "up"), local)
		sync(":ftp:up", back)
		sameTree(t, back, local)
		if err := os.Remove(filepath.Join(local, "sub/one.txt")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(local, "empty"), text, 0o644); err != nil {
			t.Fatal(err)
		}
		sync(local, ":ftp:up")
		sameTree(t, filepath.Join(s.dir, "up"), local)
	})
}
