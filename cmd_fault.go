package main

import "medusa/loadgen/faults"

type faultCmd struct {
	faults.Flags `embed:""`
}

func (c faultCmd) Run(s streams) error {
	cfg, err := c.Config()
	if err != nil {
		return usage(err)
	}
	if err := cfg.Check(); err != nil {
		return usage(err)
	}
	signals, stop := interrupts()
	defer stop()
	return faults.Run(signals, cfg, s.in, s.out)
}
