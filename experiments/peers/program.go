package peers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// aside are the folders where servers are kept, which is not on the PATH of
// every user.
var aside = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// Find returns the file of a program.
func Find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil || strings.Contains(name, "/") {
		return path, err
	}
	for _, dir := range aside {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("the program %s is not installed", name)
}

// versionOf runs a command that prints a version and returns the first line
// that it says; "" when it says nothing.
func versionOf(command []string) string {
	if len(command) == 0 {
		return ""
	}
	path, err := Find(command[0])
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// Some print it where errors go, and some end with an error: what counts
	// is the line.
	text, _ := exec.CommandContext(ctx, path, command[1:]...).CombinedOutput()
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// flags are what C is compiled with.
var flags = []string{"-O2", "-Wall", "-Wextra", "-Werror"}

// compile returns the program that cc makes of a source. It is kept in the
// user's cache under the hash of what it was made from: source, compiler and
// flags.
func compile(source File) (string, error) {
	cc, err := Find("cc")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(append([]string{source.Text, versionOf([]string{"cc", "--version"})}, flags...), "\x00")))
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "medusa", "peers")
	program := filepath.Join(dir, hex.EncodeToString(sum[:16]))
	if info, err := os.Stat(program); err == nil && info.Mode().IsRegular() {
		return program, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(dir, "cc-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	file, made := filepath.Join(work, "source.c"), filepath.Join(work, "program")
	if err := os.WriteFile(file, []byte(source.Text), 0o600); err != nil {
		return "", err
	}
	text, err := exec.Command(cc, append(append([]string(nil), flags...), "-o", made, file)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("compiling %s: %s", source.Name, cmp.Or(strings.Join(strings.Fields(string(text)), " "), err.Error()))
	}
	// Of two that compile at once the last one wins; both made the same.
	return program, os.Rename(made, program)
}
