package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"medusa/experiments"
	"medusa/poller/loop"
	"medusa/results"
)

type runCmd struct {
	Suite     string        `arg:"" optional:"" help:"A shipped suite (see 'medusa suites') or a file, such as ./mine.yaml."`
	Out       string        `help:"Run folder (results/runs/SUITE-TIME)." placeholder:"DIR"`
	Blocks    int           `help:"Blocks of every grid; fewer than 6 carry no interval." placeholder:"N"`
	Budget    time.Duration `help:"Reduce blocks until the run fits." placeholder:"D"`
	Until     string        `help:"Go on until every contrast of the primary metric is known to within this, such as 5%; at most 40 blocks, or --blocks." placeholder:"PERCENT"`
	Only      []string      `sep:"none" help:"Only these levels of a factor, or grids: backend=epoll,poll, grid=idle." placeholder:"KEY=VALUE"`
	Set       []string      `sep:"none" help:"Fix a setting that the suite fixes otherwise, or give a factor other numbers: idle_connections=1000,3000." placeholder:"KEY=VALUE"`
	Seed      *uint64       `help:"Of order and schedules; the suite's, without." placeholder:"N"`
	DryRun    bool          `help:"Say what would be run, how long it takes, what it could find and what is skipped; run nothing."`
	ServerVia string        `help:"Command before the server's, such as 'ssh n1'." placeholder:"COMMAND"`
	LoadVia   string        `help:"Command before the load's, such as 'srun -w n2'." placeholder:"COMMAND"`
	ServerBin string        `name:"server-binary" help:"Another medusa to serve with." placeholder:"FILE"`
	Address   string        `help:"Address that servers listen on; needed with --server-via or --load-via elsewhere." placeholder:"IP"`
	LoadOn    string        `name:"load-backend" help:"I/O backend of the generator." placeholder:"NAME"`
	Resume    string        `help:"Go on with the run in this folder where it was cut off, as it was planned; without SUITE." placeholder:"RUN"`
	Anyway    bool          `name:"changed-anyway" help:"Resume even with another binary or on another machine or kernel; the report then says so."`
	Noisy     bool          `name:"noisy-anyway" env:"MEDUSA_NOISY_ANYWAY" help:"Run while other programs use the CPUs, too; without, a busy machine is refused (see 'medusa doctor')."`
}

func (c runCmd) Run(s streams) error {
	if c.Resume != "" {
		return c.resume(s)
	}
	if c.Suite == "" {
		return usage(errors.New("which suite? 'medusa suites' lists those that are shipped; a file of your own needs its path, such as ./mine.yaml"))
	}
	if c.Anyway {
		return usage(errors.New("--changed-anyway goes with --resume"))
	}
	if c.Blocks < 0 || c.Budget < 0 {
		return usage(errors.New("--blocks and --budget are numbers above 0"))
	}
	suite, err := experiments.Load(c.Suite)
	if err != nil {
		return usage(err)
	}
	until := 0.0
	if c.Until != "" {
		if until, err = percent(c.Until); err != nil {
			return usage(fmt.Errorf("--until %w", err))
		}
	}
	request := experiments.Request{Until: until, Only: c.Only, Set: c.Set, Blocks: c.Blocks, Seed: c.Seed, Budget: c.Budget, Command: c.again()}
	plan, err := experiments.MakePlan(suite, request, experiments.ThisHost(here()))
	if err != nil {
		return usage(err)
	}
	options := experiments.Options{
		Suite: suite, Request: request, Dir: c.Out, Here: here,
		ServerBinary: c.ServerBin, ServerVia: c.ServerVia, LoadVia: c.LoadVia,
		Address: c.Address, LoadBackend: c.LoadOn, Version: version(), Progress: s.err,
		NoisyAnyway: c.Noisy,
	}
	if err := options.Check(); err != nil {
		var flag experiments.FlagError
		if errors.As(err, &flag) {
			return usage(err)
		}
		return err
	}
	if options.Certificate, err = certificate(); err != nil {
		fmt.Fprintf(s.err, "medusa: the machine's certificate is not used: %v\n", err)
	}
	if c.DryRun {
		plan.Describe(s.out)
		return dryCheckup(s, options)
	}
	return conduct(s, func(ctx context.Context) (*experiments.Outcome, error) { return experiments.Run(ctx, options) })
}

// resume goes on with a run that was cut off.
func (c runCmd) resume(s streams) error {
	// What a run is stands in its folder.
	if alone := (runCmd{Resume: c.Resume, Anyway: c.Anyway, Noisy: c.Noisy}); !reflect.DeepEqual(c, alone) {
		return usage(errors.New("--resume goes on with a run as it was planned: give no suite and no other flag but --changed-anyway and --noisy-anyway"))
	}
	options := experiments.Options{Dir: c.Resume, Here: here, Version: version(), Progress: s.err, NoisyAnyway: c.Noisy}
	return conduct(s, func(ctx context.Context) (*experiments.Outcome, error) {
		return experiments.Resume(ctx, options, c.Anyway)
	})
}

// conduct runs trials until they are done or a signal ends them, and writes
// the report.
func conduct(s streams, run func(context.Context) (*experiments.Outcome, error)) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	outcome, err := run(ctx)
	if outcome == nil || outcome.Run == 0 {
		if err == nil && outcome != nil && outcome.Interrupted {
			err = errors.New("interrupted before the first trial ended; nothing was measured")
		}
		return err
	}
	if outcome.Whole {
		fmt.Fprintf(s.err, "%s: nothing is left to run: all %d planned trials are recorded\n", outcome.Dir, outcome.Planned)
		return err
	}
	// Whatever ended the run, what was measured gets its report.
	report, rerr := writeReport(outcome.Dir)
	if rerr == nil {
		fmt.Fprintf(s.err, "%d of %d trials in %v; report:\n", outcome.Run, outcome.Planned, outcome.Elapsed.Round(time.Second))
		fmt.Fprintln(s.out, report)
	}
	switch {
	case err != nil && rerr != nil:
		return fmt.Errorf("%w; and the report of what was measured until then was not written: %v", err, rerr)
	case err != nil:
		return err
	case outcome.Interrupted && rerr == nil:
		return fmt.Errorf("interrupted; the report has what was measured until then; go on with: medusa run --resume %s", outcome.Dir)
	}
	return rerr
}

// again is the command line that makes the run again.
func (c runCmd) again() string {
	words := []string{"medusa", "run", c.Suite}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, "--"+flag, quoted(value))
		}
	}
	if c.Blocks > 0 {
		add("blocks", fmt.Sprint(c.Blocks))
	}
	if c.Budget > 0 {
		add("budget", c.Budget.String())
	}
	add("until", c.Until)
	for _, v := range c.Only {
		add("only", v)
	}
	for _, v := range c.Set {
		add("set", v)
	}
	if c.Seed != nil {
		add("seed", fmt.Sprint(*c.Seed))
	}
	add("server-via", c.ServerVia)
	add("load-via", c.LoadVia)
	add("server-binary", c.ServerBin)
	add("address", c.Address)
	add("load-backend", c.LoadOn)
	if c.Noisy {
		words = append(words, "--noisy-anyway")
	}
	return strings.Join(words, " ")
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if strings.ContainsAny(word, " \t'\"$&;()<>|*?") {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

func here() []experiments.BackendInfo {
	var all []experiments.BackendInfo
	for _, b := range loop.Backends() {
		all = append(all, experiments.BackendInfo{Name: b.Name, Why: b.Missing})
	}
	return all
}

type suitesCmd struct {
	List suitesListCmd `cmd:"" default:"1" help:"List the shipped suites."`
	Show suitesShowCmd `cmd:"" help:"Print a shipped suite."`
}

type suitesListCmd struct {
	JSON bool `name:"json" help:"As JSON."`
}

func (c suitesListCmd) Run(s streams) error {
	all, err := experiments.List()
	if err != nil {
		return err
	}
	type line struct {
		Name     string `json:"name"`
		Question string `json:"question"`
	}
	var lines []line
	for _, suite := range all {
		lines = append(lines, line{suite.Name, suite.Question})
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(lines)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\n", l.Name, l.Question)
	}
	return w.Flush()
}

type suitesShowCmd struct {
	Name string `arg:"" help:"A shipped suite."`
}

func (c suitesShowCmd) Run(s streams) error {
	suite, err := experiments.Load(c.Name)
	if err != nil {
		return usage(err)
	}
	_, err = s.out.Write(suite.YAML)
	return err
}

// writeReport writes the report of a run folder.
func writeReport(dir string) (string, error) {
	run, err := results.Open(dir)
	if err != nil {
		return "", err
	}
	return results.WriteReport(run)
}
