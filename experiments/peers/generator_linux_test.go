package peers

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"medusa/results"
)

// beginLoad starts the process that speaks for a generator of the given mode.
func beginLoad(t *testing.T, mode string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	load := Load{
		Generator: Generator{Name: mode, Command: []string{self, "generator", mode, "{seconds}"}, Output: "wrk"},
		URL:       "http://127.0.0.1:1/", Connections: 8, Duration: time.Second, Timeout: time.Second,
	}
	r := start(t, self, "generate", load)
	for _, want := range []string{"ready", "filled"} {
		if e := r.next(); e.Event != want {
			t.Fatalf("%+v where %s was expected", e, want)
		}
	}
	return r
}

// A generator's run is the window; its report has its CPU time and what it
// prints.
func TestGenerate(t *testing.T) {
	t.Parallel()
	r := beginLoad(t, "burn")
	fmt.Fprintln(r.in, `{"do":"go"}`)
	e := r.next()
	if e.Event != "measure" || len(e.PIDs) != 1 {
		t.Fatalf("event %+v", e)
	}
	began := e.AtNs
	if e = r.next(); e.Event != "done" || e.AtNs-began < int64(time.Second-burnt-underWay)/2 {
		t.Errorf("event %+v, begun at %d", e, began)
	}
	e = r.next()
	var report results.LoadReport
	if err := json.Unmarshal(e.Report, &report); err != nil {
		t.Fatalf("event %+v: %v", e, err)
	}
	if report.Requests != 11293 || report.AchievedRate != 11104.81 || report.CPUNs < int64(burnt) || report.Told["p50"] != 279_000 || report.Peer == nil || report.LeadNs < int64(underWay) || report.Mode != "closed" {
		t.Errorf("report %+v", report)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// One that dies says why; one that hangs ends with its input.
func TestGenerateFails(t *testing.T) {
	t.Parallel()
	r := beginLoad(t, "die")
	fmt.Fprintln(r.in, `{"do":"go"}`)
	for {
		e := r.next()
		if e.Event == "error" {
			if !strings.Contains(e.Message, "unable to connect") {
				t.Errorf("event %+v", e)
			}
			break
		}
		if e.Event == "report" {
			t.Fatalf("event %+v", e)
		}
	}
	if err := r.cmd.Wait(); err == nil {
		t.Error("it ended well")
	}

	r = beginLoad(t, "hang")
	fmt.Fprintln(r.in, `{"do":"go"}`)
	e := r.next()
	if e.Event != "measure" || len(e.PIDs) != 1 {
		t.Fatalf("event %+v", e)
	}
	r.in.Close()
	if err := r.cmd.Wait(); err == nil {
		t.Error("it ended well")
	}
	r.gone(e.PIDs...)
}
