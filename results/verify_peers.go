package results

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// PeersFolder is where a run folder keeps the files that its suite's servers of
// other programs were configured with.
const PeersFolder = "peers"

// peers compares the files that the run folder keeps of servers of other
// programs with what the records say that they were started with. A run without
// such servers has none of this check.
func (v *Verification) peers(run *Run) {
	recorded := map[string]string{}
	var problems []string
	for i := range run.Records {
		r := &run.Records[i]
		if r.Server == nil || r.Server.Peer == nil {
			continue
		}
		for _, f := range r.Server.Peer.Files {
			if was, ok := recorded[f.Name]; ok && was != f.SHA256 {
				problems = append(problems, fmt.Sprintf("trial %d was made with another %s than a trial before", r.Trial, f.Name))
			}
			recorded[f.Name] = f.SHA256
		}
	}
	if len(recorded) == 0 {
		return
	}
	for _, name := range sortedKeys(recorded) {
		if !fs.ValidPath(name) {
			problems = append(problems, fmt.Sprintf("%q cannot name a file in a run folder", name))
			continue
		}
		text, err := os.ReadFile(filepath.Join(run.Dir, PeersFolder, filepath.FromSlash(name)))
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s/%s is not kept: %v", PeersFolder, name, err))
		} else if got := sha(text); got != recorded[name] {
			problems = append(problems, fmt.Sprintf("%s/%s has the SHA-256 %.12s, the trials were made with %.12s", PeersFolder, name, got, recorded[name]))
		}
	}
	v.conclude("peers", problems, "%s of other programs are those that the trials were made with", countOf(len(recorded), "file", "files"))
}
