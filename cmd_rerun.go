package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"medusa/experiments"
	"medusa/results"
)

type rerunCmd struct {
	Folder string        `arg:"" name:"run" help:"Run folder."`
	Out    string        `help:"Folder of the new run (results/runs/SUITE-TIME)." placeholder:"DIR"`
	Blocks int           `help:"Blocks of every grid, in place of those that the run was asked for; fewer than 6 carry no claim." placeholder:"N"`
	Budget time.Duration `help:"Reduce blocks until the new run fits." placeholder:"D"`
	With   string        `help:"Run nothing: compare with this run, which was made already." placeholder:"RUN"`
	Noisy  bool          `name:"noisy-anyway" env:"MEDUSA_NOISY_ANYWAY" help:"Run while other programs use the CPUs, too; without, a busy machine is refused (see 'medusa doctor')."`
	JSON   bool          `name:"json" help:"The table as JSON on standard output."`
}

func (c rerunCmd) Run(s streams) error {
	then, err := results.Open(c.Folder)
	if err != nil {
		return err
	}
	if c.With != "" {
		if c.Out != "" || c.Blocks != 0 || c.Budget != 0 {
			return usage(errors.New("--with runs nothing: leave out --out, --blocks and --budget"))
		}
		return c.table(s, then, c.With)
	}
	options, err := experiments.Options{Dir: c.Out, Here: here, Version: version(), Progress: s.err, NoisyAnyway: c.Noisy}.AsAsked(then)
	if err != nil {
		return fmt.Errorf("cannot make the run again: %w", err)
	}
	if c.Blocks > 0 {
		options.Blocks, options.Budget = c.Blocks, 0
	}
	if c.Budget > 0 {
		options.Budget = c.Budget
	}
	if options.Certificate, err = certificate(); err != nil {
		fmt.Fprintf(s.err, "medusa: the machine's certificate is not used: %v\n", err)
	}
	options.Command = c.again()
	if options.Dir == "" {
		options.Dir = experiments.DefaultDir(options.Suite.Name, time.Now())
	}
	if plan, err := experiments.MakePlan(options.Suite, options.Request, experiments.ThisHost(here())); err != nil {
		return usage(err)
	} else if !slices.ContainsFunc(plan.Grids, func(g results.GridPlan) bool { return g.Claims }) {
		fmt.Fprintf(s.err, "medusa: warning: with %d blocks the new run claims nothing, so nothing of it can be compared; %d are needed\n", plan.Design.Blocks, results.MinPairs)
	}
	// The table is what is asked for on standard output.
	progress := s
	progress.out = s.err
	err = conduct(progress, func(ctx context.Context) (*experiments.Outcome, error) { return experiments.Run(ctx, options) })
	if err != nil {
		return err
	}
	return c.table(s, then, options.Dir)
}

// table writes what two runs say of each claim.
func (c rerunCmd) table(s streams, then *results.Run, dir string) error {
	now, err := results.Open(dir)
	if err != nil {
		return err
	}
	agreement := results.Agree(then.Analyse(), now.Analyse())
	changed := then.Environment.Before.Changes(now.Environment.Before)
	if changed == nil {
		changed = []string{} // a list in JSON too
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Then    string   `json:"then_run"`
			Now     string   `json:"now_run"`
			Changed []string `json:"changed"` // of the machine
			results.Agreement
		}{then.Dir, now.Dir, changed, agreement})
	}
	fmt.Fprintf(s.out, "then: %s\nnow:  %s\n", then.Dir, now.Dir)
	if len(changed) > 0 {
		fmt.Fprintf(s.out, "changed: %s\n", strings.Join(changed, "; "))
	}
	return agreement.Write(s.out)
}

// again is the command line that makes the run again.
func (c rerunCmd) again() string {
	words := []string{"medusa", "rerun", quoted(c.Folder)}
	if c.Noisy {
		words = append(words, "--noisy-anyway")
	}
	if c.Blocks > 0 {
		words = append(words, "--blocks", fmt.Sprint(c.Blocks))
	}
	if c.Budget > 0 {
		words = append(words, "--budget", c.Budget.String())
	}
	return strings.Join(words, " ")
}
