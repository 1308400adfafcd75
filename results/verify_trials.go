package results

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// derived computes metrics and verdict of each record again. What a record
// says nothing about is a column that its medusa did not have yet, and no
// difference.
func (v *Verification) derived(run *Run) {
	again := make([]Record, len(run.Records))
	each(len(run.Records), func(i int) {
		again[i] = run.Records[i]
		Derive(&again[i])
	})
	var metrics, verdicts []string
	columns := 0
	for i := range run.Records {
		stored, now := &run.Records[i], &again[i]
		columns += len(stored.Metrics)
		if problem := differentMetrics(stored, now); problem != "" {
			metrics = append(metrics, fmt.Sprintf("trial %d: %s", stored.Trial, problem))
		}
		if stored.Verdict != now.Verdict {
			verdicts = append(verdicts, fmt.Sprintf("trial %d is recorded as %s, its parts say %s", stored.Trial, stored.Verdict, now.Verdict))
		} else if !slices.Equal(stored.Reasons, now.Reasons) {
			verdicts = append(verdicts, fmt.Sprintf("trial %d is %s for other reasons than it says: %q", stored.Trial, stored.Verdict, now.Reasons))
		}
	}
	v.conclude("metrics", metrics, "%d metrics of %d trials follow from their raw parts", columns, len(run.Records))
	v.conclude("verdicts", verdicts, "%d verdicts follow from their raw parts", len(run.Records))
}

// each runs a job for 0 to n-1 on as many goroutines as there are processors:
// a permutation test and eight histograms a trial take their time over a
// thousand trials.
func each(n int, job func(i int)) {
	var group sync.WaitGroup
	next := make(chan int)
	for range max(1, min(n, runtime.GOMAXPROCS(0))) {
		group.Go(func() {
			for i := range next {
				job(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}

// differentMetrics returns the first difference between what a record says of
// its metrics and what follows from its parts; "" when there is none.
func differentMetrics(stored, now *Record) string {
	for _, column := range sortedKeys(stored.Metrics) {
		was := stored.Metrics[column]
		is, ok := now.Metrics[column]
		if !ok {
			return fmt.Sprintf("%s is recorded as %g, its parts give none: %s", column, was, now.Why(column))
		}
		if !sameNumber(was, is) {
			return fmt.Sprintf("%s is recorded as %g, its parts give %g", column, was, is)
		}
	}
	for _, column := range sortedKeys(stored.Censored) {
		was := stored.Censored[column]
		if is, ok := now.Censored[column]; !ok || !sameNumber(was, is) {
			return fmt.Sprintf("%s is recorded as at least %g, its parts do not say so", column, was)
		}
	}
	for _, column := range sortedKeys(stored.Missing) {
		if _, ok := now.Missing[column]; !ok {
			return fmt.Sprintf("%s is recorded as missing, its parts give it", column)
		}
	}
	if !slices.Equal(stored.Open, now.Open) {
		return fmt.Sprintf("the quantiles to be drawn open are recorded as %q, its parts give %q", stored.Open, now.Open)
	}
	return ""
}

// sameNumber allows for another order of floating-point operations on another
// processor (fused multiply-add).
func sameNumber(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-12*max(math.Abs(a), math.Abs(b))
}

// histograms compares the latency logs with the counts in the records. They
// are large and may have been left out of a copy: then that is said.
func (v *Verification) histograms(run *Run) {
	problems := make([]string, len(run.Records))
	absent := make([]bool, len(run.Records))
	each(len(run.Records), func(i int) {
		r := &run.Records[i]
		if r.Load == nil || r.Failure != nil {
			return
		}
		if checkID(r.ID) != nil || r.Load.LogError != "" {
			absent[i] = true // the one is said by another check, the other by the record
			return
		}
		counts, err := logCounts(histogramPath(run.Dir, r.ID))
		if errors.Is(err, os.ErrNotExist) {
			absent[i] = true
		} else if err != nil {
			problems[i] = err.Error()
		} else if problem := differentCounts(counts, r.Load); problem != "" {
			problems[i] = fmt.Sprintf("trial %d: %s", r.Trial, problem)
		}
	})
	expected, gone, why := 0, 0, ""
	for i := range run.Records {
		if r := &run.Records[i]; r.Load != nil && r.Failure == nil {
			expected++
		}
		if absent[i] {
			gone++
		}
		if l := run.Records[i].Load; why == "" && l != nil && l.LogError != "" {
			why = fmt.Sprintf(" (of trial %d it could not be written: %s)", run.Records[i].Trial, l.LogError)
		}
	}
	if compared := expected - gone; compared > 0 {
		problems = slices.DeleteFunc(problems, func(p string) bool { return p == "" })
		v.conclude("latency", problems, "%d latency logs have the counts of their records", compared)
	}
	if gone > 0 {
		v.add("latency logs", Notice, "%d of %d trials have no latency log in %s%s", gone, expected, latencyFolder, why)
	}
}

// logCounts reads an HdrHistogram log and returns how many values stand under
// each tag.
func logCounts(path string) (map[string]uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read a latency log: %w", err)
	}
	defer f.Close()
	counts := map[string]uint64{}
	for in := hdrhistogram.NewHistogramLogReader(f); ; {
		h, err := in.NextIntervalHistogram()
		if err != nil {
			return nil, fmt.Errorf("cannot read the latency log %s: %w", path, err)
		}
		if h == nil {
			return counts, nil
		}
		counts[h.Tag()] += uint64(h.TotalCount())
	}
}

// differentCounts returns the first tag whose count is not that of the report.
// In `response` failures stand at the timeout, so it has all requests of the
// window; other logs have what was measured, with the failures or without.
func differentCounts(counts map[string]uint64, l *LoadReport) string {
	for _, d := range []struct {
		tag  string
		dist *Dist
	}{
		{"response", &l.Response}, {"response_ok", &l.ResponseOK}, {"service", &l.Service}, {"first_byte", &l.FirstByte},
		{"connect", &l.Connect}, {"admission", &l.Admission}, {"lag", &l.Lag}, {"queue", &l.Queue},
	} {
		got, measured := counts[d.tag], d.dist.Count-min(d.dist.Failed, d.dist.Count)
		if got == d.dist.Count || got == measured && d.tag != "response" {
			continue
		}
		return fmt.Sprintf("the latency log has %d of %s, the record %d", got, d.tag, d.dist.Count)
	}
	return ""
}
