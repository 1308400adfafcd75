package servers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"medusa/control"
	"medusa/poller/loop"
)

// patience bounds what should happen at once.
const patience = 20 * time.Second

// running is a server inside the test's process.
type running struct {
	t        *testing.T
	ready    control.Ready
	signals  chan os.Signal
	commands *io.PipeWriter
	events   *bufio.Scanner
	result   chan error
}

// start runs a server on any ports of 127.0.0.1 and waits until it is ready.
// It is ended with the test unless the test ends it.
func start(t *testing.T, cfg Config) *running {
	t.Helper()
	if cfg.HTTP == "" {
		cfg.HTTP = "127.0.0.1:0"
	}
	cfg.Fixed = true
	stdin, commands := io.Pipe()
	out, stdout := io.Pipe()
	r := &running{t: t, signals: make(chan os.Signal, 2), commands: commands, events: bufio.NewScanner(out), result: make(chan error, 1)}
	go func() {
		err := Run(r.signals, cfg, stdin, stdout)
		stdout.Close()
		r.result <- err
	}()
	event := r.next()
	if event.Event != "ready" || event.Ready == nil {
		t.Fatalf("first event: %+v", event)
	}
	r.ready = *event.Ready
	t.Cleanup(func() {
		commands.Close()
		stdin.Close()
		select {
		case r.signals <- syscall.SIGTERM:
		default:
		}
		out.Close()
	})
	return r
}

// next reads the next event.
func (r *running) next() control.Event {
	r.t.Helper()
	if !r.events.Scan() {
		r.t.Fatalf("no event: %v; the server returned %v", r.events.Err(), <-r.result)
	}
	var event control.Event
	if err := json.Unmarshal(r.events.Bytes(), &event); err != nil {
		r.t.Fatalf("event %q: %v", r.events.Text(), err)
	}
	return event
}

// wait waits for the end and returns what Run did.
func (r *running) wait() error {
	r.t.Helper()
	select {
	case err := <-r.result:
		r.result <- err
		return err
	case <-time.After(patience):
		r.t.Fatal("the server does not end")
		return nil
	}
}

// terminate ends the server in an orderly way.
func (r *running) terminate() {
	r.t.Helper()
	r.signals <- syscall.SIGTERM
	if err := r.wait(); err != nil {
		r.t.Errorf("the server ended with %v", err)
	}
}

func (r *running) command(format string, args ...any) {
	r.t.Helper()
	if _, err := fmt.Fprintf(r.commands, format+"\n", args...); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) snapshot() *control.Snapshot {
	r.t.Helper()
	r.command(`{"do":"snapshot","full":true}`)
	event := r.next()
	if event.Snapshot == nil {
		r.t.Fatalf("instead of a snapshot: %+v", event)
	}
	return event.Snapshot
}

func (r *running) url(path string) string { return "http://" + r.ready.HTTP + path }

// eachBackend runs a test on every backend that this system has.
func eachBackend(t *testing.T, test func(t *testing.T, backend string)) {
	for _, b := range loop.Backends() {
		t.Run(b.Name, func(t *testing.T) {
			if b.Missing != "" {
				t.Skipf("SKIPPED: not here: %s", b.Missing)
			}
			test(t, b.Name)
		})
	}
}

// TestMain also makes this binary a server: tests that change a whole process
// start it again with its configuration in the environment.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == PartCommand {
		signal.Ignore(syscall.SIGTERM) // as the command does
		if err := RunPart(os.Args[2], os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // of the processes that it starts
	if url := os.Getenv(loadVariable); url != "" {
		os.Exit(beLoad(url))
	}
	text := os.Getenv(configVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var cfg Config
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if err := Run(notify(), cfg, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

const configVariable = "MEDUSA_TEST_SERVER"
