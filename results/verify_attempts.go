package results

import (
	"fmt"
	"os"
	"path/filepath"
)

// attempts checks that each mini-block was run in one go and in the plan's
// order, and again from its start when it was noisy or cut off: its attempts
// are numbered from 1, each is the first trials of the plan's, and its records
// follow each other. It returns the problems, and notes which were cut off.
func (v *Verification) attempts(run *Run) (problems []string) {
	members := map[int][]place{} // of a mini-block, in order
	for i := range run.Plan.Trials {
		t := &run.Plan.Trials[i]
		members[t.MiniBlock] = append(members[t.MiniBlock], t.place())
	}
	made := map[int]int{} // attempts of a mini-block
	cut := 0
	for i := 0; i < len(run.Records); {
		first := &run.Records[i]
		at := neighboursOf(first)
		if len(members[at.miniBlock]) == 0 {
			i++ // not planned, which is said
			continue
		}
		if at.attempt != made[at.miniBlock]+1 {
			problems = append(problems, fmt.Sprintf("trial %d is attempt %d at its mini-block, after %d", first.Trial, at.attempt, made[at.miniBlock]))
		}
		made[at.miniBlock] = at.attempt
		n := 0
		for ; i < len(run.Records) && neighboursOf(&run.Records[i]) == at; i++ {
			if r := &run.Records[i]; n >= len(members[at.miniBlock]) || r.planned() != members[at.miniBlock][n] {
				problems = append(problems, fmt.Sprintf("trial %d is not what the plan has as number %d of its mini-block", r.Trial, n+1))
			}
			n++
		}
		if n < len(members[at.miniBlock]) && i < len(run.Records) {
			cut++
			if !run.began(run.Records[i].Trial) {
				problems = append(problems, fmt.Sprintf("trial %d follows a mini-block that was cut off, and no session began with it", run.Records[i].Trial))
			}
		}
	}
	if cut > 0 {
		v.add("cut", Notice, "the run was cut off in %s, run again from the start; the first part is kept and does not enter", countOf(cut, "mini-block", "mini-blocks"))
	}
	return problems
}

// began reports whether the run was resumed with a trial.
func (run *Run) began(trial int) bool {
	for _, s := range run.Environment.Resumed {
		if s.FromTrial == trial {
			return true
		}
	}
	return false
}

// sessions says how often the run was resumed, and what was set aside.
func (v *Verification) sessions(run *Run) {
	if text := resumedText(run.Environment); text != "" {
		v.add("sessions", Notice, "%s", text)
	}
	if info, err := os.Stat(filepath.Join(run.Dir, tornFile)); err == nil {
		v.add("torn", Notice, "%d bytes of torn lines were set aside in %s when the run was resumed", info.Size(), tornFile)
	}
}
