package results

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// tornFile keeps what a kill left of lines of trials.jsonl, one a line. Nobody
// reads it back.
const tornFile = "trials.jsonl.torn"

// Reopen takes a run folder over in order to go on with a run that was cut
// off, be it before its first record. It refuses a folder that another process
// writes into, one whose plan or suite was changed, and records that no kill
// explains. Nothing is changed before Begin; nothing is appended before it.
func Reopen(dir string) (w *Writer, run *Run, err error) {
	path := filepath.Join(dir, trialsFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := read(dir); err != nil {
			return nil, nil, err
		}
		return nil, nil, fmt.Errorf("cannot go on with a run whose records are compressed: gunzip %s%s first", path, packedSuffix)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot go on with the run: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := lock(f, unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil, fmt.Errorf("%w into %s", errWriting, dir)
	} else if err != nil {
		return nil, nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	if run, err = read(dir); err != nil {
		return nil, nil, err
	}
	if err := run.resumable(); err != nil {
		return nil, nil, fmt.Errorf("cannot go on with the run in %s: %w", dir, err)
	}
	w = &Writer{dir: dir, trials: f, size: run.whole, lastTrial: len(run.Records), env: run.Environment, run: run}
	w.broken = fmt.Errorf("%s was taken over, but no session was begun", dir)
	return w, run, nil
}

// resumable says why a run that can be read cannot be gone on with.
func (run *Run) resumable() error {
	plan, err := os.ReadFile(filepath.Join(run.Dir, planFile))
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name    string
		content []byte
		want    string
	}{{suiteFile, run.SuiteYAML, run.Stamp.SuiteSHA256}, {planFile, plan, run.Stamp.PlanSHA256}} {
		if sha(f.content) != f.want {
			return fmt.Errorf("%s was changed after the run was made", f.name)
		}
	}
	for i := range run.Records {
		if n := run.Records[i].Trial; n != i+1 {
			return fmt.Errorf("line %d of %s has trial %d: a record is missing or out of order", i+1, trialsFile, n)
		}
	}
	return nil
}

// Begin opens a session on a folder that Reopen took over: what a kill left of
// a line is set aside, the session is noted, and trials can be appended.
func (w *Writer) Begin(s Session) error {
	if err := w.setTornAside(); err != nil {
		return fmt.Errorf("cannot set the torn line of %s aside: %w", filepath.Join(w.dir, trialsFile), err)
	}
	s.FromTrial = w.lastTrial + 1
	w.env.Resumed = append(w.env.Resumed[:len(w.env.Resumed):len(w.env.Resumed)], s)
	w.env.After, w.env.Done = nil, false
	if err := replaceJSON(w.dir, environmentFile, w.env); err != nil {
		return err
	}
	// A report of what there was before would soon contradict the records.
	if err := os.Remove(filepath.Join(w.dir, reportFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot remove the report of what was measured before: %w", err)
	}
	w.broken = nil
	return nil
}

// setTornAside moves what follows the last whole record to tornFile. A kill in
// the middle may leave it in both files, and the next session moves it again.
func (w *Writer) setTornAside() error {
	rest := make([]byte, 1<<10)
	var torn bytes.Buffer
	for at := w.size; ; {
		n, err := w.trials.ReadAt(rest, at)
		torn.Write(rest[:n])
		at += int64(n)
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	if len(bytes.TrimSpace(torn.Bytes())) > 0 {
		if err := keep(filepath.Join(w.dir, tornFile), append(torn.Bytes(), '\n')); err != nil {
			return err
		}
		if err := syncFolder(w.dir); err != nil {
			return err
		}
	}
	if err := w.trials.Truncate(w.size); err != nil {
		return err
	}
	if w.run.unended { // only the end of the line was lost
		if _, err := w.trials.WriteString("\n"); err != nil {
			return err
		}
		w.size++
	}
	return w.trials.Sync()
}

// keep appends to a file and returns when that is on the disk.
func keep(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// DropHistogram removes a latency log that belongs to no record: that of a
// trial which a kill cut off. The trial that takes its number writes a file of
// its own, even while the orphan of the old one still holds this one open.
func (w *Writer) DropHistogram(id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	if err := os.Remove(histogramPath(w.dir, id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot remove the latency log of a trial that was cut off: %w", err)
	}
	return nil
}

// Whole reports whether nothing of the plan is left to do. A run of before that
// was noted is whole when it has all its trials and was ended in order.
func (run *Run) Whole() bool {
	return run.Environment.Done || run.Plan.Asked == nil && run.Environment.After != nil && len(run.unrecorded()) == 0
}

// Changed says in what a machine is not as it was when the run was last worked
// on, one short phrase each.
func (run *Run) Changed(now Machine) []string { return run.Environment.last().Changes(now) }

// resumedText says in one line how often a run was gone on with; "" for never.
func resumedText(e Environment) string {
	if len(e.Resumed) == 0 {
		return ""
	}
	var from []string
	changed := 0
	for _, s := range e.Resumed {
		from = append(from, fmt.Sprint(s.FromTrial))
		if len(s.Changed) > 0 {
			changed++
		}
	}
	text := "cut off and resumed " + countOf(len(from), "time", "times") + ", before trial " + strings.Join(from, ", ")
	if changed == 0 {
		return text + ", each time with the same binary on the same machine"
	}
	return text + fmt.Sprintf("; %s although something had changed (see the notes at the top)", countOf(changed, "time", "times"))
}
