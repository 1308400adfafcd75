package experiments

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"

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
}

// asked is what these options ask for.
func (o Options) asked() (json.RawMessage, error) {
	return json.Marshal(asked{
		Request: o.Request, ServerBinary: found(o.ServerBinary, o.ServerVia), LoadBinary: found(o.LoadBinary, o.LoadVia),
		ServerVia: o.ServerVia, LoadVia: o.LoadVia, Address: o.Address, LoadBackend: o.LoadBackend,
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

// AsAsked returns these options with the suite and everything else that a run
// was asked for, in place of their own. The error is for a run that does not
// say it, or whose suite this program cannot read.
func (o Options) AsAsked(run *results.Run) (Options, error) {
	if run.Plan.Asked == nil {
		return o, fmt.Errorf("%s was made by a medusa that did not keep what a run was asked for", run.Dir)
	}
	var a asked
	if err := json.Unmarshal(run.Plan.Asked, &a); err != nil {
		return o, fmt.Errorf("%s: what the run was asked for cannot be read: %w", run.Dir, err)
	}
	suite, err := Parse("suite.yaml", run.SuiteYAML)
	if err != nil {
		return o, fmt.Errorf("the suite of %s cannot be read by this medusa: %w", run.Dir, err)
	}
	o.Suite, o.Request = suite, a.Request
	o.Command = run.Plan.Command
	o.ServerBinary, o.LoadBinary, o.ServerVia, o.LoadVia = a.ServerBinary, a.LoadBinary, a.ServerVia, a.LoadVia
	o.Address, o.LoadBackend = a.Address, a.LoadBackend
	return o, nil
}
