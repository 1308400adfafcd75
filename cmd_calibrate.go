package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"medusa/experiments/calibrate"
	"medusa/experiments/truthd"
	"medusa/results"
)

type calibrateCmd struct {
	Quick  bool   `help:"Shorter windows: about a minute in place of five."`
	Out    string `help:"Write the certificate to FILE, not where 'medusa run' looks for it (MEDUSA_CERTIFICATE, or the cache folder)." placeholder:"FILE"`
	JSON   bool   `name:"json" help:"Print the certificate as JSON, not as a table."`
	Figure string `help:"Draw what was measured over what was true to FILE: .svg, .png or .pdf." placeholder:"FILE"`
}

func (c calibrateCmd) Run(s streams) error {
	if c.Figure != "" {
		if err := results.CheckFigureName(c.Figure); err != nil {
			return usage(fmt.Errorf("--figure: %w", err))
		}
	}
	path := c.Out
	if path == "" {
		var err error
		if path, err = results.CertificatePath(); err != nil {
			return err
		}
	}
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program's own file: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := "medusa calibrate"
	if c.Quick {
		command += " --quick"
	}
	certificate, err := calibrate.Run(ctx, calibrate.Options{
		Quick: c.Quick, Binary: binary, Version: version(), Command: command, Here: here(), Progress: s.err,
	})
	if err != nil {
		return err
	}
	if err := certificate.Write(path); err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		err = e.Encode(certificate)
	} else {
		err = calibrate.WriteTable(s.out, certificate)
	}
	if err == nil && c.Figure != "" {
		err = results.PlotCertificate(certificate, c.Figure)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "certificate: %s\n", path)
	if !certificate.Passed && !certificate.Failed() {
		return fmt.Errorf("%s: a loop that only reads the clock is late as well, so these cannot be seen on this machine (lines marked floor); all else came out", certificate.Came())
	}
	if !certificate.Passed {
		return errors.New("not every truth came out; the lines marked FAIL say which. If a bare loop was late as well, the machine was disturbed: calibrate again when it is quiet")
	}
	return nil
}

// truthServerCmd is the process that a calibration holds the generator against.
type truthServerCmd struct {
	truthd.Flags `embed:""`
}

func (c truthServerCmd) Run(s streams) error {
	cfg, err := c.Config()
	if err != nil {
		return usage(err)
	}
	return truthd.Run(cfg, s.in, s.out)
}

// certificate is the machine's; nil where it was never calibrated.
func certificate() (*results.Certificate, error) {
	path, err := results.CertificatePath()
	if err != nil {
		return nil, nil // no home, so nothing is kept there either
	}
	c, err := results.ReadCertificate(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return c, err
}
