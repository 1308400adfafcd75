package results

import (
	"math"
	"strings"
	"testing"
)

func TestRatioText(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	for _, c := range []struct {
		ratio, lo, hi float64
		want          string
	}{
		{2.9, 2.8, 3.0, "2.9x (2.8-3.0)"},
		{1.04, 1.021, 1.062, "1.04x (1.02-1.06)"},
		{1.1, 1.02, 1.2, "1.10x (1.02-1.20)"}, // not 1.1x (1.0-1.2): the bound is not 1
		{0.95, 0.9, 0.998, "0.950x (0.900-0.998)"},
		{12.4, 10, 15, "12x (10-15)"},
		{3, 3, 3, "3.00x (3.00-3.00)"},
		{500, 420, inf, "at least 420x"},
		{0.001, 0, 0.012, "at most 0.0120x"},
		{1, 0, inf, "an unknown multiple"},
	} {
		if got := ratioText(c.ratio, c.lo, c.hi); got != c.want {
			t.Errorf("ratioText(%v, %v, %v) = %q, want %q", c.ratio, c.lo, c.hi, got, c.want)
		}
	}
}

func TestChangeText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0.97, 1.04, "-3 % to +4 %"},
		{0.99, 1.02, "-1 % to +2 %"},
		{0.996, 1.003, "-0.4 % to +0.3 %"},
		{0, 1.5, "no bound to +50 %"},
		{0.5, math.Inf(1), "-50 % to no bound"},
		{0, math.Inf(1), "no bound either way"},
	} {
		if got := changeText(c.lo, c.hi); got != c.want {
			t.Errorf("changeText(%v, %v) = %q, want %q", c.lo, c.hi, got, c.want)
		}
	}
}

func TestSlopeText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v, lo, hi float64
		want      string
	}{
		{0.00197, 0.00193, 0.00201, "1.97 ns (1.93-2.01)"},
		{0, -0.00002, 0.00003, "0.00 ns (-0.02 to +0.03)"},
		{-0.002, -0.003, -0.001, "-2 ns (-3 to -1)"},
		{0.0005, 0.00001, 0.004, "0.50 ns (0.01-4.00)"}, // the bound is not 0
	} {
		if got := slopeText(Slope{Estimate: c.v, Lo: c.lo, Hi: c.hi}, 1000, " ns"); got != c.want {
			t.Errorf("slopeText(%v, %v, %v) = %q, want %q", c.v, c.lo, c.hi, got, c.want)
		}
	}
}

func TestQuantity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{8.1234, "us", "8.12 µs"}, {0.00197, "us", "1.97 ns"}, {12345, "us", "12.3 ms"}, {2.5e6, "us", "2.5 s"}, {0, "us", "0 ns"},
		{500, "ms", "500 ms"}, {0.0421, "ms", "42.1 µs"}, {1500, "ms", "1.5 s"},
		{0.503, "share", "50.3 %"}, {123456, "1/s", "123,000 per second"}, {4096, "bytes", "4 KiB"}, {520, "bytes", "520 bytes"},
		{2.0512, "", "2.05"}, {-3, "us", "-3 µs"},
	} {
		if got := quantity(c.v, c.unit); got != c.want {
			t.Errorf("quantity(%v, %q) = %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -20000: "-20,000", 1234.5: "1,234.5", 0.25: "0.25"} {
		if got := thousands(v); got != want {
			t.Errorf("thousands(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestCircumstances(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at   Setting
		want string
	}{
		{Setting{"idle_connections", 8000.0}, "at 8,000 idle connections"},
		{Setting{"idle_connections", 0.0}, "with no idle connections"},
		{Setting{"active_connections", 1.0}, "at 1 active connection"},
		{Setting{"nofile", 64.0}, "at a limit of 64 descriptors"},
		{Setting{"rate_share", 0.9}, "at 90 % of the baseline's capacity"},
		{Setting{"rate_share", 1.1}, "at 110 % of the baseline's capacity"},
		{Setting{"window_s", 3.0}, "at window_s 3"},
		{Setting{"load", "ping"}, "with load ping"},
	} {
		if got := circumstance(c.at); got != c.want {
			t.Errorf("circumstance(%v) = %q, want %q", c.at, got, c.want)
		}
	}
}

// has reports whether any sentence has this kind and text.
func has(sentences []Sentence, kind SentenceKind, part string) bool {
	for _, s := range sentences {
		if s.Kind == kind && strings.Contains(s.Text, part) {
			return true
		}
	}
	return false
}

func texts(sentences []Sentence) string {
	var out []string
	for _, s := range sentences {
		out = append(out, string(s.Kind)+": "+s.Text)
	}
	return strings.Join(out, "\n")
}

func TestFrontPage(t *testing.T) {
	t.Parallel()
	counters := func(level string, _ float64) map[string]float64 {
		return map[string]float64{"syscalls_per_request": 2, "events_per_wait": 40}
	}
	a := synthetic{blocks: 6, noise: 0.005, slope: true, seed: 1, metrics: counters}.analyse()
	assertReadable(t, a)
	for _, want := range []string{
		"At 8,000 idle connections, under saturation, a reply costs select ",
		"x (2.9", " the server CPU of epoll.",
		"Each idle connection adds to the server CPU of a reply: ",
		" ns (1.9", " under select, ", " under epoll.",
		"With no idle connections select and poll are the SAME as epoll within 5 %.",
	} {
		if !has(a.Answer, KindClaim, want) {
			t.Errorf("no claim says %q:\n%s", want, texts(a.Answer))
		}
	}
	if len(a.Answer) != 3 {
		t.Errorf("%d sentences, want 3:\n%s", len(a.Answer), texts(a.Answer))
	}
	if !has(a.Why, KindClaim, "select and poll make as many system calls a request as epoll") {
		t.Errorf("why:\n%s", texts(a.Why))
	}
	labels := map[string]string{}
	for _, l := range a.Believe {
		labels[l.Label] = l.Text
	}
	for label, want := range map[string]string{
		"trials":    "54 of 54 enter the answer; with every trial kept, no sentence changes",
		"machine":   "state moved by 0 % during the run; 0 % of 36 pairs straddle a change",
		"generator": "certificate: none (medusa calibrate makes one, before a run); closed loop only",
		"floor":     "not measured: how long a sleeping CPU takes",
		"tested":    "6 contrasts to epoll and 3 slopes, Holm 5 % in each family: none can be starred, as no exact p of 6 pairs is under 2/64 = 0.031",
	} {
		if !strings.Contains(labels[label], want) {
			t.Errorf("%s: %q lacks %q", label, labels[label], want)
		}
	}
}

// TestNothingIsClaimedOfNothing: with pure noise no sentence claims a
// difference or equality, and each unresolved one says what could be found.
func TestNothingIsClaimedOfNothing(t *testing.T) {
	t.Parallel()
	same := func(string, float64) float64 { return 8 }
	a := synthetic{blocks: 6, noise: 0.15, cost: same, seed: 9}.analyse()
	for _, s := range a.Answer {
		if s.Kind != KindUnresolved || !strings.Contains(s.Text, "NOT RESOLVED against epoll are select (") || strings.Count(s.Text, "this run could find ") != 2 {
			t.Errorf("%s: %s", s.Kind, s.Text)
		}
	}
	if len(a.Answer) != 2 {
		t.Errorf("%d sentences, want one of two levels at each end", len(a.Answer))
	}
}

// TestTooFewCleanPairs: the main analysis says that it cannot tell, and what
// the second one would say, as such.
func TestTooFewCleanPairs(t *testing.T) {
	t.Parallel()
	a := synthetic{blocks: 6, noise: 0.005, slope: true, levels: []string{"select", "epoll"}, touch: func(r *Record) {
		if r.Block <= 3 && r.Level == "select" {
			r.Verdict = VerdictNoisy
		}
	}}.analyse()
	want := "At 8,000 idle connections select against epoll: NOT RESOLVED (3 clean pairs, 3 noisy; a claim needs 6; with every trial kept: "
	if !has(a.Answer, KindUnresolved, want) || has(a.Answer, KindClaim, "under saturation") {
		t.Errorf("want %q:\n%s", want, texts(a.Answer))
	}
	if !has(a.Answer, KindUnresolved, "Growth with idle connections under select: NOT RESOLVED (3 clean blocks, 3 noisy at idle_connections=") {
		t.Errorf("no sentence on growth:\n%s", texts(a.Answer))
	}
	if !has(a.Answer, KindClaim, "under epoll") {
		t.Errorf("the baseline's own growth is clean:\n%s", texts(a.Answer))
	}
}

// TestWhyNeedsSupport: counters that contradict the cost, or do not decide,
// explain nothing.
func TestWhyNeedsSupport(t *testing.T) {
	t.Parallel()
	of := func(selects, epoll, eventsSelect, eventsEpoll float64) func(string, float64) map[string]float64 {
		return func(level string, _ float64) map[string]float64 {
			if level == "epoll" {
				return map[string]float64{"syscalls_per_request": epoll, "events_per_wait": eventsEpoll}
			}
			return map[string]float64{"syscalls_per_request": selects, "events_per_wait": eventsSelect}
		}
	}
	for _, c := range []struct {
		name    string
		metrics func(string, float64) map[string]float64
		want    string // "" for no sentence
	}{
		{"as many", of(2, 2, 40, 40), "select makes as many system calls a request as epoll ("},
		{"more", of(3, 2, 40, 40), "select makes more system calls a request than epoll ("},
		{"more, and fewer events", of(3, 2, 1.2, 40), ", and a wait brings fewer events (1.2"},
		{"fewer", of(1, 2, 40, 40), ""},
		{"none", nil, ""},
	} {
		a := synthetic{blocks: 6, levels: []string{"select", "epoll"}, metrics: c.metrics, seed: 5}.analyse()
		if got := texts(a.Why); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	cheap := synthetic{blocks: 6, levels: []string{"select", "epoll"}, metrics: of(3, 2, 1, 1), cost: func(string, float64) float64 { return 8 }}.analyse()
	if len(cheap.Why) != 0 {
		t.Errorf("what does not cost more is explained: %s", texts(cheap.Why))
	}
}

// Where a figure has the compared factor on its x axis, its levels are told with
// their values for each facet, and where nothing is clean it is said once.
func TestPointsAcross(t *testing.T) {
	t.Parallel()
	run := func(noisy func(*Record) bool) *Analysis {
		plan, records := synthetic{blocks: 2, idle: []float64{0, 2000, 8000}, touch: func(r *Record) {
			if noisy(r) {
				r.Verdict, r.Reasons = VerdictNoisy, []string{"noisy: made so"}
			}
		}}.run()
		plan.Figures = []Figure{{ID: "cost", Grid: "idle", X: "backend", Y: Columns{costColumn}, Facet: Columns{"idle_connections"}}}
		return Analyse(plan, records)
	}
	for _, c := range []struct {
		name  string
		noisy func(*Record) bool
		want  string
	}{
		{"all clean", func(*Record) bool { return false },
			": idle_connections=0: select 8 µs, poll 8 µs, epoll 8 µs; idle_connections=2000: select 12 µs, poll 12 µs, epoll 8 µs; idle_connections=8000: select 24 µs, poll 24 µs, epoll 8 µs (medians of 2 blocks"},
		{"some", func(r *Record) bool {
			return r.Factors["idle_connections"] == 2000.0 && r.Level != "poll" || r.Factors["idle_connections"] == 8000.0
		},
			": idle_connections=0: select 8 µs, poll 8 µs, epoll 8 µs; idle_connections=2000: poll 12 µs; no clean trial at idle_connections=8000 (medians"},
		{"none", func(*Record) bool { return true }, ": no clean trial (medians"},
	} {
		if a := run(c.noisy); !has(a.Answer, KindPoints, c.want) {
			t.Errorf("%s: no sentence has %q:\n%s", c.name, c.want, texts(a.Answer))
		}
	}
}

// TestStripWithoutClaims tells medians and says that they are no claim.
func TestStripWithoutClaims(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 3, idle: []float64{0, 8000}, touch: func(r *Record) {
		idle := r.Factors["idle_connections"].(float64)
		r.Metrics["ok_share"] = 1 - idle/16000
		r.Metrics["response_p99_ms"] = 2
		if idle > 0 {
			delete(r.Metrics, "response_p99_ms")
			r.Censored = map[string]float64{"response_p99_ms": 500}
		}
	}}.run()
	plan.Figures = []Figure{
		{ID: "ok", X: "idle_connections", Y: Columns{"ok_share"}},
		{ID: "p99", X: "idle_connections", Y: Columns{"response_p99_ms"}},
		{ID: "cost", Grid: "idle", X: "idle_connections", Y: Columns{costColumn}},
		{ID: "elsewhere", Grid: "other", X: "idle_connections", Y: Columns{"error_share"}},
	}
	a := Analyse(plan, records)
	assertReadable(t, a)
	for _, want := range []string{
		"at idle connections 0 and 8,000: select, poll and epoll 100 %, 50 % (medians of 3 blocks, points only, no claim).",
		": select, poll and epoll 2 ms, over 500 ms (medians of 3 blocks",
		": select 8 µs, 24 µs; poll 8 µs, 24 µs; epoll 8 µs, 8 µs (medians",
	} {
		if !has(a.Answer, KindPoints, want) {
			t.Errorf("no sentence has %q:\n%s", want, texts(a.Answer))
		}
	}
	if len(a.Answer) != 3 {
		t.Errorf("%d sentences, want 3", len(a.Answer))
	}
	if tested := a.Believe[len(a.Believe)-1].Text; !strings.Contains(tested, "nothing is tested") {
		t.Errorf("tested: %s", tested)
	}
	plan.Figures = nil
	if a := Analyse(plan, records); len(a.Answer) != 1 || a.Answer[0].Kind != KindNote {
		t.Errorf("without figures:\n%s", texts(a.Answer))
	}
}

func TestOtherMetricsAreTold(t *testing.T) {
	t.Parallel()
	plan, records := synthetic{blocks: 6, noise: 0.001, metrics: func(level string, idle float64) map[string]float64 {
		return map[string]float64{"response_p99_us": 100 * costOfSelect(level, idle)}
	}}.run()
	plan.Metrics.Primary = "response_p99_us"
	a := Analyse(plan, records)
	if want := "At 8,000 idle connections the response p99 is for select "; !has(a.Answer, KindClaim, want) || !has(a.Answer, KindClaim, " that of epoll.") {
		t.Errorf("want %q:\n%s", want, texts(a.Answer))
	}
	if len(a.Why) != 0 {
		t.Errorf("counters explain a latency: %s", texts(a.Why))
	}
}

// TestCertainAndSmall: a difference that is certain but inside the margin is
// told as both.
func TestCertainAndSmall(t *testing.T) {
	t.Parallel()
	a := synthetic{blocks: 6, noise: 0.001, levels: []string{"select", "epoll"}, idle: []float64{0}, seed: 3, cost: func(level string, _ float64) float64 {
		if level == "select" {
			return 8.16
		}
		return 8
	}}.analyse()
	if !has(a.Answer, KindClaim, "; for select that is certain, and less than 5 %.") {
		t.Errorf("%s", texts(a.Answer))
	}
}
