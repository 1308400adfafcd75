package experiments

import (
	"errors"
	"strings"
	"testing"

	"medusa/experiments/peers"
)

const generatorSuite = `
schema: 1
name: small
question: Does it matter who asks?
generators:
  other:
    command: [other, "{connections}", "{url}"]
    output: wrk
    needs: [other]
factors:
  load:
    medusa: {mode: closed}
    other: {generator: other}
fixed: {active_connections: 8, nofile: 4096}
trial: {warmup_s: 0.5, window_s: 1}
design: {blocks: 2, compare: load, baseline: medusa}
metrics: {primary: capacity_rps}
`

func TestParseGeneratorsWrong(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"output: wrk", "output: ab", `small.yaml:8: output must be that of wrk or h2load, not "ab"`},
		{"output: wrk", "outptu: wrk", `small.yaml:8: unknown key of a generator "outptu"; the nearest is "output"`},
		{"{url}", "{ulr}", "small.yaml:7: {ulr} stands for nothing; the nearest is {url}"},
		{"    output: wrk\n", "", "small.yaml:6: the generator other needs command and output"},
	} {
		if _, err := Parse("small.yaml", []byte(strings.Replace(generatorSuite, c.from, c.to, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v\nwant %s", c.to, err, c.want)
		}
	}
	for _, c := range []struct{ from, to, want string }{
		{"generator: other", "generator: othre", `there is no generator "othre"; the nearest is "other"`},
		{"generator: other", "load_backend: epol", `load_backend: there is no backend "epol"`},
	} {
		s, err := Parse("small.yaml", []byte(strings.Replace(generatorSuite, c.from, c.to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := MakePlan(s, Request{}, testHost()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.to, err, c.want)
		}
	}
}

// A load that another program cannot put is skipped, with the reason.
func TestPlanGenerators(t *testing.T) {
	if peers.Missing != "" {
		t.Skipf("SKIPPED: %s", peers.Missing)
	}
	h := testHost()
	h.Program = func(name string) (string, error) { return "/bin/" + name, nil }
	lacking := h
	lacking.Program = func(name string) (string, error) { return "", errors.New("the program " + name + " is not installed") }
	for _, c := range []struct {
		name, from, to string
		host           Host
		want           string
	}{
		{"can", "", "", h, ""},
		{"not installed", "", "", lacking, "the generator other is not here: the program other is not installed (scripts/peers.sh installs it)"},
		{"half seconds", "window_s: 1", "window_s: 1.5", h, "other counts whole seconds, not a window of 1.5 s"},
		{"by a schedule", "{mode: closed}\n    other: {generator: other}", "{mode: closed}\n    other: {generator: other, mode: open, rate_rps: 10}", h, "other is another program: it has closed loops only"},
		{"idle ones", "active_connections: 8", "active_connections: 8, idle_connections: 9", h, "other is another program: it asks by HTTP"},
		{"raw", "active_connections: 8", "active_connections: 8, protocol: raw", h, "other is another program: it asks by HTTP"},
		{"on a backend", "{generator: other}", "{generator: other, load_backend: poll}", h, "other is another program: it has no load_backend"},
		{"backend not here", "{generator: other}", "{load_backend: kqueue}", h, "the generator's backend kqueue is not here: it needs a BSD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustPlan(t, strings.Replace(generatorSuite, c.from, c.to, 1), Request{}, c.host)
			why := ""
			for _, s := range p.Skipped {
				why += s.Why
			}
			if (why == "") != (c.want == "") || !strings.Contains(why, c.want) {
				t.Errorf("skipped because %q, want %q", why, c.want)
			}
		})
	}
}
