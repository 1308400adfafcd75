package results

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"medusa/results/stats"
)

func TestParseFailIf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want FailIf
		err  string
	}{
		{"epoll-et.ratio > 1.05", FailIf{Level: "epoll-et", Field: "ratio", Op: ">", Number: 1.05}, ""},
		{"any.slower", FailIf{Level: "any", Field: "slower"}, ""},
		{"poll.lo>=1.1 at idle_connections=0", FailIf{Level: "poll", Field: "lo", Op: ">=", Number: 1.1, At: []Setting{{"idle_connections", "0"}}}, ""},
		{" any.p_holm < 5e-2 at a=1, b = x", FailIf{Level: "any", Field: "p_holm", Op: "<", Number: 0.05, At: []Setting{{"a", "1"}, {"b", "x"}}}, ""},
		{"0.5.hi <= 1", FailIf{Level: "0.5", Field: "hi", Op: "<=", Number: 1}, ""},
		{"", FailIf{}, "column 1: it must be LEVEL.FIELD"},
		{"slower", FailIf{}, "column 1: it must be"},
		{".slower", FailIf{}, "column 1: it must be"},
		{"poll.slow", FailIf{}, `column 6: there is no outcome "slow"; the nearest is "slower"`},
		{"poll.ration > 1", FailIf{}, `column 6: there is no field "ration"; the nearest is "ratio"`},
		{"poll.ratio", FailIf{}, "column 6: ratio needs a comparison"},
		{"poll.slower > 1", FailIf{}, "column 6: slower is an outcome"},
		{"poll.ratio = 1", FailIf{}, `column 12: "=" is no comparison`},
		{"poll.ratio >> 1", FailIf{}, `column 12: ">>" is no comparison`},
		{"poll.ratio > 5%", FailIf{}, `column 14: "5%" is no number`},
		{"poll.ratio > 1 and poll.slower", FailIf{}, `column 14: "1 and poll.slower" is no number`},
		{"poll.ratio > NaN", FailIf{}, "is no number"},
		{"poll.slower at idle", FailIf{}, `column 16: the place "idle" must be NAME=LEVEL`},
		{"poll.slower at a=1, b", FailIf{}, `column 21: the place "b" must be`},
	} {
		got, err := ParseFailIf(c.text)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: error %v, want %q", c.text, err, c.err)
			}
			continue
		}
		got.Text, got.levelAt, got.placeAt = "", 0, 0
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q is %+v, %v; want %+v", c.text, got, err, c.want)
		}
	}
}

// judged are rows: select is slower at 8,000 idle connections and the same at
// none, poll is not resolved at none and has too few pairs at 8,000.
func judged() []Judged {
	nan := math.NaN()
	at := func(idle string) func(string) (string, bool) {
		return func(name string) (string, bool) {
			v, ok := map[string]string{"idle_connections": idle, "grid": "idle"}[name]
			return v, ok
		}
	}
	return []Judged{
		{Level: "select", Ratio: 1.01, Lo: 0.99, Hi: 1.03, P: 0.4, PHolm: 1, N: 12, Outcome: stats.Same, Interval: true, Text: "select at 0", placed: at("0")},
		{Level: "select", Ratio: 2.9, Lo: 2.8, Hi: 3.0, P: 0.001, PHolm: 0.01, N: 12, Outcome: stats.Slower, Starred: true, Interval: true, Text: "select at 8000", placed: at("8000")},
		{Level: "poll", Ratio: 1.04, Lo: 0.9, Hi: 1.2, P: 0.3, PHolm: 1, N: 12, Outcome: stats.NotResolved, Interval: true, Text: "poll at 0", placed: at("0")},
		{Level: "poll", Ratio: 2.8, Lo: nan, Hi: nan, P: nan, PHolm: nan, N: 4, Outcome: stats.NotResolved, Text: "poll at 8000", placed: at("8000")},
	}
}

func TestFailIfJudges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want Tri
		row  string
		err  string
	}{
		{"select.ratio > 1.05", True, "select at 8000", ""},
		{"select.ratio > 1.05 at idle_connections=0", False, "", ""},
		{"select.ratio > 1.05 at idle_connections=0.0", False, "", ""},
		{"select.hi > 1.02 at idle_connections=0", True, "select at 0", ""},
		{"any.slower", True, "select at 8000", ""},
		{"any.faster", Unknown, "poll at 0", ""},
		{"select.faster", False, "", ""},
		{"poll.slower at idle_connections=0", Unknown, "poll at 0", ""},
		{"poll.ratio > 1.03 at idle_connections=0", Unknown, "poll at 0", ""},
		{"poll.ratio > 1.05 at idle_connections=0", Unknown, "poll at 0", ""},
		{"poll.ratio > 1.25 at idle_connections=0", False, "", ""},
		{"poll.ratio < 1.25 at idle_connections=0", True, "poll at 0", ""},
		{"poll.ratio < 0.8 at idle_connections=0", False, "", ""},
		{"poll.lo > 1.1 at idle_connections=8000", Unknown, "poll at 8000", ""},
		{"poll.ratio > 1.1 at idle_connections=8000", Unknown, "poll at 8000", ""},
		{"poll.n < 6", True, "poll at 8000", ""},
		{"poll.unresolved", True, "poll at 0", ""},
		{"select.unresolved", False, "", ""},
		{"any.starred", True, "select at 8000", ""},
		{"any.p_holm <= 0.01 at grid=idle", True, "select at 8000", ""},
		{"selct.slower", False, "", `column 1: no row is of the level "selct"; the nearest is "select"`},
		{"any.slower at idle_connections=800", False, "", "column 15: no row has idle_connections=800; the nearest is idle_connections=8000"},
		{"any.slower at idle=80", False, "", "no row of any is at idle=80"},
	} {
		f, err := ParseFailIf(c.text)
		if err != nil {
			t.Fatal(err)
		}
		got, row, err := f.Judge(judged())
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if err != nil || got != c.want || row != c.row {
			t.Errorf("%q is %v of %q, %v; want %v of %q", c.text, got, row, err, c.want, c.row)
		}
	}
}

// TestFailIfOnRealRows: rows of both comparisons are judged with their places.
func TestFailIfOnRealRows(t *testing.T) {
	t.Parallel()
	a, b := twoRuns(12)
	inside, err := Compare(a, CompareQuery{})
	if err != nil {
		t.Fatal(err)
	}
	between, err := CompareRuns(a, b, CompareQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		rows []Judged
		want Tri
		row  string
	}{
		{"select.slower at idle_connections=2000", inside.Judged(), True, "select at idle_connections=2000: 1.5"},
		{"any.slower at idle_connections=0, mode=closed", inside.Judged(), False, ""},
		{"poll.faster", between.Judged(), True, "poll at idle_connections=0: 0.8"},
		{"select.slower", between.Judged(), False, ""},
	} {
		f, err := ParseFailIf(c.text)
		if err != nil {
			t.Fatal(err)
		}
		got, row, err := f.Judge(c.rows)
		if err != nil || got != c.want || !strings.HasPrefix(row, c.row) {
			t.Errorf("%q is %v of %q, %v; want %v of %q", c.text, got, row, err, c.want, c.row)
		}
	}
	f, err := ParseFailIf("epoll.slower")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Judge(between.Judged()); err == nil {
		t.Error("the anchor is compared with itself")
	}
}

// TestFailIfKnowsNoCensoredRatio: of a row of which only bounds are known the
// ratio is unknown, its bounds are not.
func TestFailIfKnowsNoCensoredRatio(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 8, noise: 0.01, idle: []float64{0}, touch: func(r *Record) {
		r.Metrics["response_p99_us"] = 100
		if r.Level == "select" {
			delete(r.Metrics, "response_p99_us")
			r.Censored = map[string]float64{"response_p99_us": 1e6}
		}
	}}.run()
	c, err := Compare(&Run{Plan: plan, Records: records}, CompareQuery{Metric: "response_p99_us"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]Tri{"select.ratio > 1": True, "select.lo > 1000": True, "select.slower": True} {
		f, err := ParseFailIf(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := f.Judge(c.Judged()); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
}
