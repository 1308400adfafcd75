package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

const quickEnd = "atexit_sleep_ms=0"

// noisyAnyway lets runs begin beside other tests; see medusa run --help. All that
// tests start inherit it.
const noisyAnyway = "MEDUSA_NOISY_ANYWAY"

// TestMain makes this test binary a medusa when it is run by that name.
func TestMain(m *testing.M) {
	// A child built with -race would sleep for a second at its end.
	os.Setenv("GORACE", quickEnd)
	if os.Getenv(noisyAnyway) == "" { // a script may say false
		os.Setenv(noisyAnyway, "true")
	}
	testscript.Main(m, map[string]func(){"medusa": main})
}

// TestScripts runs the command line as a user does: testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", quickEnd)
			return os.CopyFS(e.WorkDir+"/v1", os.DirFS("results/testdata/v1"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// status N COMMAND: the command ends with exit status N and, if
			// that is not 0, one line on standard error.
			"status": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: status N COMMAND [ARG]...")
				}
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				err = ts.Exec(args[1], args[2:]...)
				got := 0
				var exit *exec.ExitError
				if errors.As(err, &exit) {
					got = exit.ExitCode()
				} else {
					ts.Check(err)
				}
				if got != want {
					ts.Fatalf("exit status %d, not %d", got, want)
				}
			},
		},
	})
}
