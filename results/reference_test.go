package results

import (
	"path/filepath"
	"testing"
)

// TestReferenceRuns: the runs that are kept agree with what this program makes
// of their records.
func TestReferenceRuns(t *testing.T) {
	t.Parallel()
	runs, err := filepath.Glob("reference/*")
	if err != nil || len(runs) == 0 {
		t.Fatalf("no reference runs: %v", err)
	}
	for _, dir := range runs {
		v, err := Verify(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, c := range v.Checks {
			if c.Status == Fail {
				t.Errorf("%s: %s: %s", dir, c.Name, c.Line)
			}
		}
	}
}
