package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"medusa/experiments"
)

var (
	readmeBlock  = regexp.MustCompile("(?ms)^```(sh|yaml)\n(.*?)^```")
	readmeFolder = "results/runs/quick-20261122-120000"
)

// TestReadme: every command in README.md is one that this program takes, those
// that end by themselves are run, and the suite in it can be planned.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	if err := os.CopyFS(filepath.Join(work, readmeFolder), os.DirFS("results/testdata/v1")); err != nil {
		t.Fatal(err)
	}
	commands, suites := 0, 0
	for _, block := range readmeBlock.FindAllSubmatch(text, -1) {
		if string(block[1]) == "yaml" {
			suites++
			if err := os.WriteFile(filepath.Join(work, "mine.yaml"), block[2], 0o600); err != nil {
				t.Fatal(err)
			}
			suite, err := experiments.Parse("mine.yaml", block[2])
			if err != nil {
				t.Errorf("the suite in README.md: %v", err)
				continue
			}
			if _, err := experiments.MakePlan(suite, experiments.Request{}, experiments.ThisHost(here())); err != nil {
				t.Errorf("the suite in README.md: %v", err)
			}
		}
	}
	for _, block := range readmeBlock.FindAllSubmatch(text, -1) {
		for line := range strings.Lines(string(block[2])) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			if !strings.HasPrefix(line, "medusa ") {
				continue
			}
			commands++
			readmeCommand(t, work, line)
		}
	}
	if commands < 8 || suites != 1 {
		t.Errorf("found %d commands and %d suites in README.md", commands, suites)
	}
}

func readmeCommand(t *testing.T, work, line string) {
	words := strings.Fields(line)[1:]
	var c cli
	parser, err := kong.New(&c, kong.Name("medusa"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(words); err != nil && !strings.Contains(line, " > ") {
		t.Errorf("README.md: %s: %v", line, err)
		return
	}
	switch words[0] {
	case "serve", "load":
		return // these serve until they are told to end, or need a server
	case "run":
		line += " --dry-run"
	}
	cmd := exec.Command("sh", "-c", strings.Replace(line, "medusa", `"$MEDUSA"`, 1))
	cmd.Dir = work
	link := filepath.Join(work, "medusa")
	if _, err := os.Lstat(link); err != nil {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(self, link); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Env = append(os.Environ(), "MEDUSA="+link)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("README.md: %s: %v\n%s", line, err, bytes.TrimSpace(out))
	}
}
