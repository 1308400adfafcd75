package experiments

import (
	"fmt"
	"strings"
	"testing"
)

// --set gives a factor other numbers, but not the compared one, nor one that is
// no number.
func TestSetLevels(t *testing.T) {
	for _, c := range []struct{ set, levels, err string }{
		{"idle_connections=7", "[7]", ""},
		{"idle_connections=7, 300,7", "[7 300]", ""},
		{"idle_connections=7,x", "", `must be a number, not "7,x"`},
		{"idle_connections=-1", "", "must be between 0"},
		{"backend=poll", "", "backend is varied; choose among its levels with --only"},
		{"rate_rps=7", "", "rate_rps is varied"}, // by the levels of load
	} {
		s, err := Parse("demo.yaml", []byte(base))
		if err != nil {
			t.Fatal(err)
		}
		p, err := MakePlan(s, Request{Set: []string{c.set}}, testHost())
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.set, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.set, err)
			continue
		}
		if got := fmt.Sprint(levelNames(p.Grids[0].Factors["idle_connections"])); got != c.levels {
			t.Errorf("%s: levels %s, want %s", c.set, got, c.levels)
		}
		if fmt.Sprint(s.Grids[0].factor("idle_connections").names()) != "[0 100]" {
			t.Errorf("%s: the suite itself has changed", c.set)
		}
	}
	// The compared factor keeps its baseline, numbers or not.
	text := strings.NewReplacer("compare: backend, baseline: epoll", "compare: idle_connections, baseline: 0").Replace(base)
	s, err := Parse("demo.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := MakePlan(s, Request{Set: []string{"idle_connections=7"}}, testHost()); err == nil || !strings.Contains(err.Error(), "is varied") {
		t.Errorf("the compared factor: %v", err)
	}
}
