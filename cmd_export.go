package main

import (
	"errors"

	"medusa/results"
)

type exportCmd struct {
	Folder   string `arg:"" name:"run" help:"Run folder."`
	CSV      bool   `name:"csv" help:"One line a trial, with every column."`
	Benchfmt bool   `help:"The Go benchmark format, as in the run's benchfmt.txt: the trials that enter the answer."`
}

func (c exportCmd) Run(s streams) error {
	if c.CSV == c.Benchfmt {
		return usage(errors.New("give one of --csv and --benchfmt"))
	}
	run, err := results.Open(c.Folder)
	if err != nil {
		return err
	}
	if c.CSV {
		return results.WriteCSV(s.out, run)
	}
	return results.WriteBenchfmt(s.out, run)
}
