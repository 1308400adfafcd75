package loadgen

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// openLog opens the file of the latency log. In a trial the measurement is
// worth more than its log: one that cannot be opened or written is left out,
// and the report says why. By hand whoever asked for a file is told at once.
func (p *outputs) openLog() (err error) {
	p.hlog, err = create(p.cfg.HLog, p.stdout)
	if err == nil {
		return nil
	}
	if p.cfg.Control {
		p.hlog, p.logErr = discard{io.Discard}, err
		return nil
	}
	return fmt.Errorf("--hlog: %w", err)
}

// writeLog writes the latency log and closes it. Of one that could not be
// written whole nothing is left.
func (p *outputs) writeLog(g *ledger, r *Report, began time.Time) error {
	err := p.logErr
	if err == nil {
		err = g.WriteLog(p.hlog, p.cfg.HLogTag, began)
		if closed := p.hlog.Close(); err == nil {
			err = closed
		}
	}
	if err == nil {
		return nil
	}
	if !p.cfg.Control {
		return fmt.Errorf("--hlog %s: %w", p.cfg.HLog, err)
	}
	if info, lost := os.Lstat(p.cfg.HLog); lost == nil && info.Mode().IsRegular() {
		_ = os.Remove(p.cfg.HLog) // half a log; whoever reads it finds that out too
	}
	// The file's name says nothing to whoever reads the record.
	var file *os.PathError
	if errors.As(err, &file) {
		err = file.Err
	}
	r.LogError = err.Error()
	return nil
}
