package loadgen

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/control"
)

// TestMain makes this test binary the process that a load is divided among.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == PartCommand {
		if err := RunPart(nil, os.Args[2], os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // of those processes
	os.Exit(m.Run())
}

// A load of three processes on every backend: nothing is lost between them.
func TestProcessesOnBackends(t *testing.T) {
	for _, backend := range here(t) {
		for _, mode := range []string{"open", "closed", "a connection for each request"} {
			t.Run(backend+", "+mode, func(t *testing.T) {
				cfg := short("http://" + serveReal(t, backend) + "/")
				cfg.Backend, cfg.Processes = backend, 3
				cfg.Connections, cfg.Idle = 30, 270
				cfg.JSON, cfg.HLog = filepath.Join(t.TempDir(), "report.json"), filepath.Join(t.TempDir(), "log")
				cfg.FillLimit = 10 * time.Second
				switch mode {
				case "closed":
					cfg.Closed, cfg.Schedule.Rate = true, 0
				case "a connection for each request":
					cfg.NoKeepAlive = true
				}
				var out bytes.Buffer
				if err := Run(nil, cfg, nil, &out); err != nil {
					t.Fatal(err)
				}
				text, err := os.ReadFile(cfg.JSON)
				if err != nil {
					t.Fatal(err)
				}
				var r Report
				if err := json.Unmarshal(text, &r); err != nil {
					t.Fatal(err)
				}
				if r.Requests == 0 || r.Requests != r.Scheduled || len(r.Errors) > 0 || r.TotalSent != r.TotalAnswered || r.Response.Count != r.Requests {
					t.Errorf("%d of %d requests, failures %v, %d sent, %d answered", r.Requests, r.Scheduled, r.Errors, r.TotalSent, r.TotalAnswered)
				}
				if r.Active != 30 || r.IdleOpen != 270 || r.Backend != backend || len(r.Processes) != 3 || r.CPUNs <= 0 || r.FillNs <= 0 {
					t.Errorf("%d active, %d idle, %s, processes %+v", r.Active, r.IdleOpen, r.Backend, r.Processes)
				}
				if mode == "open" {
					if n, hash := cfg.Schedule.Window(20e6, 120e6); r.Scheduled != n || r.ScheduleHash != hash {
						t.Errorf("%d requests of the schedule's %d, hash %s, not %s", r.Scheduled, n, r.ScheduleHash, hash)
					}
				}
				for _, p := range r.Processes {
					if syscall.Kill(p.PID, 0) == nil {
						t.Errorf("process %d is left", p.PID)
					}
				}
				if info, err := os.Stat(cfg.HLog); err != nil || info.Size() == 0 {
					t.Errorf("the latency log: %v", err)
				}
				if !strings.Contains(out.String(), "3 processes") {
					t.Errorf("the summary does not tell of processes:\n%s", &out)
				}
			})
		}
	}
}

// converseDivided begins the conversation with a load of three processes.
func converseDivided(t *testing.T) *dialogue {
	t.Helper()
	cfg := short("http://" + serveReal(t, here(t)[0]) + "/")
	cfg.Processes, cfg.Idle = 3, 30
	return converse(t, cfg)
}

// left complains of processes that are still there.
func (c *dialogue) left(pids []int) {
	c.t.Helper()
	for _, pid := range pids {
		if syscall.Kill(pid, 0) == nil {
			c.t.Errorf("process %d is left", pid)
		}
	}
}

// To its runner a load of three processes is one load process.
func TestProcessesUnderControl(t *testing.T) {
	c := converseDivided(t)
	ready := c.hear("ready")
	if ready.Ready == nil || ready.PID != os.Getpid() || ready.UsableFDs <= 0 || ready.Engine == "" {
		t.Errorf("%+v", ready)
	}
	filled := c.hear("filled")
	if *filled.Filled != (control.Filled{Offered: 34, Open: 34, Admitted: 34, FillNs: filled.Filled.FillNs}) || len(filled.PIDs) != 3 {
		t.Errorf("%+v %v", filled.Filled, filled.PIDs)
	}
	c.say(`{"do":"snapshot"}`)
	if s := c.hear("snapshot").Snapshot; s.Connections != 34 || len(s.PIDs) != 3 || s.CPUNs == 0 {
		t.Errorf("%+v", s)
	}
	c.say(`{"do":"go"}`)
	measure, done := c.hear("measure"), c.hear("done")
	if len(measure.PIDs) != 3 || done.AtNs-measure.AtNs < 99e6 || done.AtNs-measure.AtNs > 101e6 {
		t.Errorf("from %d to %d, processes %v", measure.AtNs, done.AtNs, measure.PIDs)
	}
	var r Report
	if err := json.Unmarshal(c.hear("report").Report, &r); err != nil || r.Requests == 0 {
		t.Errorf("%v, %d requests", err, r.Requests)
	}
	if err := c.end(); err != nil {
		t.Error(err)
	}
	c.left(filled.PIDs)
}

// However it is ended, none of its processes is left.
func TestProcessesEnd(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(c *dialogue, pids []int)
		want string // of the error
	}{
		"stop":         {func(c *dialogue, _ []int) { c.say(`{"do":"stop"}`) }, ""},
		"end of input": {func(c *dialogue, _ []int) { c.in.Close() }, ""},
		"a signal": {func(c *dialogue, _ []int) {
			c.signals <- os.Interrupt
			c.hear("error")
		}, ErrInterrupted.Error()},
		"a process killed": {func(c *dialogue, pids []int) {
			_ = syscall.Kill(pids[1], syscall.SIGKILL)
			e := c.hear("error")
			if !strings.Contains(e.Message, "signal: killed") {
				c.t.Errorf("%q", e.Message)
			}
		}, "load: process 2 of 3 ("},
	} {
		t.Run(name, func(t *testing.T) {
			c := converseDivided(t)
			c.hear("ready")
			pids := c.hear("filled").PIDs
			end.do(c, pids)
			switch err := c.end(); {
			case end.want == "" && err != nil:
				t.Error(err)
			case end.want != "" && (err == nil || !strings.HasPrefix(err.Error(), end.want)):
				t.Errorf("%v, want %s", err, end.want)
			}
			c.left(pids)
		})
	}
}
