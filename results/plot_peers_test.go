package results

import "testing"

// No server of another program has the colour of a backend or of another.
func TestPeersLookDifferent(t *testing.T) {
	t.Parallel()
	seen := map[any]string{excluded: "excluded"}
	for name, l := range backendLooks {
		seen[l.color] = name
	}
	for name, l := range peerLooks {
		if other := seen[l.color]; other != "" {
			t.Errorf("%s and %s have one colour", name, other)
		}
		seen[l.color] = name
		if got := lookOf(name, 3); got.color != l.color {
			t.Errorf("%s is drawn as %v", name, got)
		}
		if contrast := 1.05 / (luminance(readable(l.color)) + .05); contrast < 4.5 {
			t.Errorf("the label of %s has a contrast of %.2f, want 4.5", name, contrast)
		}
	}
}
