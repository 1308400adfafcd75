package results

import (
	"fmt"
	"strings"
	"time"
)

// environmentRow is one fact about the machine. After is set where it changed.
type environmentRow struct {
	Name, Before, After string
}

func environmentRows(e Environment) []environmentRow {
	before := facts(e.Before)
	var after [][2]string
	if e.After != nil {
		after = facts(*e.After)
	}
	var out []environmentRow
	for _, f := range before {
		row := environmentRow{Name: f[0], Before: f[1]}
		for _, g := range after {
			if g[0] == f[0] && g[1] != f[1] {
				row.After = g[1]
			}
		}
		out = append(out, row)
	}
	return out
}

// facts are a machine's facts by name; unknown ones are left out.
func facts(m Machine) [][2]string {
	var out [][2]string
	add := func(name, value string) {
		if value != "" && value != "0" {
			out = append(out, [2]string{name, value})
		}
	}
	if m.UnixNs != 0 {
		add("looked at", time.Unix(0, m.UnixNs).UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	add("system", strings.TrimSpace(m.OS+" "+m.Arch))
	add("kernel", m.Kernel)
	add("CPU", m.CPUModel)
	add("CPUs", fmt.Sprint(m.CPUs))
	add("memory", fmt.Sprintf("%s GiB", significantDigits(float64(m.MemoryBytes)/(1<<30), 3)))
	add("virtual machine", m.Virtual)
	add("governor", m.Governor)
	add("clock source", m.ClockSource)
	add("congestion control", m.Congestion)
	add("descriptor limit", fmt.Sprintf("%s (hard %s)", thousands(float64(m.NoFileSoft)), thousands(float64(m.NoFileHard))))
	add("load average", m.LoadAverage)
	add("Go", m.GoVersion)
	add("medusa", m.Medusa)
	add("binary SHA-256", m.BinarySHA256)
	add("binary SHA-256 of the load", m.LoadSHA256)
	for _, name := range sortedKeys(m.Mitigations) {
		add("mitigation "+name, m.Mitigations[name])
	}
	for _, name := range sortedKeys(m.Sysctl) {
		add(name, m.Sysctl[name])
	}
	for _, name := range sortedKeys(m.Backends) {
		why := m.Backends[name]
		if why == "" {
			why = "here"
		} else {
			why = "not here: " + why
		}
		add("backend "+name, why)
	}
	add("unknown here", strings.Join(m.Unknown, ", "))
	return out
}

// machineLines are the facts that a figure must carry to mean anything.
func machineLines(run *Run) []Line {
	m := run.Environment.Before
	var out []Line
	add := func(label, text string) {
		if text != "" {
			out = append(out, Line{label, text})
		}
	}
	add("machine", strings.Join(machineShort(m), ", "))
	if m.Virtual != "" {
		add("virtual", m.Virtual)
	}
	add("mitigations", mitigationsText(m))
	add("TCP", strings.Join(settingsSeen(run, "congestion"), ", ")+" congestion control")
	if m.NoFileHard > 0 {
		add("descriptors", fmt.Sprintf("limit %s, hard %s", thousands(float64(m.NoFileSoft)), thousands(float64(m.NoFileHard))))
	}
	var lacks []string
	for _, b := range run.Plan.NotHere {
		lacks = append(lacks, b.Backend+": "+b.Why)
	}
	add("not on this system", strings.Join(lacks, "; "))
	procs := map[string]bool{}
	for i := range run.Records {
		if s := run.Records[i].Server; s != nil {
			procs[fmt.Sprint(s.GOMAXPROCS)] = true
		}
	}
	add("GOMAXPROCS", strings.Join(sortedKeys(procs), ", "))
	add("built with", strings.TrimSpace(m.GoVersion+", medusa "+m.Medusa))
	add("resumed", resumedText(run.Environment))
	out = append(out, checkupLines(run.Environment.Doctor)...)
	for _, s := range run.Environment.Resumed {
		for _, l := range checkupLines(s.Doctor) {
			l.Label += fmt.Sprintf(" from trial %d", s.FromTrial)
			out = append(out, l)
		}
	}
	return out
}

// mitigationsText says which of the processor's flaws the kernel works around.
func mitigationsText(m Machine) string {
	var vulnerable, mitigated []string
	for _, name := range sortedKeys(m.Mitigations) {
		switch v := m.Mitigations[name]; {
		case strings.HasPrefix(v, "Mitigation"):
			mitigated = append(mitigated, name)
		case strings.HasPrefix(v, "Vulnerable"):
			vulnerable = append(vulnerable, name)
		}
	}
	var text []string
	if len(mitigated) > 0 {
		text = append(text, "on for "+joinWords(mitigated))
	}
	if len(vulnerable) > 0 {
		text = append(text, "off for "+joinWords(vulnerable))
	}
	return strings.Join(text, "; ")
}

// settingsSeen are the values of a setting over the plan's trials, or the
// system's own where the suite sets none.
func settingsSeen(run *Run, name string) []string {
	seen := map[string]bool{}
	for _, t := range run.Plan.Trials {
		if v := LevelText(t.Settings[name]); v != "" {
			seen[v] = true
		}
	}
	if len(seen) == 0 && run.Environment.Before.Congestion != "" {
		seen[run.Environment.Before.Congestion] = true
	}
	return sortedKeys(seen)
}
