package loop

import (
	"strings"
	"testing"
)

// TestCheckIsForUsers: "sim" is for tests, which open it without Check.
func TestCheckIsForUsers(t *testing.T) {
	for _, b := range Backends() {
		if err := (Config{Backend: b.Name}).Check(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"sim", "kpoll", ""} {
		err := Config{Backend: name}.Check()
		if err == nil || !strings.Contains(err.Error(), "unknown backend") || strings.Contains(err.Error(), ", sim") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := New(Config{Backend: "sim"}); err != nil {
		t.Error(err)
	}
}
