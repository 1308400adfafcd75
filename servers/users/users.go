// Package users reads and writes the file that says who may log in: a line each,
// NAME:HASH:RIGHTS:DIRECTORY, where HASH is of the password (bcrypt), RIGHTS is r
// or rw, and DIRECTORY, which may be empty, is the root of what the user sees.
// Empty lines, and lines that begin with #, say nothing.
package users

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// User is who may log in.
type User struct {
	Name string
	Hash []byte // bcrypt
	// Write: files may be changed.
	Write bool
	// Root is a directory; "" leaves it to the server.
	Root string
}

// HashCost is the cost of new hashes, as bcrypt counts: 2 to that power rounds.
const HashCost = bcrypt.DefaultCost

// longestPassword is what bcrypt takes into account, in bytes.
const longestPassword = 72

// New makes a user with a password.
func New(name, password, root string, write bool) (User, error) {
	if err := checkName(name); err != nil {
		return User{}, err
	}
	switch {
	case password == "":
		return User{}, errors.New("the password is empty")
	case len(password) > longestPassword:
		return User{}, fmt.Errorf("the password has %d bytes: give at most %d", len(password), longestPassword)
	case strings.ContainsAny(password, "\r\n"):
		return User{}, errors.New("the password has a line end in it, which no protocol can send")
	case strings.ContainsAny(root, "\r\n"):
		return User{}, fmt.Errorf("the directory %q has a line end in it", root)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), HashCost)
	return User{Name: name, Hash: hash, Write: write, Root: root}, err
}

// checkName refuses names that a line of the file cannot hold, or that are those
// of guests.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the user's name is empty")
	case strings.ContainsAny(name, ":\r\n\x00") || strings.HasPrefix(name, "#") || strings.TrimSpace(name) != name:
		return fmt.Errorf("the name %q: give one without a colon, a line end, a # at its start and spaces around it", name)
	case name == "anonymous" || name == "ftp":
		return fmt.Errorf("the name %q is that of guests, who need no password", name)
	}
	return nil
}

// line is the user's line, its end included.
func (u User) line() string {
	rights := "r"
	if u.Write {
		rights = "rw"
	}
	return u.Name + ":" + string(u.Hash) + ":" + rights + ":" + u.Root + "\n"
}

// Read reads a file of users, by name. Errors name the line.
func Read(name string, r io.Reader) (map[string]User, error) {
	all := map[string]User{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSuffix(lines.Text(), "\r")
		if text == "" || text[0] == '#' {
			continue
		}
		u, err := parse(text)
		if err == nil && all[u.Name].Name != "" {
			err = fmt.Errorf("the user %q is in the file twice", u.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		all[u.Name] = u
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

// Open reads the file at path.
func Open(path string) (map[string]User, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	defer f.Close()
	return Read(path, f)
}

func parse(text string) (User, error) {
	parts := strings.SplitN(text, ":", 4)
	if len(parts) != 4 {
		return User{}, errors.New("give NAME:HASH:RIGHTS:DIRECTORY; medusa passwd writes such lines")
	}
	u := User{Name: parts[0], Hash: []byte(parts[1]), Write: parts[2] == "rw", Root: parts[3]}
	if err := checkName(u.Name); err != nil {
		return User{}, err
	}
	if _, err := bcrypt.Cost(u.Hash); err != nil {
		return User{}, fmt.Errorf("user %q: the hash is none of bcrypt's", u.Name)
	}
	if parts[2] != "r" && parts[2] != "rw" {
		return User{}, fmt.Errorf("user %q: the rights %q are neither r nor rw", u.Name, parts[2])
	}
	return u, nil
}

// Set writes a user's line into the file at path, in place of the one that he had,
// and leaves other lines as they are. The file is replaced at once, so that no
// reader sees half of it; a new one is its owner's alone.
func Set(path string, u User) error {
	return rewrite(path, u.Name, u.line())
}

// Remove takes a user's line out of the file at path.
func Remove(path, name string) error {
	all, err := Open(path)
	if err != nil {
		return err
	}
	if _, ok := all[name]; !ok {
		return fmt.Errorf("%s: there is no user %q", path, name)
	}
	return rewrite(path, name, "")
}

// rewrite replaces the line of name.
func rewrite(path, name, line string) error {
	old, err := os.ReadFile(path)
	mode := fs.FileMode(0o600)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("users: %w", err)
	default:
		if _, err := Read(path, bytes.NewReader(old)); err != nil {
			return err
		}
		if info, err := os.Stat(path); err == nil {
			mode = info.Mode().Perm()
		}
	}
	var b strings.Builder
	found := false
	for text := range strings.Lines(string(old)) {
		if strings.HasPrefix(text, name+":") {
			b.WriteString(line)
			found = true
			continue
		}
		b.WriteString(text)
		if !strings.HasSuffix(text, "\n") {
			b.WriteByte('\n')
		}
	}
	if !found {
		b.WriteString(line)
	}
	return replace(path, b.String(), mode)
}

// replace puts text where the file at path is.
func replace(path, text string, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what went wrong is told
		return fmt.Errorf("users: %w", err)
	}
	return nil
}
