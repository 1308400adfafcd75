package main

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/control"
)

// A signal to all processes of a server, as a terminal or a service manager sends
// it, is one to the server: it finishes and ends with 0.
func TestServeProcessesSignalled(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			cmd := exec.Command(medusaFile(t), "serve", "--fixed", "--http", "127.0.0.1:0", "--backend", "poll", "--processes", "3")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			kill := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
			late := time.AfterFunc(20*time.Second, kill)
			defer late.Stop()
			in := bufio.NewReader(out)
			line, err := in.ReadBytes('\n')
			var ready control.Event
			if err != nil || json.Unmarshal(line, &ready) != nil || ready.Ready == nil || ready.PID != cmd.Process.Pid || len(ready.PIDs) != 3 {
				kill()
				t.Fatalf("%v: %q", err, line)
			}
			if err := syscall.Kill(-cmd.Process.Pid, s); err != nil {
				t.Fatal(err)
			}
			more, _ := in.ReadString(0)
			if err := cmd.Wait(); err != nil || more != "" || stderr.String() != "" {
				t.Errorf("%v, output %q, stderr %q", err, more, stderr.String())
			}
			for _, pid := range ready.PIDs {
				if syscall.Kill(pid, 0) == nil {
					t.Errorf("process %d is left", pid)
				}
			}
		})
	}
}
