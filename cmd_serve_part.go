package main

import (
	"os"
	"os/signal"
	"syscall"

	"medusa/servers"
)

// servePartCmd is started by serve, when several processes are to serve.
type servePartCmd struct {
	Part string `arg:"" help:"The part of the server."`
}

func (c servePartCmd) Run(s streams) error {
	// Who types Ctrl-C, or ends a whole service, means the process that was
	// started there. It ends this one, by what it writes here or by ending.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	return servers.RunPart(c.Part, s.in, s.out)
}
