package truthd

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"

	"medusa/control"
)

// Config is a truth server's process.
type Config struct {
	Spec
	Address netip.AddrPort
	CPUs    []int
	Log     string // file for the log, written at the end
}

// Run serves until it is told to stop on standard input (package control), then
// writes the log and says how often its thread was away.
func Run(cfg Config, stdin io.Reader, stdout io.Writer) error {
	events := control.NewWriter(stdout)
	err := serve(cfg, stdin, events)
	if err != nil {
		_ = events.Send(control.Event{Event: "error", Message: err.Error()})
	}
	return err
}

func serve(cfg Config, stdin io.Reader, events *control.Writer) error {
	if err := control.Pin(cfg.CPUs); err != nil {
		return err
	}
	out, err := os.Create(cfg.Log)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	defer out.Close()
	v, err := Listen(cfg.Address, cfg.Spec)
	if err != nil {
		return err
	}
	// Nothing is allocated for a request, and a collection would be a pause.
	debug.SetGCPercent(-1)
	ready := control.Ready{
		HTTP: v.Address().String(), PID: os.Getpid(), Backend: "truth", Engine: "busy poll(2)", GOMAXPROCS: runtime.GOMAXPROCS(0),
		CPUs: control.CPUs(), NoFile: control.NoFile(), OpenFDs: control.OpenFDs(),
	}
	if err := events.Send(control.Event{Event: "ready", AtNs: control.Monotonic(), Ready: &ready}); err != nil {
		return err
	}
	obeyed := make(chan error, 1)
	go func() {
		obeyed <- control.Commands(stdin, func(c control.Command) bool {
			if c.Do == "snapshot" {
				s := control.Take(c.Full)
				s.Connections = v.Open()
				_ = events.Send(control.Event{Event: "snapshot", Snapshot: &s})
			}
			return c.Do != "stop"
		})
		v.Stop()
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := v.Run(); err != nil {
		return err
	}
	if err := <-obeyed; err != nil {
		return err
	}
	if err := WriteLog(out, v.Log()); err != nil {
		return fmt.Errorf("log %s: %w", cfg.Log, err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("log %s: %w", cfg.Log, err)
	}
	away, err := json.Marshal(v.Pauses().Sum())
	if err != nil {
		return err
	}
	return events.Send(control.Event{Event: "report", Report: away})
}
