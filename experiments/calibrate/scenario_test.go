package calibrate

import "testing"

func TestEngines(t *testing.T) {
	truth := CheckEngines(7)
	if !truth.Pass || len(truth.Parts) == 0 {
		t.Errorf("%+v", truth)
	}
	one, err := playScenario("sim", 7)
	if err != nil {
		t.Fatal(err)
	}
	other, err := playScenario("sim", 8)
	if err != nil {
		t.Fatal(err)
	}
	for i := range one {
		if one[i] == other[i] {
			t.Errorf("conversation %d is the same with another seed: %s", i, one[i])
		}
	}
}

func TestStatistics(t *testing.T) {
	for _, truth := range CheckStatistics() {
		if !truth.Pass {
			t.Errorf("%+v", truth)
		}
		if truth.FalseFail == nil || *truth.FalseFail > .2 {
			t.Errorf("%s: a correct one fails in %v of all cases", truth.ID, truth.FalseFail)
		}
	}
}
