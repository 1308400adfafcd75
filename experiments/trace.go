package experiments

import (
	"fmt"
	"path/filepath"

	"medusa/loadgen"
)

// traceHash is the name under which the settings of a trial hold the SHA-256 of
// its trace. No suite sets it: a plan does, when it has read the file.
const traceHash = "trace_sha256"

// traceWrong returns what is wrong about a trace of arrivals; "" when nothing is.
func (v values) traceWrong() string {
	switch traced := v.text("arrivals") == loadgen.Traced; {
	case !traced && v.has("trace"):
		return "trace is a file of arrivals: set arrivals: trace"
	case !traced:
		return ""
	case !v.has("trace"):
		return "arrivals: trace needs trace: the file of their times"
	case v.text("mode") != "open":
		return "a closed loop (mode: closed) has no schedule: remove the trace, or set mode: open"
	case v.has("rate_rps") || v.has("rate_share"):
		return "a trace has its own rate: remove rate_rps and rate_share"
	}
	return ""
}

// traceFiles are the traces of a plan, each read once.
type traceFiles struct {
	dir  string // of the suite's file
	read map[string]*loadgen.Trace
}

// complete reads the trace of a trial, if it has one, and puts into the
// settings where the file is and what it holds.
func (t *traceFiles) complete(v values) error {
	if v.text("arrivals") != loadgen.Traced {
		return nil
	}
	name := v.text("trace")
	if !filepath.IsAbs(name) {
		name = filepath.Join(t.dir, name)
	}
	// The load process may have another working directory.
	name, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	if t.read[name] == nil {
		if t.read[name], err = loadgen.ReadTraceFile(name); err != nil {
			return fmt.Errorf("trace: %w", err)
		}
	}
	if err := t.read[name].Covers(secs(v.number("warmup_s") + v.number("window_s"))); err != nil {
		return fmt.Errorf("trace %s: %w", v.text("trace"), err)
	}
	v["trace"], v[traceHash] = name, t.read[name].SHA256
	return nil
}
