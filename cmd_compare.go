package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"medusa/results"
)

type compareCmd struct {
	Folders       []string `arg:"" name:"run" help:"Run folder; two to compare runs with each other."`
	By            string   `help:"Factor whose levels are compared (the suite's compared factor, the only one with pairs)." placeholder:"FACTOR"`
	Baseline      string   `help:"Level to compare with (the suite's); 'best': the one that is best on odd blocks, compared on even ones. Of two runs the anchor." placeholder:"LEVEL"`
	Metric        string   `help:"Column to compare (the suite's primary metric); see 'medusa columns'." placeholder:"COLUMN"`
	Margin        string   `help:"Relative difference that counts as the same (5%)." placeholder:"PERCENT"`
	Where         []string `sep:"none" help:"Only settings with this level. Repeatable." placeholder:"KEY=VALUE"`
	FailIf        []string `sep:"none" help:"End with status 1 when a row fulfils this: 'epoll-et.ratio > 1.05', 'any.slower', 'poll.lo > 1.1 at idle_connections=0'. Repeatable." placeholder:"EXPR"`
	FailIfUnknown bool     `help:"End with status 1 too when a --fail-if cannot be decided: not resolved, or too few pairs."`
	JSON          bool     `name:"json" help:"As JSON."`
}

// compared is what both comparisons offer.
type compared interface {
	WriteText(io.Writer) error
	Judged() []results.Judged
}

func (c compareCmd) Run(s streams) error {
	query, conditions, err := c.asked()
	if err != nil {
		return usage(err)
	}
	var runs []*results.Run
	for _, folder := range c.Folders {
		run, err := results.Open(folder)
		if err != nil {
			return err
		}
		runs = append(runs, run)
	}
	var found compared
	if len(runs) == 2 {
		found, err = asCompared(results.CompareRuns(runs[0], runs[1], query))
	} else {
		found, err = asCompared(results.Compare(runs[0], query))
	}
	if err != nil {
		return usage(err)
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		err = e.Encode(found)
	} else {
		err = found.WriteText(s.out)
	}
	if err != nil {
		return err
	}
	return c.judge(s, conditions, found.Judged())
}

// asCompared keeps a nil pointer from becoming an interface that is not nil.
func asCompared[T compared](found T, err error) (compared, error) {
	if err != nil {
		return nil, err
	}
	return found, nil
}

// asked is what the flags ask for.
func (c compareCmd) asked() (results.CompareQuery, []results.FailIf, error) {
	q := results.CompareQuery{By: c.By, Baseline: c.Baseline, Metric: c.Metric}
	if len(c.Folders) > 2 {
		return q, nil, errors.New("compare takes one run folder, or two")
	}
	if c.Margin != "" {
		var err error
		if q.Margin, err = percent(c.Margin); err != nil {
			return q, nil, fmt.Errorf("--margin %w", err)
		}
	}
	for _, w := range c.Where {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			return q, nil, fmt.Errorf("--where %q: give KEY=VALUE", w)
		}
		q.Where = append(q.Where, results.Setting{Factor: key, Level: value})
	}
	var conditions []results.FailIf
	for _, text := range c.FailIf {
		f, err := results.ParseFailIf(text)
		if err != nil {
			return q, nil, err
		}
		conditions = append(conditions, f)
	}
	if c.FailIfUnknown && len(conditions) == 0 {
		return q, nil, errors.New("--fail-if-unknown needs a --fail-if")
	}
	return q, conditions, nil
}

// judge ends with an error when a condition holds.
func (c compareCmd) judge(s streams, conditions []results.FailIf, rows []results.Judged) error {
	var failed []string
	for _, f := range conditions {
		truth, row, err := f.Judge(rows)
		switch {
		case err != nil:
			return usage(err)
		case truth == results.True:
			failed = append(failed, fmt.Sprintf("--fail-if %q holds: %s", f.Text, row))
		case truth == results.Unknown && c.FailIfUnknown:
			failed = append(failed, fmt.Sprintf("--fail-if %q cannot be decided: %s", f.Text, row))
		case truth == results.Unknown:
			fmt.Fprintf(s.err, "medusa: warning: --fail-if %q cannot be decided: %s\n", f.Text, row)
		}
	}
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, "; "))
	}
	return nil
}

// percent reads "5%" as 0.05, between 0 and 100 %, both excluded.
func percent(text string) (float64, error) {
	number, ok := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(v > 0 && v < 100) {
		return 0, fmt.Errorf("%q: give a percentage between 0%% and 100%%, such as 5%%", text)
	}
	return v / 100, nil
}
