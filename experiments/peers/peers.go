// Package peers runs servers of other programs as if they were backends: it
// starts one, waits until it answers, and speaks package control for it.
//
// Its folder also holds what the shipped suites start them with: the
// configurations of nginx, lighttpd and Apache (`default` what they do unless told otherwise,
// less what has nothing to do with serving; `tuned` for the question at hand),
// and floor, the least that a server in C can do.
package peers

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"medusa/control"
	"medusa/results"
)

//go:embed nginx lighttpd apache floor
var shipped embed.FS

// Shipped returns the files that the suites of this program name.
func Shipped() fs.FS { return shipped }

// Spec is a server as a suite names it. In Command, and in the texts of the
// files of Config, words in braces stand for what is known only when it is
// started: see Words.
type Spec struct {
	Name    string   `json:"name"`
	Command []string `json:"command"` // the program, looked up in PATH and where servers are kept; then its arguments
	Config  []File   `json:"config,omitempty"`
	// Source is a program in C that is compiled once and kept.
	Source *File `json:"source,omitempty"`
	// Ready is the path of an HTTP GET that has to be answered with 200
	// before anything is measured; in a suite "" is what the load asks for.
	Ready string `json:"ready"`
	// Path is what the load asks for in place of the suite's path; "" for that.
	Path string `json:"path,omitempty"`
	// Stop is the signal that ends it in order: TERM, INT or QUIT.
	Stop string `json:"stop,omitempty"`
	// Needs are the programs without which it is skipped.
	Needs []string `json:"needs,omitempty"`
	// Version is the command that prints its version.
	Version []string `json:"version,omitempty"`
}

// File is a file of a Spec, with its content.
type File struct {
	Name string `json:"name"` // relative, with slashes
	Text string `json:"text"`
}

// SHA256 is the hash of the file as it stands in the suite.
func (f File) SHA256() string {
	sum := sha256.Sum256([]byte(f.Text))
	return hex.EncodeToString(sum[:])
}

// Files are all files of a Spec.
func (s Spec) Files() []File {
	files := s.Config
	if s.Source != nil {
		files = append(files[:len(files):len(files)], *s.Source)
	}
	return files
}

// Words are what may stand in braces in commands and configurations.
var Words = []string{"address", "port", "root", "config", "dir", "cpus", "nofile", "user", "group", "medusa", "program"}

// braced finds words in braces.
var braced = regexp.MustCompile(`\{([a-z_]+)\}`)

// CheckWords refuses an argument of a command with a word that stands for
// nothing.
func CheckWords(argument string) error { return checkWords(argument, Words) }

// CheckGeneratorWords is CheckWords for the command of a generator.
func CheckGeneratorWords(command []string) error {
	for _, argument := range command {
		if err := checkWords(argument, GeneratorWords); err != nil {
			return err
		}
	}
	return nil
}

func checkWords(argument string, known []string) error {
	for _, m := range braced.FindAllStringSubmatch(argument, -1) {
		if nearest := results.Nearest(m[1], known); nearest != m[1] {
			return fmt.Errorf("{%s} stands for nothing; the nearest is {%s}", m[1], nearest)
		}
	}
	return nil
}

// filled replaces the words in braces that are known. Others are left: braces
// are a part of many languages of configuration.
func filled(text string, words map[string]string) string {
	return braced.ReplaceAllStringFunc(text, func(w string) string {
		if v, ok := words[strings.Trim(w, "{}")]; ok {
			return v
		}
		return w
	})
}

func filledAll(list []string, words map[string]string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = filled(s, words)
	}
	return out
}

// describe is what a record keeps of a Spec.
func (s Spec) describe(version string) *control.Peer {
	p := &control.Peer{Version: version, Command: s.Command}
	for _, f := range s.Files() {
		p.Files = append(p.Files, control.PeerFile{Name: f.Name, SHA256: f.SHA256()})
	}
	return p
}
