package doctor

import (
	"fmt"
	"strings"

	"medusa/results"
)

// suites says what of the suites cannot be run here.
func suites(f *Facts, needs []Needs) answer {
	var whole, parts []string
	for _, n := range needs {
		switch {
		case n.Stop != nil:
			parts = append(parts, n.Suite+" not at all ("+n.Stop.Error()+")")
		case n.LostCells > 0:
			parts = append(parts, fmt.Sprintf("%s without %s (%s)", n.Suite, things(n.LostCells, "cell"), n.LostWhy))
		default:
			whole = append(whole, n.Suite)
		}
	}
	found := "can be run whole: " + strings.Join(whole, ", ")
	if len(whole) == 0 {
		found = "none can be run whole"
	}
	if len(needs) == 1 && needs[0].Stop != nil {
		return stop(needs[0].Suite, needs[0].Stop.Error(), "./medusa run "+needs[0].Suite+" --dry-run says what is skipped, and why")
	}
	if len(parts) == 0 {
		return fine(found)
	}
	a := note(found, "can be run here: "+strings.Join(parts, "; "), "mend what is named below; ./medusa run SUITE --dry-run lists what is skipped")
	if len(needs) == 1 {
		a.level, a.found = results.CheckupWarning, parts[0]
		a.why = "what is skipped is missing in the answer"
	}
	return a
}

// descriptors compares RLIMIT_NOFILE with what one process needs. The soft
// limit is not what binds: each process of a trial sets its own.
func descriptors(f *Facts, needs []Needs) answer {
	soft, hard := f.Machine.NoFileSoft, f.Machine.NoFileHard
	if hard == 0 {
		return answer{}
	}
	found := fmt.Sprintf("limit %s, hard %s", limit(soft), limit(hard))
	var short []string
	for _, n := range needs {
		if n.Descriptors > hard {
			short = append(short, fmt.Sprintf("%s needs %d", n.Suite, n.Descriptors))
		}
	}
	if len(short) == 0 {
		return fine(fmt.Sprintf("%s; needed are at most %d", found, most(needs, func(n Needs) uint64 { return n.Descriptors })))
	}
	return warning(found, strings.Join(short, ", ")+": cells above the hard limit are skipped",
		f.raiseDescriptors(most(needs, func(n Needs) uint64 { return n.Descriptors })))
}

// raiseDescriptors is the command that raises the hard limit of this shell and
// what it starts.
func (f *Facts) raiseDescriptors(need uint64) string {
	if f.Machine.OS != "linux" {
		return fmt.Sprintf("sudo sysctl -w kern.maxfilesperproc=%d && ulimit -n %d", need, need)
	}
	command := fmt.Sprintf("sudo prlimit --pid $$ --nofile=%d:%d", need, need)
	if most, _, ok := f.sysctl("fs.nr_open"); ok && need > most {
		command = setSysctl("fs.nr_open", need) + " && " + command
	}
	if f.Container != "" {
		command += fmt.Sprintf(" (where that is not permitted: docker run --ulimit nofile=%d:%d)", need, need)
	}
	return command
}

// openFiles compares what the whole system may have open with what both ends
// of a trial need.
func openFiles(f *Facts, needs []Needs) answer {
	limit, name, ok := f.sysctl("fs.file-max", "kern.maxfiles")
	if !ok {
		return answer{}
	}
	need := 2 * most(needs, func(n Needs) uint64 { return min(n.Descriptors, f.Machine.NoFileHard) })
	open, found := uint64(0), fmt.Sprintf("%d allowed", limit)
	if f.FilesOpen != nil {
		open = *f.FilesOpen
		found = fmt.Sprintf("%d of %d in use", open, limit)
	}
	if limit-min(open, limit) < need {
		return stop(found, fmt.Sprintf("both ends of a trial need %d: connections will fail with ENFILE", need), setSysctl(name, open+2*need))
	}
	return fine(found)
}
