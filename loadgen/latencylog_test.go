package loadgen

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// badLogs are files that a latency log cannot be written to.
func badLogs(t *testing.T) map[string]string {
	t.Helper()
	// Nothing in a test writes to the device itself: as root one could remove it.
	full := filepath.Join(t.TempDir(), "full")
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"a folder that is not there": filepath.Join(t.TempDir(), "gone", "x.hlog"), "a folder": t.TempDir()}
	if _, err := os.Stat("/dev/full"); err == nil {
		all["a full disk"] = full
	}
	return all
}

// TestTrialOutlivesItsLog: a trial whose latency log cannot be written has its
// report all the same, and the report says why there is no log.
func TestTrialOutlivesItsLog(t *testing.T) {
	address := serveReal(t, here(t)[0])
	for name, file := range badLogs(t) {
		t.Run(name, func(t *testing.T) {
			cfg := short("raw://" + address)
			cfg.HLog = file
			d := converse(t, cfg)
			for _, e := range []string{"ready", "filled"} {
				d.hear(e)
			}
			d.say(`{"do":"go"}`)
			d.hear("measure")
			d.hear("done")
			var r Report
			if err := json.Unmarshal(d.hear("report").Report, &r); err != nil || r.Requests == 0 {
				t.Errorf("report: %v, %+v", err, r)
			}
			if r.LogError == "" || strings.ContainsAny(r.LogError, "\n/") {
				t.Errorf("why there is no log: %q", r.LogError)
			}
			if err := d.end(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLogAskedForByHand: whoever asked for the file is told that there is none.
func TestLogAskedForByHand(t *testing.T) {
	address := serveReal(t, here(t)[0])
	for name, file := range badLogs(t) {
		t.Run(name, func(t *testing.T) {
			cfg := short("raw://" + address)
			cfg.HLog = file
			if err := Run(nil, cfg, nil, io.Discard); err == nil || !strings.Contains(err.Error(), "--hlog") {
				t.Errorf("%v, want an error that names --hlog", err)
			}
		})
	}
}
