package results

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Verification is what Verify found.
type Verification struct {
	Dir    string
	Checks []Check
}

// Check is one thing that was compared, said in one line.
type Check struct {
	Name   string // "suite", "trials", "metrics", ...
	Status CheckStatus
	Line   string
}

// CheckStatus is how a check ended.
type CheckStatus string

const (
	Pass   CheckStatus = "pass"
	Fail   CheckStatus = "fail"
	Notice CheckStatus = "notice" // not as in a whole run, and nothing is wrong: a run cut off, files not kept
)

// OK reports whether no check failed.
func (v *Verification) OK() bool {
	return !slices.ContainsFunc(v.Checks, func(c Check) bool { return c.Status == Fail })
}

func (v *Verification) add(name string, status CheckStatus, format string, args ...any) {
	v.Checks = append(v.Checks, Check{name, status, fmt.Sprintf(format, args...)})
}

// conclude adds a check that fails with the first of its problems and their
// number, or passes.
func (v *Verification) conclude(name string, problems []string, format string, args ...any) {
	switch len(problems) {
	case 0:
		v.add(name, Pass, format, args...)
	case 1:
		v.add(name, Fail, "%s", problems[0])
	default:
		v.add(name, Fail, "%s (and %d more)", problems[0], len(problems)-1)
	}
}

// Verify recomputes a run folder from its raw parts: the hashes of what was
// asked, the order of the trials, each record's metrics and verdict, the
// counts of the latency logs, and the numbers behind the figures. The error is
// that of Open: a folder that cannot be read cannot be checked.
func Verify(dir string) (*Verification, error) {
	run, err := Open(dir)
	if err != nil {
		return nil, err
	}
	v := &Verification{Dir: dir}
	if err := v.hashes(run); err != nil {
		return nil, err
	}
	v.order(run)
	v.plan(run)
	v.schedules(run)
	v.derived(run)
	v.histograms(run)
	v.peers(run)
	if err := v.figures(run); err != nil {
		return nil, err
	}
	return v, nil
}

// hashes compares suite and plan with the manifest, and the manifest with the
// environment.
func (v *Verification) hashes(run *Run) error {
	plan, err := os.ReadFile(filepath.Join(run.Dir, planFile))
	if err != nil {
		return fmt.Errorf("cannot verify the plan: %w", err)
	}
	for _, f := range []struct {
		name, file, want string
		content          []byte
	}{{"suite", suiteFile, run.Stamp.SuiteSHA256, run.SuiteYAML}, {"plan", planFile, run.Stamp.PlanSHA256, plan}} {
		if got := sha(f.content); got != f.want {
			v.add(f.name, Fail, "%s was changed after the run was made: its SHA-256 is %.12s, the manifest has %.12s", f.file, got, f.want)
		} else {
			v.add(f.name, Pass, "%s is the one that the run was made from (SHA-256 %.12s)", f.file, got)
		}
	}
	before, after := run.Environment.Before, run.Environment.After
	var problems []string
	if before.BinarySHA256 != run.Stamp.BinarySHA256 {
		problems = append(problems, "the manifest and the environment name different binaries of medusa")
	}
	if last := run.Environment.last(); after != nil && after.BinarySHA256 != last.BinarySHA256 {
		problems = append(problems, "the binary of medusa was replaced during the run")
	}
	declared := false
	was := before
	for _, s := range run.Environment.Resumed {
		if s.Machine.BinarySHA256 != was.BinarySHA256 {
			declared = true
			if len(s.Changed) == 0 {
				problems = append(problems, fmt.Sprintf("from trial %d on another binary of medusa made the run, and the session does not say so", s.FromTrial))
			}
		}
		was = s.Machine
	}
	if declared && len(problems) == 0 {
		v.add("binary", Notice, "several binaries made the run, the first with SHA-256 %.12s: it was resumed although that had changed", run.Stamp.BinarySHA256)
		return nil
	}
	v.conclude("binary", problems, "one binary made the run (SHA-256 %.12s)", run.Stamp.BinarySHA256)
	return nil
}

// order checks that trials are numbered from 1 without a gap, and that each has
// an ID of its own.
func (v *Verification) order(run *Run) {
	var problems []string
	ids := map[string]int{}
	for i := range run.Records {
		r := &run.Records[i]
		if r.Trial != i+1 {
			problems = append(problems, fmt.Sprintf("line %d of %s has trial %d: a record is missing or out of order", i+1, trialsFile, r.Trial))
			break // all that follow are off too
		}
		if err := checkID(r.ID); err != nil {
			problems = append(problems, err.Error())
		} else if other, ok := ids[r.ID]; ok {
			problems = append(problems, fmt.Sprintf("trials %d and %d have the same ID %s", other, r.Trial, r.ID))
		}
		ids[r.ID] = r.Trial
	}
	v.conclude("trials", problems, "%d records, numbered without a gap", len(run.Records))
	v.sessions(run)
	if run.Torn > 0 {
		v.add("torn", Notice, "the last line of %s is torn and was set aside: the run was killed while it wrote a record", trialsFile)
	}
}

// plan compares each record with what was planned, and the plan with what was
// recorded.
func (v *Verification) plan(run *Run) {
	planned := map[place]*PlannedTrial{}
	for i := range run.Plan.Trials {
		planned[run.Plan.Trials[i].place()] = &run.Plan.Trials[i]
	}
	var problems []string
	last := 0 // the largest index of the plan that has a record
	for i := range run.Records {
		r := &run.Records[i]
		t := planned[r.planned()]
		switch {
		case t == nil:
			problems = append(problems, fmt.Sprintf("trial %d was not planned (grid %s, block %d, mini-block %d, position %d)", r.Trial, r.Grid, r.Block, r.MiniBlock, r.Position))
			continue
		case r.Level != t.Level || !sameLevels(r.Factors, t.Factors):
			problems = append(problems, fmt.Sprintf("trial %d has other levels than its place in the plan", r.Trial))
		case r.ScheduleSeed != t.ScheduleSeed:
			problems = append(problems, fmt.Sprintf("trial %d has another schedule seed than its place in the plan", r.Trial))
		}
		last = max(last, t.Index)
	}
	problems = append(problems, v.attempts(run)...)
	missing := run.unrecorded()
	for _, t := range missing {
		if t.Index < last {
			problems = append(problems, fmt.Sprintf("planned trial %d has no record, but trial %d has", t.Index, last))
		}
	}
	v.conclude("order", problems, "every record stands where the plan has it")
	if len(missing) > 0 {
		v.add("whole", Notice, "the run was cut off: %d of %d planned trials are recorded", len(run.Plan.Trials)-len(missing), len(run.Plan.Trials))
	} else {
		v.add("whole", Pass, "all %d planned trials are recorded", len(run.Plan.Trials))
	}
}

// sameLevels compares levels as they are written: a plan made in memory has
// integers where a plan that was read has floats.
func sameLevels(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for name, level := range a {
		other, ok := b[name]
		if !ok || LevelText(level) != LevelText(other) {
			return false
		}
	}
	return true
}

// schedules checks that the open loops of a mini-block replayed one schedule
// where they were asked for the same one.
func (v *Verification) schedules(run *Run) {
	type asked struct {
		miniBlock  int
		role       string
		seed       uint64
		arrivals   string
		trace      string
		rate       float64
		durationNs int64
	}
	first := map[asked]*Record{}
	var problems []string
	compared := 0
	for i := range run.Records {
		r := &run.Records[i]
		l := r.Load
		if l == nil || l.Mode == modeClosed || l.ScheduleHash == "" {
			continue
		}
		key := asked{r.MiniBlock, r.Role, l.Seed, l.Arrivals, l.TraceSHA256, l.IntendedRate, l.DurationNs}
		if other := first[key]; other == nil {
			first[key] = r
		} else if compared++; other.Load.ScheduleHash != l.ScheduleHash {
			problems = append(problems, fmt.Sprintf("trials %d and %d of mini-block %d were to replay one schedule and did not", other.Trial, r.Trial, r.MiniBlock))
		}
	}
	if compared > 0 {
		v.conclude("schedules", problems, "%d trials replayed the arrival schedule of their mini-block", compared)
	}
}

// figures compares the numbers behind each figure with those computed now.
func (v *Verification) figures(run *Run) error {
	if _, err := os.Stat(filepath.Join(run.Dir, figuresFolder)); errors.Is(err, os.ErrNotExist) {
		v.add("figures", Notice, "there are no figures yet: `medusa report %s` draws them", run.Dir)
		return nil
	}
	if _, err := os.Stat(filepath.Join(run.Dir, reportFile)); errors.Is(err, os.ErrNotExist) {
		v.add("figures", Notice, "there is no report: the figures are those of an earlier one, or of one that could not be written; `medusa report %s` draws them", run.Dir)
		return nil
	}
	computed, err := FigureCSVs(run)
	if err != nil {
		return fmt.Errorf("cannot compute the figures again: %w", err)
	}
	var problems []string
	for _, name := range sortedKeys(computed) {
		stored, err := os.ReadFile(filepath.Join(run.Dir, name))
		switch {
		case errors.Is(err, os.ErrNotExist):
			problems = append(problems, name+" is missing")
		case err != nil:
			return fmt.Errorf("cannot verify the figures: %w", err)
		case !bytes.Equal(stored, computed[name]):
			problems = append(problems, fmt.Sprintf("%s differs from what the records give, first in line %d", name, firstDifference(stored, computed[name])))
		}
	}
	v.conclude("figures", problems, "the numbers behind %d figures are those that the records give", len(computed))
	return nil
}

// firstDifference returns the first line, from 1, in which two texts differ.
func firstDifference(a, b []byte) int {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return i + 1
		}
	}
	return min(len(x), len(y)) + 1
}
