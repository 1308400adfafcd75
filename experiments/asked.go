package experiments

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"medusa/results"
)

// asked is what a run was asked for beside its suite. It is kept in the plan,
// so that a run can be gone on with, and made again, without being told again.
type asked struct {
	Request
	ServerBinary string `json:"server_binary,omitempty"`
	LoadBinary   string `json:"load_binary,omitempty"`
	ServerVia    string `json:"server_via,omitempty"`
	LoadVia      string `json:"load_via,omitempty"`
	Address      string `json:"address,omitempty"`
	LoadBackend  string `json:"load_backend,omitempty"`
	// SuiteDir is where the suite's file was: a trace that it names is
	// relative to that.
	SuiteDir string `json:"suite_dir,omitempty"`
}

// asked is what these options ask for.
func (o Options) asked() (json.RawMessage, error) {
	dir := ""
	if o.Suite != nil && o.Suite.Dir != "" {
		var err error
		if dir, err = filepath.Abs(o.Suite.Dir); err != nil {
			return nil, fmt.Errorf("where the suite is: %w", err)
		}
	}
	return json.Marshal(asked{
		Request: o.Request, ServerBinary: found(o.ServerBinary, o.ServerVia), LoadBinary: found(o.LoadBinary, o.LoadVia),
		ServerVia: o.ServerVia, LoadVia: o.LoadVia, Address: o.Address, LoadBackend: o.LoadBackend, SuiteDir: dir,
	})
}

// found is a binary's file as it is found from any folder. What a prefix
// starts may be on another machine, and stays as it is.
func found(binary, via string) string {
	if binary == "" || via != "" {
		return binary
	}
	path, err := exec.LookPath(binary)
	if err != nil {
		return binary
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// askedOf is what a run was asked for: as its plan has it, or, of a run of
// before that was kept, as its command line says.
func askedOf(p *results.Plan) (a asked, err error) {
	if p.Asked != nil {
		return a, json.Unmarshal(p.Asked, &a)
	}
	words, err := splitWords(p.Command)
	if err != nil {
		return a, err
	}
	if len(words) < 3 || words[1] != "run" || len(words)%2 == 0 {
		return a, fmt.Errorf("its command line is %q", p.Command)
	}
	for i := 3; i < len(words); i += 2 {
		flag, value := words[i], words[i+1]
		switch flag {
		case "--only":
			a.Only = append(a.Only, value)
		case "--set":
			a.Set = append(a.Set, value)
		case "--blocks":
			a.Blocks, err = strconv.Atoi(value)
		case "--budget":
			a.Budget, err = time.ParseDuration(value)
		case "--seed":
			a.Seed = new(uint64)
			*a.Seed, err = strconv.ParseUint(value, 10, 64)
		case "--server-via":
			a.ServerVia = value
		case "--load-via":
			a.LoadVia = value
		case "--server-binary":
			a.ServerBinary = value
		case "--address":
			a.Address = value
		case "--load-backend":
			a.LoadBackend = value
		default:
			err = errors.New("unknown flag")
		}
		if err != nil {
			return a, fmt.Errorf("its command line is %q: %s %s: %w", p.Command, flag, value, err)
		}
	}
	return a, nil
}

// AsAsked returns these options with the suite and everything else that a run
// was asked for, in place of their own. The error is for a run that does not
// say it, or whose suite this program cannot read.
func (o Options) AsAsked(run *results.Run) (Options, error) {
	a, err := askedOf(&run.Plan)
	if err != nil {
		return o, fmt.Errorf("%s does not say what the run was asked for: %w", run.Dir, err)
	}
	suite, err := parseIn(run.Dir, "suite.yaml", run.SuiteYAML) // with the files of other servers that are kept there
	if err != nil {
		return o, fmt.Errorf("the suite of %s cannot be read by this medusa: %w", run.Dir, err)
	}
	if a.SuiteDir != "" {
		suite.Dir = a.SuiteDir
	}
	o.Suite, o.Request = suite, a.Request
	o.Command = run.Plan.Command
	o.ServerBinary, o.LoadBinary, o.ServerVia, o.LoadVia = a.ServerBinary, a.LoadBinary, a.ServerVia, a.LoadVia
	o.Address, o.LoadBackend = a.Address, a.LoadBackend
	return o, nil
}
