package results

import (
	"bytes"
	"encoding/csv"
	"math"
	"strconv"
	"strings"

	"medusa/results/stats"
)

// stripFile is the run strip's file name without extension.
const stripFile = "run-strip"

// renderStrip prepares the figure that every report ends with: what the
// machine did while the run went on.
func renderStrip(run *Run, a *Analysis) rendered {
	s := &strip{
		title:    "How fast the machine was at each trial",
		subtitle: strings.Join(append(machineShort(run.Environment.Before), run.Plan.Suite, countOf(len(a.Records), "trial", "trials")+" in order of execution"), " · "),
	}
	medians := edgeMedians(a.Records)
	block := map[string]bool{}
	for i := range a.Records {
		r := &a.Records[i]
		key := r.Grid + " " + strconv.Itoa(r.Block)
		t := stripTrial{number: r.Trial, before: math.NaN(), after: math.NaN(), verdict: r.Verdict, newBlock: !block[key]}
		block[key] = true
		if r.Machine != nil {
			t.before = relativeProbe(r.Machine.ProbeBeforeNs, medians)
			t.after = relativeProbe(r.Machine.ProbeAfterNs, medians)
		}
		s.trials = append(s.trials, t)
	}
	out := rendered{file: stripFile, draw: s.draw, csv: s.csv()}
	out.caption = "Time of a fixed piece of work (system calls and an integer loop, on the CPUs of server and generator), before and after each trial, relative to the run's median."
	out.read = "A level line is a machine that kept its speed. A step is a machine that changed: pairs of trials that stand side by side still compare fairly, absolute numbers do not. A vertical stroke joins a trial's two probes. A mark on the lower edge has no probe."
	return out
}

// edgeMedians is for each CPU the median of all probes of the run.
func edgeMedians(records []Record) []float64 {
	var byCPU [][]float64
	for i := range records {
		m := records[i].Machine
		if m == nil {
			continue
		}
		for _, probes := range [][]float64{m.ProbeBeforeNs, m.ProbeAfterNs} {
			for cpu, v := range probes {
				for cpu >= len(byCPU) {
					byCPU = append(byCPU, nil)
				}
				if v > 0 {
					byCPU[cpu] = append(byCPU[cpu], v)
				}
			}
		}
	}
	medians := make([]float64, len(byCPU))
	for cpu, probes := range byCPU {
		medians[cpu] = stats.Median(probes)
	}
	return medians
}

// relativeProbe is the mean over CPUs of a probe relative to its median there;
// NaN where there is none.
func relativeProbe(probes, medians []float64) float64 {
	sum, n := 0.0, 0
	for cpu, v := range probes {
		if v > 0 && medians[cpu] > 0 {
			sum += v / medians[cpu]
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

// csv writes the numbers behind the strip.
func (t *strip) csv() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	write(w, []string{"trial", "probe_before", "probe_after", "verdict"})
	for _, trial := range t.trials {
		write(w, []string{strconv.Itoa(trial.number), csvNumber(trial.before), csvNumber(trial.after), trial.verdict})
	}
	w.Flush()
	return b.Bytes()
}
