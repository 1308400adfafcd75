package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"medusa/experiments"
)

var (
	readmeBlock = regexp.MustCompile("(?ms)^```(sh|yaml)\n(.*?)^```")
	readmePort  = regexp.MustCompile(`\b127\.0\.0\.1:(\d+)\b`)
	readmeTimes = regexp.MustCompile(` --(duration|warmup) \S+`)
	readmeWord  = regexp.MustCompile(`'[^']*'|\S+`)
	readmeEnd   = regexp.MustCompile(`\s+#.*$`)
)

// TestReadme types the README: each block of commands goes line by line through
// one shell, in a folder that has what the README speaks of. Runs are planned
// only, loads are short, and ports are free ones.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	work := readmeFolder(t, text)
	commands, suites, servers := 0, 0, 0
	for _, block := range readmeBlock.FindAllSubmatch(text, -1) {
		if string(block[1]) == "yaml" {
			suites++
			readmeSuite(t, work, block[2])
			continue
		}
		var lines []string
		for line := range strings.Lines(string(block[2])) {
			line = readmeEnd.ReplaceAllString(strings.TrimSpace(line), "")
			if line == "" || strings.HasPrefix(line, "make ") || line == "scripts/peers.sh" {
				continue
			}
			if strings.HasPrefix(line, "medusa ") {
				t.Errorf("README.md: %s: typed so it is not found; write ./medusa", line)
			}
			if strings.HasPrefix(line, "./medusa ") {
				commands++
				readmeGrammar(t, line)
			}
			if strings.HasPrefix(line, "./medusa serve") {
				servers++
				if !strings.HasSuffix(line, " &") {
					t.Errorf("README.md: %s: it does not return, so that what follows cannot be typed", line)
				}
			}
			lines = append(lines, line)
		}
		if len(lines) > 0 {
			readmeShell(t, work, lines)
		}
	}
	if commands < 12 || suites != 1 || servers < 3 {
		t.Errorf("found %d commands, %d suites and %d servers in README.md", commands, suites, servers)
	}
}

// readmeFolder is a folder in which the README can be followed.
func readmeFolder(t *testing.T, text []byte) string {
	t.Helper()
	work := t.TempDir()
	if err := os.CopyFS(filepath.Join(work, "results/runs/quick-20261122-120000"), os.DirFS("results/testdata/v1")); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(work, "results/reference/quick")
	if err := os.CopyFS(kept, os.DirFS("results/testdata/v1")); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{filepath.Join(work, "README.md"): text, filepath.Join(kept, "report.html"): []byte("<p>a report")} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(typed(t), "medusa"), filepath.Join(work, "medusa")); err != nil {
		t.Fatal(err)
	}
	return work
}

// readmeSuite plans the suite in the README and saves it as the README says.
func readmeSuite(t *testing.T, work string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(work, "mine.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	suite, err := experiments.Parse("mine.yaml", text)
	if err != nil {
		t.Errorf("the suite in README.md: %v", err)
		return
	}
	if _, err := experiments.MakePlan(suite, experiments.Request{}, experiments.ThisHost(here())); err != nil {
		t.Errorf("the suite in README.md: %v", err)
	}
}

// readmeGrammar: the program takes the command as it stands.
func readmeGrammar(t *testing.T, line string) {
	t.Helper()
	var c cli
	parser, err := kong.New(&c, kong.Name("medusa"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ = strings.Cut(strings.TrimSuffix(line, " &"), " > ")
	var words []string
	for _, w := range readmeWord.FindAllString(line, -1) {
		words = append(words, strings.Trim(w, "'"))
	}
	if _, err := parser.Parse(words[1:]); err != nil {
		t.Errorf("README.md: %s: %v", line, err)
	}
}

// readmeShell types the lines of a block. A server is waited for until it says
// that it is ready, as a person sees it say; all that the block starts it ends.
func readmeShell(t *testing.T, work string, lines []string) {
	t.Helper()
	block := strings.Join(lines, "\n")
	if strings.Contains(block, "curl ") {
		if _, err := exec.LookPath("curl"); err != nil {
			t.Log("SKIPPED: a block of README.md needs curl, which is not here")
			return
		}
	}
	ports := map[string]string{}
	block = readmePort.ReplaceAllStringFunc(block, func(address string) string {
		if ports[address] == "" {
			ports[address] = ownAddress(t, address)
		}
		return ports[address]
	})
	var script strings.Builder
	script.WriteString("set -e\n")
	for i, line := range strings.Split(block, "\n") {
		switch {
		case strings.HasPrefix(line, "./medusa run --resume"): // the kept run is whole
		case strings.HasPrefix(line, "./medusa run ") && !strings.Contains(line, "--dry-run"):
			line += " --dry-run"
		case strings.HasPrefix(line, "./medusa rerun ") && !strings.Contains(line, "--with"):
			line = "./medusa rerun --help" // the grammar was looked at; it takes minutes
		case strings.HasPrefix(line, "./medusa doctor"):
			line += " || true" // what it finds is the machine's
		case strings.HasPrefix(line, "./medusa calibrate"):
			line = "./medusa calibrate --help" // the grammar was looked at; it takes minutes
		case strings.HasPrefix(line, "./medusa load "):
			line = readmeTimes.ReplaceAllString(line, "") + " --duration 200ms --warmup 0s"
		case strings.HasPrefix(line, "curl -s"):
			line = strings.Replace(line, "curl -s", "curl -fs", 1) // a status of 400 or more fails
		case strings.HasPrefix(line, "./medusa serve "):
			ready := fmt.Sprintf("ready.%d", i)
			line = fmt.Sprintf("rm -f %s; %s > %s &\nuntil grep -q ready %s 2>/dev/null; do kill -0 $!; sleep 0.02; done", ready, strings.TrimSuffix(line, "&"), ready, ready)
		}
		fmt.Fprintf(&script, "echo %s >&2\n%s\n", "'+ "+strings.ReplaceAll(lines[i], "'", `'\''`)+"'", line)
	}
	script.WriteString("wait\n")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh")
	cmd.Dir, cmd.Stdin = work, strings.NewReader(script.String())
	cmd.WaitDelay = time.Second
	// Whatever happens, what the shell started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		t.Errorf("README.md: typing\n%s\n%v\n%s", strings.Join(lines, "\n"), err, bytes.TrimSpace(out))
	}
	t.Logf("%s", out)
}

// ownAddress is an address for this process alone. On Linux all of 127/8 is
// this machine, so that the port stays; elsewhere a free port is looked for,
// which another process may take meanwhile.
func ownAddress(t *testing.T, address string) string {
	t.Helper()
	if runtime.GOOS == "linux" {
		_, port, _ := strings.Cut(address, ":")
		return fmt.Sprintf("127.%d.%d.%d:%s", 100+os.Getpid()>>14&0x7f, 1+os.Getpid()>>7&0x7f, 1+os.Getpid()&0x7f, port)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
