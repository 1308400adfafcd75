package loop

import (
	"slices"
	"strings"
	"testing"
)

// TestElsewhere: a name of another system is listed with where it is to be
// had, once; on its own system only the backend itself enters it.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		goos   string
		listed []BackendInfo
		want   string
	}{
		{"linux", nil, "kqueue: only on macOS and the BSDs; this is linux"},
		{"linux", []BackendInfo{{Name: "kqueue"}}, ""},
		{"freebsd", nil, ""},
	} {
		var got []string
		for _, b := range absent(c.goos, c.listed) {
			got = append(got, b.Name+": "+b.Missing)
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s beside %v: %q, want %q", c.goos, c.listed, text, c.want)
		}
	}
	var names []string
	for _, b := range Backends() {
		if slices.Contains(names, b.Name) {
			t.Errorf("%s is listed twice", b.Name)
		}
		names = append(names, b.Name)
		if b.Missing != "" && b.Granted != "" {
			t.Errorf("%s is not here (%s) and was granted %s", b.Name, b.Missing, b.Granted)
		}
		if b.Missing == "" {
			continue
		}
		if _, err := New(Config{Backend: b.Name}); err == nil || !strings.Contains(err.Error(), b.Missing) {
			t.Errorf("%s, which is not here, opens with error %v", b.Name, err)
		}
	}
}
