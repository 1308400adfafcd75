package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// certificateFile is the certificate's name in a run folder: a copy of the one
// that the machine had when the run began.
const certificateFile = "certificate.json"

// Certificate is what `medusa calibrate` found out about the instrument on one
// machine: whether what it measures is true, and below what it says nothing.
type Certificate struct {
	SchemaVersion int     `json:"schema_version"`
	CreatedUnixNs int64   `json:"created_unix_ns"`
	DurationNs    int64   `json:"duration_ns"`
	Quick         bool    `json:"quick,omitempty"` // shorter windows: some truths are looser, which they say
	Passed        bool    `json:"passed"`          // every truth
	Machine       Machine `json:"machine"`
	Command       string  `json:"command"`

	Floor  WakeFloor `json:"floor"`
	Quiet  Quiet     `json:"quiet"`
	Truths []Truth   `json:"truths"`
	// Excess is what was measured over what was true, by rank: the figure
	// of the certificate.
	Excess []Excess `json:"excess,omitempty"`
}

// WakeFloor is how long one process takes to wake another through an eventfd
// and to be woken by it (a round trip), each on a CPU of its own: what no
// measured latency can be under. Nanoseconds.
type WakeFloor struct {
	Block Floor `json:"block"` // both sleep in the kernel
	Poll  Floor `json:"poll"`  // both busy-wait: what the hand-over itself takes
}

// Floor is a distribution of round trips, in nanoseconds.
type Floor struct {
	Count uint64 `json:"count"`
	P50   int64  `json:"p50"`
	P90   int64  `json:"p90"`
	P99   int64  `json:"p99"`
	P999  int64  `json:"p999"`
}

// Quiet is what the machine does while nothing is measured: what the verdicts
// allow beside. Shares of one, nil where the system does not tell.
type Quiet struct {
	PSISomeShare  *float64 `json:"psi_some_share"`  // time in which some task waited for a CPU, while a trial of one server and one generator ran
	RunDelayShare *float64 `json:"run_delay_share"` // run delay of the server process in the window (/proc/PID/schedstat), of the window
	StealShare    *float64 `json:"steal_share"`
	ForeignShare  *float64 `json:"foreign_share"`
}

// Truth is one thing that is known to be so, and what the instrument made of
// it.
type Truth struct {
	ID    string `json:"id"`    // short, such as "stall"
	Title string `json:"title"` // what is checked, in one line
	Parts []Part `json:"parts"`
	Pass  bool   `json:"pass"`
	// FalseFail is the share of correct instruments that would fail this
	// check by chance (0 to 1), and FalseFailHow how that is known; nil where
	// nothing is left to chance.
	FalseFail    *float64 `json:"false_fail,omitempty"`
	FalseFailHow string   `json:"false_fail_how,omitempty"`
	Note         string   `json:"note,omitempty"`
}

// AtFloor says that a truth did not come out, and that all of it that did not is
// what the machine alone does: whether the instrument is true there cannot be
// seen on this machine. It is no pass.
func (t *Truth) AtFloor() bool {
	hidden := func(p Part) bool { return !p.Pass && p.Machine != nil }
	wrong := func(p Part) bool { return !p.Pass && p.Machine == nil }
	return !t.Pass && slices.ContainsFunc(t.Parts, hidden) && !slices.ContainsFunc(t.Parts, wrong)
}

// Part is one number of a truth. It passes inside [Lo, Hi]; a bound that is
// nil does not bind.
type Part struct {
	Name     string   `json:"name"`
	Unit     string   `json:"unit,omitempty"`
	Truth    *float64 `json:"truth,omitempty"` // nil where only a bound is known
	Measured float64  `json:"measured"`
	Lo       *float64 `json:"lo,omitempty"`
	Hi       *float64 `json:"hi,omitempty"`
	Pass     bool     `json:"pass"`
	// Machine, where set, names the floor that keeps the part from passing: the
	// share of moments at which the machine alone was later than the bound,
	// measured beside by loops that do nothing but read the clock. The requests
	// were late no more often, and no later, than these explain.
	Machine *float64 `json:"machine,omitempty"`
}

// Excess is one point of measured minus true over rank.
type Excess struct {
	Series string  `json:"series"` // such as "exponential"
	Rank   float64 `json:"rank"`   // 0 to 1, by true time
	Us     float64 `json:"us"`
}

// CertificatePath is where this machine's certificate is kept, unless
// MEDUSA_CERTIFICATE names another file: in the user's cache folder, because it
// speaks for the machine and not for a folder.
func CertificatePath() (string, error) {
	if path := os.Getenv("MEDUSA_CERTIFICATE"); path != "" {
		return path, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for the certificate: %w; name one in MEDUSA_CERTIFICATE", err)
	}
	return filepath.Join(dir, "medusa", certificateFile), nil
}

// ReadCertificate reads a certificate. The error wraps os.ErrNotExist where
// there is none.
func ReadCertificate(path string) (*Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Certificate{}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	if err := checkVersion(path, c.SchemaVersion); err != nil {
		return nil, err
	}
	return c, nil
}

// Came says how many truths came out: "10 of 15 truths, 4 hidden by a floor that
// the machine has (lag, ...), 1 FAILED (stall)".
func (c *Certificate) Came() string {
	passed := 0
	var hidden, failed []string
	for i := range c.Truths {
		switch t := &c.Truths[i]; {
		case t.Pass:
			passed++
		case t.AtFloor():
			hidden = append(hidden, t.ID)
		default:
			failed = append(failed, t.ID)
		}
	}
	text := fmt.Sprintf("%d of %d truths", passed, len(c.Truths))
	if len(hidden) > 0 {
		text += fmt.Sprintf(", %d hidden by a floor that the machine has (%s)", len(hidden), strings.Join(hidden, ", "))
	}
	if len(failed) > 0 {
		text += fmt.Sprintf(", %d FAILED (%s)", len(failed), strings.Join(failed, ", "))
	}
	return text
}

// Failed says whether a truth did not come out that no floor of the machine
// explains.
func (c *Certificate) Failed() bool {
	return slices.ContainsFunc(c.Truths, func(t Truth) bool { return !t.Pass && !t.AtFloor() })
}

// Write writes a certificate, and the folders on the way to it.
func (c *Certificate) Write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("cannot write the certificate: %w", err)
	}
	stored := *c
	stored.SchemaVersion = SchemaVersion
	return replaceJSON(filepath.Dir(path), filepath.Base(path), stored)
}

// Age is how old the certificate was at a time.
func (c *Certificate) Age(at time.Time) time.Duration {
	return at.Sub(time.Unix(0, c.CreatedUnixNs))
}

// Elsewhere says in what the certificate's machine differs from another, one
// short phrase each; none when it speaks for it.
func (c *Certificate) Elsewhere(m Machine) []string {
	out := c.AnotherMachine(m)
	if c.Machine.BinarySHA256 != m.BinarySHA256 {
		out = append(out, "another medusa")
	}
	return out
}

// AnotherMachine is Elsewhere without the program: how long a CPU takes to
// wake, and what a quiet machine does, is no property of a medusa.
func (c *Certificate) AnotherMachine(m Machine) []string {
	var out []string
	for _, d := range []struct {
		what string
		same bool
	}{
		{"another CPU", c.Machine.CPUModel == m.CPUModel && c.Machine.CPUs == m.CPUs},
		{"another kernel", c.Machine.Kernel == m.Kernel},
		{"another system", c.Machine.OS == m.OS && c.Machine.Arch == m.Arch},
	} {
		if !d.same {
			out = append(out, d.what)
		}
	}
	return out
}

// readCertificate reads the copy in a run folder; nil where the run has none.
func (run *Run) readCertificate() error {
	c, err := ReadCertificate(filepath.Join(run.Dir, certificateFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	run.Certificate = c
	return err
}
