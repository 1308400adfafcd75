package users

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func TestSetAndOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte("# who may log in\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	for _, u := range []struct {
		name, password, root string
		write                bool
	}{{"ann", "one", "", false}, {"bob", "two", "/srv/a:b", true}, {"ann", "three", "/srv", true}} {
		made, err := New(u.name, u.password, u.root, u.write)
		if err != nil {
			t.Fatal(err)
		}
		if err := Set(path, made); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	ann, bob := all["ann"], all["bob"]
	if len(all) != 2 || ann.Root != "/srv" || !ann.Write || bob.Root != "/srv/a:b" || !bob.Write {
		t.Errorf("users %+v", all)
	}
	if bcrypt.CompareHashAndPassword(ann.Hash, []byte("three")) != nil || bcrypt.CompareHashAndPassword(ann.Hash, []byte("one")) == nil {
		t.Error("ann's password is not the last that was set")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v: want it kept", info.Mode(), err)
	}
	if err := Remove(path, "ann"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "# who may log in\nbob:") || strings.Count(string(text), "\n") != 2 {
		t.Errorf("the file is %q, %v", text, err)
	}
	if err := Remove(path, "ann"); err == nil || !strings.Contains(err.Error(), `no user "ann"`) {
		t.Errorf("removed twice: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestNewFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	u, err := New("ann", "one", "", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := Set(path, u); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct{ name, password, root, want string }{
		{"", "x", "", "name is empty"}, {"a:b", "x", "", "colon"}, {"#a", "x", "", "#"}, {" a", "x", "", "spaces"}, {"ftp", "x", "", "guests"},
		{"a", "", "", "is empty"}, {"a", strings.Repeat("x", 73), "", "at most 72"}, {"a", "x\ny", "", "line end"}, {"a", "x", "/a\nb", "line end"},
	} {
		if _, err := New(c.name, c.password, c.root, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %q %q: %v, want %q", c.name, c.password, c.root, err, c.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("x"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	good := "ann:" + string(hash) + ":r:\n"
	for text, want := range map[string]string{
		"\n" + good + "bob\n":                  "f:3: give NAME:HASH",
		good + good:                            `f:2: the user "ann" is in the file twice`,
		"ann:secret:r:\n":                      "f:1: user \"ann\": the hash",
		strings.Replace(good, ":r:", ":w:", 1): `rights "w"`,
		"anonymous" + good[3:]:                 "guests",
	} {
		if _, err := Read("f", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
