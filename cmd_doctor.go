package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"medusa/experiments"
	"medusa/experiments/doctor"
	"medusa/results"
)

type doctorCmd struct {
	Suite string `arg:"" optional:"" help:"Suite whose needs count: a shipped one or a file (all shipped ones)."`
	Out   string `help:"Folder that a run would be written into (results/runs)." placeholder:"DIR"`
	JSON  bool   `name:"json" help:"As JSON."`
}

func (c doctorCmd) Run(s streams) error {
	suites, err := experiments.List()
	if err != nil {
		return err
	}
	if c.Suite != "" {
		suite, err := experiments.Load(c.Suite)
		if err != nil {
			return usage(err)
		}
		suites = []*experiments.Suite{suite}
	}
	ctx, end := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer end()
	fmt.Fprintf(s.err, "watching the machine for %v\n", experiments.SampleFor.Round(time.Second))
	found, err := experiments.Examine(ctx, experiments.Examination{
		Suites: suites, Dir: c.Out, Here: here, Version: version(), Sample: experiments.SampleFor, Tries: 1,
	})
	if ctx.Err() != nil {
		return errors.New("interrupted before anything was found")
	}
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(found)
	} else {
		err = doctor.Print(s.out, found)
	}
	if err != nil {
		return err
	}
	var stops []string
	for _, item := range found.Of(results.CheckupStop) {
		stops = append(stops, item.ID)
	}
	if len(stops) > 0 {
		return fmt.Errorf("no suite should be run now: see %s", strings.Join(stops, ", "))
	}
	return nil
}

// dryCheckup says what of the machine is in the way of a run, as far as that
// can be said without watching it.
func dryCheckup(s streams, o experiments.Options) error {
	found, err := experiments.Examine(context.Background(), experiments.Examination{
		Suites: []*experiments.Suite{o.Suite}, Request: o.Request, Dir: o.Dir, Here: o.Here, Binary: o.ServerBinary, Version: o.Version,
	})
	if err != nil {
		return err
	}
	doctor.PrintShort(s.out, found)
	return nil
}
