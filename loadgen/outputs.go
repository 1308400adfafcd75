package loadgen

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"medusa/control"
)

// outputs are where the results of a load go, whoever puts it on.
type outputs struct {
	cfg    Config
	events *control.Writer
	stdout io.Writer
	json   io.WriteCloser
	hlog   io.WriteCloser
	logErr error // why there is no latency log
}

// open opens the files, before anything is measured.
func (o *outputs) open() (err error) {
	if o.json, err = create(o.cfg.JSON, o.stdout); err != nil {
		return fmt.Errorf("--json: %w", err)
	}
	return o.openLog()
}

func (o *outputs) close() {
	_ = o.json.Close()
	_ = o.hlog.Close()
}

// discard is the file of a report that nobody wants, and keep one that is not
// ours to close.
type discard struct{ io.Writer }

func (discard) Close() error { return nil }

// create opens a file to write, before anything is measured.
func create(name string, stdout io.Writer) (io.WriteCloser, error) {
	switch name {
	case "":
		return discard{io.Discard}, nil
	case "-":
		return discard{stdout}, nil
	}
	return os.Create(name)
}

// report writes the results. began is the wall clock at the window's start.
func (o *outputs) report(g *ledger, r *Report, began time.Time) error {
	if err := o.writeLog(g, r, began); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if _, err := o.json.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("--json %s: %w", o.cfg.JSON, err)
	}
	if o.cfg.Control {
		return o.events.Send(control.Event{Event: "report", Report: text})
	}
	if o.cfg.JSON != "-" {
		if _, err := io.WriteString(o.stdout, r.Summary()); err != nil {
			return fmt.Errorf("summary: %w", err)
		}
	}
	if r.Requests == 0 {
		return fmt.Errorf("none of %d requests was answered well (%s): nothing could be measured", r.Scheduled, counted(r.Errors))
	}
	return nil
}
