package main

import (
	"errors"

	"medusa/results"
)

type exportCmd struct {
	Folder   string `arg:"" name:"run" help:"Run folder."`
	CSV      bool   `name:"csv" help:"One line a trial, with every column."`
	Slopes   bool   `help:"Markdown tables of what one more of a factor adds, where the suite claims that: the bytes of a connection, of idle-connections."`
	Benchfmt bool   `help:"The Go benchmark format, as in the run's benchfmt.txt: the trials that enter the answer."`
}

func (c exportCmd) Run(s streams) error {
	given := 0
	for _, one := range []bool{c.CSV, c.Benchfmt, c.Slopes} {
		if one {
			given++
		}
	}
	if given != 1 {
		return usage(errors.New("give one of --csv, --benchfmt and --slopes"))
	}
	run, err := results.Open(c.Folder)
	if err != nil {
		return err
	}
	if c.CSV {
		return results.WriteCSV(s.out, run)
	}
	if c.Slopes {
		return results.WriteSlopes(s.out, run)
	}
	return results.WriteBenchfmt(s.out, run)
}
