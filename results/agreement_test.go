package results

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"medusa/results/stats"
)

// times multiplies what a level costs in every trial.
func times(level string, factor float64) func(r *Record) {
	return func(r *Record) {
		if r.Level == level {
			r.Metrics[costColumn] *= factor
		}
	}
}

func verdicts(a Agreement, kind string) map[string]Agrees {
	out := map[string]Agrees{}
	for _, c := range a.Claims {
		if c.Kind == kind {
			out[c.What] = c.Verdict
		}
	}
	return out
}

// TestAgree: the synthetic truth has select at 3 times epoll with 8,000 idle
// connections, and all alike without any.
func TestAgree(t *testing.T) {
	t.Parallel()
	base := synthetic{blocks: 10, noise: 0.01, seed: 1}
	with := func(change func(s *synthetic)) *Analysis {
		s := base
		s.seed = 2
		change(&s)
		return s.analyse()
	}
	const at0, at8000 = "select against epoll at idle_connections=0", "select against epoll at idle_connections=8000"
	for _, c := range []struct {
		name string
		now  *Analysis
		what string
		want Agrees
	}{
		{"the same again", with(func(*synthetic) {}), at8000, AgreeFully},
		{"the same again", with(func(*synthetic) {}), at0, AgreeFully},
		{"a machine of half the speed", with(func(s *synthetic) { s.touch = func(r *Record) { r.Metrics[costColumn] *= 2 } }), at8000, AgreeFully},
		{"slower by more", with(func(s *synthetic) { s.touch = times("select", 1.2) }), at8000, AgreeInKind},
		{"slower, and was the same", with(func(s *synthetic) { s.touch = times("select", 1.2) }), at0, Disagree},
		{"faster, and was slower", with(func(s *synthetic) { s.touch = times("select", 0.1) }), at8000, Disagree},
		{"too noisy to say, but surely not 3 times", with(func(s *synthetic) { s.noise = 0.2; s.touch = times("select", 0.37) }), at8000, Disagree},
		{"too noisy to say", with(func(s *synthetic) { s.noise = 0.3 }), at0, AgreeUnknown},
		{"too few blocks", with(func(s *synthetic) { s.blocks = 5 }), at8000, ""},
	} {
		a := Agree(base.analyse(), c.now)
		if got := verdicts(a, "ratio")[c.what]; got != c.want {
			t.Errorf("%s: %s %q, want %q: %+v", c.name, c.what, got, c.want, a.Claims)
		}
	}
}

// What the wake floor does not let a run say is in no disagreement.
func TestAgreeFloor(t *testing.T) {
	t.Parallel()
	then, now := synthetic{blocks: 10, noise: 0.01, seed: 1}.analyse(), synthetic{blocks: 10, noise: 0.01, seed: 2, touch: times("select", 1.2)}.analyse()
	for i := range now.Contrasts {
		now.Contrasts[i].Floor, now.Contrasts[i].Outcome = "less than waking scatters", stats.NotResolved
	}
	for what, got := range verdicts(Agree(then, now), "ratio") {
		if got != AgreeUnknown {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// A slope's size is the machine's; whether it grows is not.
func TestAgreeSlopes(t *testing.T) {
	t.Parallel()
	then := synthetic{blocks: 10, noise: 0.01, seed: 1, slope: true}.analyse()
	for _, c := range []struct {
		name   string
		factor float64
		want   Agrees
	}{{"the same again", 1, AgreeFully}, {"half the speed", 2, AgreeInKind}} {
		now := synthetic{blocks: 10, noise: 0.01, seed: 2, slope: true, touch: func(r *Record) { r.Metrics[costColumn] *= c.factor }}.analyse()
		a := Agree(then, now)
		if got := verdicts(a, "slope")["growth of select with idle_connections"]; got != c.want {
			t.Errorf("%s: %q, want %q: %+v", c.name, got, c.want, a.Claims)
		}
	}
	flat := synthetic{blocks: 10, noise: 0.01, seed: 2, slope: true, touch: func(r *Record) { r.Metrics[costColumn] = 8 }}.analyse()
	if got := verdicts(Agree(then, flat), "slope")["growth of select with idle_connections"]; got != Disagree {
		t.Errorf("it no longer grows: %q", got)
	}
}

// TestAgreementIsTold: what only one run has is named, a table can be read, and
// JSON has no NaN.
func TestAgreementIsTold(t *testing.T) {
	t.Parallel()
	then := synthetic{blocks: 10, noise: 0.01, seed: 1, slope: true}.analyse()
	now := synthetic{blocks: 6, noise: 0.01, seed: 2, slope: true, levels: []string{"select", "epoll"}, touch: func(r *Record) {
		if r.Level == "select" && r.Block == 1 && r.Factors["idle_connections"] == 2000.0 {
			r.Verdict = VerdictFailed
		}
	}}.analyse()
	a := Agree(then, now)
	if len(a.OnlyThen) != 4 || len(a.OnlyNow) != 0 || !slices.Contains(a.OnlyThen, "poll against epoll at idle_connections=8000") {
		t.Errorf("only then %q, only now %q", a.OnlyThen, a.OnlyNow)
	}
	if back := Agree(now, then); len(back.OnlyNow) != 4 || len(back.OnlyThen) != 0 {
		t.Errorf("the other way: %q, %q", back.OnlyThen, back.OnlyNow)
	}
	var text strings.Builder
	if err := a.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"select against epoll at idle_connections=8000", "3.00x (", "slower", "grows", "agrees", "5 claims of both runs", "1 not resolved", "Only in the first run: poll against epoll"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &text)
		}
	}
	if strings.Contains(text.String(), "NaN") || strings.Contains(text.String(), "Inf") {
		t.Errorf("%s", &text)
	}
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Claims []struct {
			What string
			Then struct{ Estimate, Lo, Hi *float64 }
			Now  struct {
				N  int
				Lo *float64
			}
			Change struct{ Estimate *float64 }
		}
	}
	if err := json.Unmarshal(b, &read); err != nil {
		t.Fatal(err)
	}
	for i, c := range read.Claims {
		if c.Then.Estimate == nil || math.Abs(*c.Then.Estimate-a.Claims[i].Then.Estimate) > 1e-9 || c.Now.N != a.Claims[i].Now.N || (c.Now.Lo == nil) != math.IsNaN(a.Claims[i].Now.Lo) {
			t.Errorf("%s: %+v, %+v", c.What, c, a.Claims[i])
		}
	}
	var none strings.Builder
	if err := Agree(then, synthetic{blocks: 3}.analyse()).Write(&none); err != nil || !strings.Contains(none.String(), "No claim is in both runs") {
		t.Errorf("%v: %s", err, &none)
	}
}
