package results

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Run is a run folder as it was read.
type Run struct {
	Dir         string
	Stamp       Stamp
	SuiteYAML   []byte
	Plan        Plan // up to where the run ended because its goal was reached
	Planned     Plan // as it was made
	Environment Environment
	Certificate *Certificate // of the machine, when the run began; nil: it had none
	Records     []Record     // in order of execution
	// Torn counts lines that a kill in the middle of a write cut short: 0
	// or 1. They are set aside.
	Torn int
	// Notes are sentences about what is not as after a whole run: it was cut
	// off, a line is torn, a file was changed, it was resumed on another
	// machine. Empty for a whole run.
	Notes []string

	whole   int64 // bytes of trials.jsonl up to the end of its last whole record
	unended bool  // that record lacks the end of its line
}

// ErrNoTrials is wrapped by the error of Open for a run that was cut off
// before its first trial was recorded.
var ErrNoTrials = errors.New("no trial was recorded")

// Open reads a run folder. It accepts what a kill at any moment leaves behind,
// as long as one trial was recorded, and every schema version up to
// SchemaVersion.
func Open(dir string) (*Run, error) {
	run, err := read(dir)
	if err != nil {
		return nil, err
	}
	if len(run.Records) == 0 {
		return nil, fmt.Errorf("%s: the run was cut off before its first trial had ended: %w", dir, ErrNoTrials)
	}
	return run, nil
}

// read reads a run folder, which may have no record yet.
func read(dir string) (*Run, error) {
	run := &Run{Dir: dir}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("cannot open the run: %w", err)
	}
	manifest, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, trialsFile)); err == nil {
			return nil, fmt.Errorf("%s: the run was cut off before it began: %w", dir, ErrNoTrials)
		}
		return nil, fmt.Errorf("%s is not a run folder: it has no %s", dir, manifestFile)
	} else if err != nil {
		return nil, fmt.Errorf("cannot open the run: %w", err)
	}
	if err := decode(dir, manifestFile, manifest, &run.Stamp); err != nil {
		return nil, err
	}
	if err := checkVersion(filepath.Join(dir, manifestFile), run.Stamp.SchemaVersion); err != nil {
		return nil, err
	}
	plan, err := run.readFiles()
	if err != nil {
		return nil, err
	}
	if err := run.readTrials(); err != nil {
		return nil, err
	}
	run.Planned, run.Plan = run.Plan, run.Plan.upToStop(run.Records)
	run.note(plan)
	return run, nil
}

// readFiles reads all but the manifest and the trials, and returns the bytes
// of the plan.
func (run *Run) readFiles() (plan []byte, err error) {
	if run.SuiteYAML, err = os.ReadFile(filepath.Join(run.Dir, suiteFile)); err != nil {
		return nil, fmt.Errorf("the run folder is not whole: %w", err)
	}
	if plan, err = os.ReadFile(filepath.Join(run.Dir, planFile)); err != nil {
		return nil, fmt.Errorf("the run folder is not whole: %w", err)
	}
	if err := decode(run.Dir, planFile, plan, &run.Plan); err != nil {
		return nil, err
	}
	if err := checkVersion(filepath.Join(run.Dir, planFile), run.Plan.SchemaVersion); err != nil {
		return nil, err
	}
	environment, err := os.ReadFile(filepath.Join(run.Dir, environmentFile))
	if err != nil {
		return nil, fmt.Errorf("the run folder is not whole: %w", err)
	}
	if err := run.readCertificate(); err != nil {
		return nil, err
	}
	return plan, decode(run.Dir, environmentFile, environment, &run.Environment)
}

func decode(dir, name string, b []byte, into any) error {
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("cannot read %s: %w", filepath.Join(dir, name), err)
	}
	return nil
}

func checkVersion(where string, version int) error {
	switch {
	case version < 1:
		return fmt.Errorf("%s has no schema_version: it was not written by medusa", where)
	case version > SchemaVersion:
		return fmt.Errorf("%s has schema version %d, this medusa knows versions up to %d: read it with a newer medusa", where, version, SchemaVersion)
	}
	return nil
}

// readTrials reads all records. A last line without its end that is no JSON is
// torn; any other line that cannot be read is an error, as a kill cannot
// explain it.
func (run *Run) readTrials() error {
	path, f, err := openTrials(run.Dir)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return fmt.Errorf("cannot read %s: %w", path, err)
		}
		cut := err == io.EOF
		if len(bytes.TrimSpace(line)) > 0 {
			var r Record
			where := fmt.Sprintf("%s:%d", path, number)
			if err := json.Unmarshal(line, &r); err != nil {
				if cut {
					run.Torn++
					return nil
				}
				return fmt.Errorf("%s cannot be read: %w", where, err)
			}
			if err := checkVersion(where, r.SchemaVersion); err != nil {
				return err
			}
			run.Records = append(run.Records, r)
			run.unended = cut
		}
		run.whole += int64(len(line))
		if cut {
			return nil
		}
	}
}

// openTrials opens the records of a run folder: trials.jsonl, or trials.jsonl.gz
// where somebody who keeps the run has compressed them, which takes an eighth of
// the space.
func openTrials(dir string) (path string, r io.ReadCloser, err error) {
	path = filepath.Join(dir, trialsFile)
	f, err := os.Open(path)
	if err == nil {
		return path, f, nil
	}
	packed, err2 := os.Open(path + packedSuffix)
	if err2 != nil {
		return path, nil, fmt.Errorf("the run folder is not whole: %w", err)
	}
	path += packedSuffix
	z, err := gzip.NewReader(packed)
	if err != nil {
		packed.Close()
		return path, nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return path, unpacking{z, packed}, nil
}

// unpacking reads a compressed file.
type unpacking struct {
	io.Reader
	file io.Closer
}

func (u unpacking) Close() error { return u.file.Close() }

// note says what is not as it should be after a whole run.
func (run *Run) note(plan []byte) {
	if run.Torn > 0 {
		run.Notes = append(run.Notes, "the last line of "+trialsFile+" is torn: the trial that was being written when the run was killed is set aside")
	}
	if missing := len(run.unrecorded()); missing > 0 {
		run.Notes = append(run.Notes, fmt.Sprintf("the run was cut off: %d of %d planned trials are recorded", len(run.Plan.Trials)-missing, len(run.Plan.Trials)))
	} else if run.Environment.After == nil {
		run.Notes = append(run.Notes, "the run was killed after its last trial: the machine's state after it is unknown")
	}
	for _, s := range run.Environment.Resumed {
		if len(s.Changed) > 0 {
			run.Notes = append(run.Notes, fmt.Sprintf("from trial %d on the run was resumed although something had changed: %s", s.FromTrial, strings.Join(s.Changed, "; ")))
		}
	}
	if sha(run.SuiteYAML) != run.Stamp.SuiteSHA256 {
		run.Notes = append(run.Notes, suiteFile+" was changed after the run was made")
	}
	if sha(plan) != run.Stamp.PlanSHA256 {
		run.Notes = append(run.Notes, planFile+" was changed after the run was made")
	}
}

// place names a planned trial: attempts of one share it.
type place struct {
	grid                       string
	block, miniBlock, position int
	role                       string
}

func (r *Record) planned() place {
	return place{r.Grid, r.Block, r.MiniBlock, r.Position, r.Role}
}

func (t *PlannedTrial) place() place {
	return place{t.Grid, t.Block, t.MiniBlock, t.Position, t.Role}
}

// unrecorded returns the planned trials that have no record.
func (run *Run) unrecorded() []PlannedTrial {
	have := map[place]bool{}
	for i := range run.Records {
		have[run.Records[i].planned()] = true
	}
	var missing []PlannedTrial
	for _, t := range run.Plan.Trials {
		if !have[t.place()] {
			missing = append(missing, t)
		}
	}
	return missing
}
