package experiments

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"medusa/results"
)

const forbidden = "the kernel refuses io_uring_setup: operation not permitted"

// forbidding is a machine that has io_uring and forbids it.
func forbidding() Host {
	h := testHost()
	h.Backends = append(h.Backends, BackendInfo{"io_uring", forbidden})
	return h
}

// What a suite asks for and the machine lacks is said: of `here` everything,
// of a list or of --only what is named there.
func TestPlanNotHere(t *testing.T) {
	listed := strings.Replace(base, "backend: here", "backend: [epoll, io_uring, poll]", 1)
	for _, c := range []struct {
		name, text string
		only       []string
		notHere    string
		skipped    string
		levels     string
	}{
		{"here", base, nil, "kqueue io_uring", "", "select poll epoll goroutines"},
		{"here, a part", base, []string{"backend=epoll,poll"}, "", "", "poll epoll"},
		{"here, named", base, []string{"backend=epoll,io_uring"}, "io_uring", "demo backend=io_uring", "epoll"},
		{"listed", listed, nil, "io_uring", "demo backend=io_uring", "epoll poll"},
		{"listed, a part", listed, []string{"backend=poll,epoll"}, "", "", "epoll poll"},
		{"fixed", byWait, nil, "", "", "block poll"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustPlan(t, c.text, Request{Only: c.only}, forbidding())
			var lacks, skipped, levels []string
			for _, b := range p.NotHere {
				lacks = append(lacks, b.Backend)
				if b.Backend == "io_uring" && b.Why != forbidden {
					t.Errorf("io_uring is not here because %q", b.Why)
				}
			}
			for _, s := range p.Skipped {
				skipped = append(skipped, s.What)
			}
			levels = levelNames(p.Grids[0].Factors[p.Design.Compare])
			for got, want := range map[string]string{strings.Join(lacks, " "): c.notHere, strings.Join(skipped, " "): c.skipped, strings.Join(levels, " "): c.levels} {
				if got != want {
					t.Errorf("%q, want %q", got, want)
				}
			}
			var b strings.Builder
			p.Describe(&b)
			if said := strings.Contains(b.String(), "not on this system: io_uring: "+forbidden+"\n"); said != strings.Contains(c.notHere, "io_uring") {
				t.Errorf("the estimate is\n%s", b.String())
			}
		})
	}
}

// A baseline that the machine lacks is a warning, with the reason.
func TestPlanBaselineNotHere(t *testing.T) {
	p := mustPlan(t, strings.Replace(base, "baseline: epoll", "baseline: io_uring", 1), Request{}, forbidding())
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "without its baseline io_uring ("+forbidden+"): nothing is compared") {
		t.Errorf("notes %v", p.Notes)
	}
}

// A forbidden backend is skipped and said so in the run folder; one that is
// here and does not open for another reason fails its trials, and the run.
func TestRunBackendsThatDoNotOpen(t *testing.T) {
	const text = `
schema: 1
name: small
question: Does the runner run?
factors: {backend: [io_uring, select, epoll], idle_connections: [0, 10]}
trial: {warmup_s: 0.5, window_s: 2}
design: {blocks: 2, compare: backend, baseline: epoll, seed: 7}
metrics: {primary: server_cpu_us_per_request}
`
	for _, c := range []struct {
		name   string
		fault  fault
		failed int
		err    string
	}{
		{"all open", fault{}, 0, ""},
		{"too many open files", fault{"server", "emfile", 1}, 4, "every trial failed of select: server-start: the server process failed: open backend select: too many open files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &fakeLauncher{faults: func(argv []string) fault {
					if strings.Contains(strings.Join(argv, " "), "serve --control stdio --backend select") {
						return c.fault
					}
					return fault{}
				}}
				b := fakeBench(l)
				b.host = forbidding()
				outcome, run, progress, err := fakeRun(t, t.Context(), text, Request{}, b)
				if outcome == nil || outcome.Run != 8 || outcome.Failed != c.failed || len(run.Records) != 8 {
					t.Fatalf("outcome %+v, error %v", outcome, err)
				}
				if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				if want := (results.NotHere{Backend: "io_uring", Why: forbidden}); len(run.Plan.NotHere) != 1 || run.Plan.NotHere[0] != want {
					t.Errorf("the plan lacks %v: %v", want, run.Plan.NotHere)
				}
				if why := run.Environment.Before.Backends["io_uring"]; why != forbidden {
					t.Errorf("the environment says of io_uring %q", why)
				}
				if !strings.Contains(progress, "not on this system: io_uring: "+forbidden) {
					t.Errorf("the progress does not say it:\n%s", progress)
				}
				for _, file := range []string{"plan.json", "environment.json"} {
					text, err := os.ReadFile(filepath.Join(outcome.Dir, file))
					if err != nil || !json.Valid(text) || !strings.Contains(string(text), forbidden) {
						t.Errorf("%s does not say it (%v)", file, err)
					}
				}
			})
		})
	}
}
