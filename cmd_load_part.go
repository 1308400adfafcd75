package main

import (
	"os"
	"os/signal"
	"syscall"

	"medusa/loadgen"
)

// loadPartCmd is started by load, when it divides its work among processes.
type loadPartCmd struct {
	Part string `arg:"" help:"The part of the load."`
}

func (c loadPartCmd) Run(s streams) error {
	// Who types Ctrl-C means the process that was started there. It ends this one.
	signal.Ignore(os.Interrupt)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	defer signal.Stop(signals)
	return loadgen.RunPart(signals, c.Part, s.in, s.out)
}
