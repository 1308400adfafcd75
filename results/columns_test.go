package results

import (
	"slices"
	"strings"
	"testing"
)

func TestColumnsAreComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range AllColumns() {
		if seen[c.Name] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name] = true
		if c.Name == "" || c.Meaning == "" || !slices.Contains([]Kind{Metric, Factor, Place}, c.Kind) {
			t.Errorf("%+v lacks a name, meaning or kind", c)
		}
		if c.Kind != Metric && (c.Better != Neither || c.Censored || c.ByMode) || c.Kind == Metric && c.Text {
			t.Errorf("%+v has what its kind cannot have", c)
		}
		for suffix, unit := range map[string]string{"_us": "us", "_ms": "ms", "_rps": "1/s", "_per_s": "1/s", "_share": "share"} {
			if strings.HasSuffix(c.Name, suffix) && c.Unit != unit {
				t.Errorf("%s has unit %q", c.Name, c.Unit)
			}
		}
	}
	for _, name := range strings.Fields(`server_cpu_us_per_request total_cpu_us_per_request response_p50_us response_p90_us
		response_p99_us response_p999_us response_p50_ms response_p90_ms response_p99_ms response_p999_ms response_ok_p50_us
		response_ok_p99_us service_p50_us service_p99_us first_byte_p50_us connect_p50_us connect_p99_us admission_p50_ms
		admission_p99_ms lag_p50_us lag_p99_us queue_p99_us capacity_rps achieved_rps intended_rps ok_share refused_share
		timed_out_share unserved_share error_share syscalls_per_request events_per_wait waits_per_request
		server_rss_bytes_per_connection server_anon_bytes_per_connection busy_share accept_failures_per_s usable_fds
		open_fds_peak opened_per_s switches_per_request gc_cycles backend idle_connections nofile offered_share`) {
		if !seen[name] {
			t.Errorf("there is no column %s", name)
		}
	}
}

func TestLookupNamesTheNearest(t *testing.T) {
	t.Parallel()
	if c, err := LookupColumn("response_p99_us"); err != nil || c.Unit != "us" || !c.Censored || c.Better != Lower {
		t.Errorf("%+v, %v", c, err)
	}
	for wrong, near := range map[string]string{
		"respones_p99_us": "response_p99_us", "nofiles": "nofile", "Backend": "backend", "serve_cpu_us_per_req": "server_cpu_us_per_request",
	} {
		if _, err := LookupColumn(wrong); err == nil || !strings.Contains(err.Error(), `"`+near+`"`) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want the nearest name %s", wrong, err, near)
		}
	}
	if Nearest("x", nil) != "" {
		t.Error("the nearest of no names is a name")
	}
}

func TestLookupKnowsThePlansOwnFactors(t *testing.T) {
	t.Parallel()
	plan := Plan{Suite: "s", Grids: []GridPlan{
		{Factors: map[string][]any{"load": {"ping", "saturated"}, "backend": {"epoll"}}},
		{Factors: map[string][]any{"load": {"ping"}, "depth": {1.0, 2.0}}},
	}}
	if c, err := plan.LookupColumn("load"); err != nil || !c.Text || c.Kind != Factor {
		t.Errorf("load: %+v, %v", c, err)
	}
	if c, err := plan.LookupColumn("depth"); err != nil || c.Text {
		t.Errorf("depth: %+v, %v", c, err)
	}
	if _, err := plan.LookupColumn("lod"); err == nil || !strings.Contains(err.Error(), `"load"`) {
		t.Errorf("lod: %v", err)
	}
	if _, err := LookupColumn("load"); err == nil {
		t.Error("a factor of one suite is known everywhere")
	}
}

func TestValueAndText(t *testing.T) {
	t.Parallel()
	r := &Record{
		Trial: 7, Block: 2, Level: "epoll", Verdict: VerdictNoisy,
		Factors:  map[string]any{"idle_connections": 2000, "load": "ping", "offered_share": 0.9},
		Settings: map[string]any{"nofile": uint64(1024), "keep_alive": true, "rate_rps": 1e6, "path": "/64"},
		Metrics:  map[string]float64{"achieved_rps": 12.5},
		Missing:  map[string]string{"capacity_rps": "open"},
		Censored: map[string]float64{"response_p99_ms": 1000},
	}
	for column, want := range map[string]struct {
		value float64
		ok    bool
		text  string
	}{
		"idle_connections": {2000, true, "2000"},
		"offered_share":    {0.9, true, "0.9"},
		"load":             {0, false, "ping"},
		"nofile":           {1024, true, "1024"},
		"rate_rps":         {1e6, true, "1000000"},
		"keep_alive":       {0, false, "true"},
		"path":             {0, false, "/64"},
		"achieved_rps":     {12.5, true, "12.5"},
		"capacity_rps":     {0, false, ""},
		"response_p99_ms":  {0, false, ""},
		"trial":            {7, true, "7"},
		"block":            {2, true, "2"},
		"level":            {0, false, "epoll"},
		"verdict":          {0, false, "noisy"},
		"nothing":          {0, false, ""},
	} {
		v, ok := r.Value(column)
		if v != want.value || ok != want.ok || r.Text(column) != want.text {
			t.Errorf("%s: %v, %v, %q; want %+v", column, v, ok, r.Text(column), want)
		}
	}
	for column, why := range map[string]string{
		"achieved_rps": "", "capacity_rps": "open", "response_p99_ms": "at least 1000", "gc_cycles": "has no gc_cycles",
	} {
		if got := r.Why(column); !strings.Contains(got, why) || why == "" && got != "" {
			t.Errorf("why no %s: %q, want %q", column, got, why)
		}
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"same", "same", 0}, {"ab", "ba", 2}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("distance of %q and %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
