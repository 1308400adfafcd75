package results

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The files of a run folder.
const (
	suiteFile       = "suite.yaml"       // as the user wrote it
	planFile        = "plan.json"        // the suite expanded and ordered
	environmentFile = "environment.json" // the machine before and, when the run has ended, after
	manifestFile    = "manifest.json"    // hashes of the suite and the plan; written last by Create
	trialsFile      = "trials.jsonl"     // one record a line
	packedSuffix    = ".gz"              // of trialsFile, where a run that is kept was compressed with gzip(1)
	latencyFolder   = "latency"          // one HdrHistogram log a trial
)

// Manifest is what a new run folder is made from.
type Manifest struct {
	SuiteYAML []byte // as the user wrote it
	Plan      Plan
	Before    Machine // the machine before the first trial
	// Certificate is the machine's; nil where it was never calibrated.
	Certificate *Certificate
	// Doctor is what the machine was found to be like; nil where nobody looked.
	Doctor *Checkup
	// Files are what the suite names, such as the configurations of the
	// servers that it compares, by relative names with slashes.
	Files map[string][]byte
}

// Stamp is the content of manifest.json: what the run was made from. It is
// written last when a run folder is created, so a folder that has it is
// complete.
type Stamp struct {
	SchemaVersion int    `json:"schema_version"`
	CreatedUnixNs int64  `json:"created_unix_ns"`
	SuiteSHA256   string `json:"suite_sha256"`  // of suite.yaml
	PlanSHA256    string `json:"plan_sha256"`   // of plan.json
	BinarySHA256  string `json:"binary_sha256"` // of the medusa that made the run
}

// Writer adds records to a run folder. It is used by one goroutine.
type Writer struct {
	dir       string
	trials    *os.File // holds the folder's lock
	size      int64    // of trials.jsonl, up to its last whole record
	lastTrial int
	env       Environment
	run       *Run  // as it was when the folder was taken over; nil for a new one
	broken    error // an earlier write failed
}

// Create makes a run folder. The folder may exist if it is empty; a folder
// that holds anything is refused, as is one that another process is creating
// at the same moment. Of two processes one gets it: trials.jsonl is created
// exclusively, and locked for as long as the Writer is open.
func Create(dir string, m Manifest) (w *Writer, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("cannot make the run folder: %w", err)
	}
	if err := refuseUsed(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, trialsFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o666)
	if errors.Is(err, os.ErrExist) {
		return nil, inUse(dir)
	} else if err != nil {
		return nil, fmt.Errorf("cannot make the run folder: %w", err)
	}
	defer func() {
		if err != nil { // what is half made would only be refused later
			f.Close()
			for _, name := range []string{manifestFile, certificateFile, environmentFile, planFile, suiteFile, trialsFile} {
				os.Remove(filepath.Join(dir, name))
			}
			for name := range m.Files {
				first, _, _ := strings.Cut(name, "/")
				if fs.ValidPath(name) && name != "." {
					os.RemoveAll(filepath.Join(dir, first))
				}
			}
		}
	}()
	if err := lock(f, unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}

	m.Plan.SchemaVersion = SchemaVersion
	plan, err := json.MarshalIndent(m.Plan, "", " ")
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", planFile, err)
	}
	plan = append(plan, '\n')
	if err := replaceFile(dir, suiteFile, m.SuiteYAML); err != nil {
		return nil, err
	}
	if err := replaceFile(dir, planFile, plan); err != nil {
		return nil, err
	}
	before := Environment{Before: m.Before, Doctor: m.Doctor}
	if err := replaceJSON(dir, environmentFile, before); err != nil {
		return nil, err
	}
	if m.Certificate != nil {
		if err := m.Certificate.Write(filepath.Join(dir, certificateFile)); err != nil {
			return nil, err
		}
	}
	if err := attach(dir, m.Files); err != nil {
		return nil, err
	}
	stamp := Stamp{
		SchemaVersion: SchemaVersion,
		CreatedUnixNs: time.Now().UnixNano(),
		SuiteSHA256:   sha(m.SuiteYAML),
		PlanSHA256:    sha(plan),
		BinarySHA256:  m.Before.BinarySHA256,
	}
	if err := replaceJSON(dir, manifestFile, stamp); err != nil {
		return nil, err
	}
	return &Writer{dir: dir, trials: f, env: before}, nil
}

// refuseUsed returns why a run cannot be put into an existing folder.
func refuseUsed(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot read the run folder: %w", err)
	}
	for _, e := range entries {
		if e.Name() == trialsFile {
			return inUse(dir)
		}
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty (it holds %s): choose another folder with --out", dir, entries[0].Name())
	}
	return nil
}

// errWriting is said of a folder whose lock another process has.
var errWriting = errors.New("another medusa is writing a run")

// inUse tells a run that is being made from one that was made.
func inUse(dir string) error {
	f, err := os.Open(filepath.Join(dir, trialsFile))
	if err == nil {
		defer f.Close()
		if errors.Is(lock(f, unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK) {
			return fmt.Errorf("%w into %s: choose another folder with --out", errWriting, dir)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, manifestFile)); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s holds a run that was cut off before it began: remove it, or choose another folder with --out", dir)
	}
	return fmt.Errorf("%s holds a run already: choose another folder with --out, or go on with it: medusa run --resume %s", dir, dir)
}

// lock is flock(2). File systems without it (some network ones) are let pass:
// exclusive creation still lets only one process in.
func lock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOLCK):
			return nil
		default:
			return err
		}
	}
}

// Dir returns the run folder.
func (w *Writer) Dir() string { return w.dir }

// Append adds one record and returns when it is on the disk (fsync). Trials
// come in rising order. After an error nothing more is accepted; the records
// before it are whole.
func (w *Writer) Append(r *Record) error {
	if w.broken != nil {
		return w.broken
	}
	if r.Trial <= w.lastTrial {
		return fmt.Errorf("trial %d cannot follow trial %d in %s", r.Trial, w.lastTrial, w.dir)
	}
	if err := checkID(r.ID); err != nil {
		return err
	}
	stored := *r
	stored.SchemaVersion = SchemaVersion
	line, err := json.Marshal(&stored)
	if err != nil {
		return fmt.Errorf("trial %d cannot be written as JSON: %w", r.Trial, err)
	}
	line = append(line, '\n')
	// One write, so that a kill can cut only this line.
	_, err = w.trials.Write(line)
	if err == nil {
		err = w.trials.Sync()
	}
	if err != nil {
		w.takeBack()
		w.broken = fmt.Errorf("cannot write %s: %w", filepath.Join(w.dir, trialsFile), err)
		return w.broken
	}
	w.size += int64(len(line))
	w.lastTrial = r.Trial
	return nil
}

// takeBack removes what a failed write left of its line, such as the half that
// fitted on a full disk. Where even that fails the line is read as torn.
func (w *Writer) takeBack() { _ = w.trials.Truncate(w.size) }

// HistogramPath returns where the latency log of a trial belongs and makes its
// folder. The load process writes the file itself.
func (w *Writer) HistogramPath(id string) (string, error) {
	if err := checkID(id); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(w.dir, latencyFolder), 0o777); err != nil {
		return "", fmt.Errorf("cannot make the folder for latency logs: %w", err)
	}
	return histogramPath(w.dir, id), nil
}

func histogramPath(dir, id string) string {
	return filepath.Join(dir, latencyFolder, id+".hlog")
}

// checkID refuses an ID that cannot name a file on every system.
func checkID(id string) error {
	if id == "" || id[0] == '.' || strings.ContainsFunc(id, func(c rune) bool {
		return !(c == '-' || c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}) {
		return fmt.Errorf("trial ID %q cannot name a file: use letters, digits, '-', '_' and '.'", id)
	}
	return nil
}

// Finish writes the machine after the last trial and closes the folder. A run
// that is interrupted is finished too; without Finish it is still readable.
func (w *Writer) Finish(after Machine) error {
	w.env.After = &after
	err := replaceJSON(w.dir, environmentFile, w.env)
	if closed := w.Close(); err == nil {
		err = closed
	}
	return err
}

// Done notes that nothing of the plan is left to do. Finish writes it.
func (w *Writer) Done() { w.env.Done = true }

// Close gives the folder up without the machine's state after the run.
func (w *Writer) Close() error {
	// Unlocking by hand frees the folder at once, even while a process that
	// is just being started still has a copy of the descriptor.
	_ = lock(w.trials, unix.LOCK_UN)
	if err := w.trials.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("cannot close %s: %w", filepath.Join(w.dir, trialsFile), err)
	}
	return nil
}

func replaceJSON(dir, name string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Join(dir, name), err)
	}
	return replaceFile(dir, name, append(b, '\n'))
}

// replaceFile writes a file so that a reader, after a kill at any moment,
// finds the old content or the new one and nothing between.
func replaceFile(dir, name string, content []byte) (err error) {
	path := filepath.Join(dir, name)
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot write %s: %w", path, err)
		}
	}()
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer os.Remove(path + ".new") // gone already when all went well
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFolder(dir)
}

// syncFolder returns when the names in a folder are on the disk.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) { // some file systems cannot sync a folder
		return err
	}
	return nil
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
