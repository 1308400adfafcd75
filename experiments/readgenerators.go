package experiments

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"medusa/experiments/peers"
	"medusa/results"
)

// LoadGenerator is a load generator of another program that a suite gives a
// name, for the setting generator.
type LoadGenerator struct{ peers.Generator }

var generatorKeys = []string{"command", "output", "needs", "version"}

// readGenerators reads the generators of a suite: name: {command: [...],
// output: wrk}.
func (s *Suite) readGenerators(p place) error {
	pairs, err := p.pairs("generators")
	if err != nil {
		return err
	}
	for _, e := range pairs {
		g := LoadGenerator{peers.Generator{Name: e.key}}
		keys, err := e.value.pairs("the generator " + e.key)
		if err != nil {
			return err
		}
		for _, k := range keys {
			switch k.key {
			case "command":
				if g.Command, err = k.value.texts(k.key); err == nil {
					err = k.value.locate(peers.CheckGeneratorWords(g.Command))
				}
			case "output":
				if g.Output, err = k.value.text(k.key); err == nil && !contains(peers.Outputs, g.Output) {
					err = k.value.fail("output must be that of %s, not %q", orList(peers.Outputs), g.Output)
				}
			case "needs":
				g.Needs, err = k.value.texts(k.key)
			case "version":
				g.Version, err = k.value.texts(k.key)
			default:
				err = k.unknown("key of a generator", generatorKeys...)
			}
			if err != nil {
				return err
			}
		}
		if len(g.Command) == 0 || g.Output == "" {
			return e.at.fail("the generator %s needs command and output", e.key)
		}
		s.Generators = append(s.Generators, g)
	}
	return nil
}

// cannotLoad is why a generator cannot put the load that a cell asks for; ""
// when it can. The error is for one that exists nowhere.
func (h Host) cannotLoad(v values) (why string, err error) {
	if name := v.text("load_backend"); name != "" {
		why, err := h.backend(name)
		switch {
		case err != nil || h.isPeer(name):
			return "", fmt.Errorf("load_backend: there is no backend %q", name)
		case why != "":
			return fmt.Sprintf("the generator's backend %s is not here: %s", name, why), nil
		}
	}
	name := v.text("generator")
	if name == "" {
		return "", nil
	}
	var names []string
	known := false
	for _, g := range h.Generators {
		names = append(names, g.Name)
		if g.Name == name {
			known, why = true, g.Why
		}
	}
	window := v.number("window_s")
	switch {
	case !known:
		return "", fmt.Errorf("there is no generator %q; the nearest is %q", name, results.Nearest(name, names))
	case why != "":
		return fmt.Sprintf("the generator %s is not here: %s", name, why), nil
	case v.text("mode") != "closed":
		return name + " is another program: it has closed loops only", nil
	case v.text("protocol") != "http" || !v.on("keep_alive") || v.number("depth") > 1 || v.number("idle_connections") > 0 || v.has("offered_share"):
		return name + " is another program: it asks by HTTP, on connections that it keeps, one request at a time and on all of them", nil
	case v.lines():
		return name + " is another program: it has no slow lines, and keeps its connections", nil
	case window != math.Trunc(window):
		return fmt.Sprintf("%s counts whole seconds, not a window of %s s", name, show(window)), nil
	case v.has("load_backend"):
		return name + " is another program: it has no load_backend", nil
	}
	return "", nil
}

// loadCommand returns the arguments of the trial's load process.
func (t *trial) loadCommand(r loadRun) ([]string, error) {
	if name := t.set.text("load_backend"); name != "" {
		r.backend = name
	}
	g, ok := t.generators[t.set.text("generator")]
	if !ok {
		return loadArgs(t.set, r), nil
	}
	text, err := json.Marshal(g)
	if err != nil {
		return nil, err
	}
	v := t.set
	a := []string{"load-peer", base64.RawURLEncoding.EncodeToString(text), "--control", "stdio", "--url", target(v, r.server),
		"--connections", strconv.Itoa(r.active), "--warmup", secs(v.number("warmup_s")).String(), "--duration", secs(v.number("window_s")).String(),
		"--timeout", ms(v.number("request_timeout_ms")).String()}
	if len(r.cpu) > 0 {
		a = append(a, "--cpu", cpuList(r.cpu))
	}
	return a, nil
}
