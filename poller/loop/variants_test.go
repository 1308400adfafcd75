package loop

import (
	"slices"
	"strings"
)

// variants are backends as no user opens them, with next to no room or without
// what their kernel may lack, as NAME/VARIANT.
var variants = map[string]func(*Config) (after func(engine)){}

// everyBackend lists the backends of this system, their variants, and sim.
func everyBackend() (names []string) {
	for _, b := range Backends() {
		if b.Missing == "" {
			names = append(names, b.Name)
		}
	}
	for name := range variants {
		if backend, _, _ := strings.Cut(name, "/"); slices.Contains(names, backend) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return append(names, "sim")
}

// newOn opens a loop on a name of everyBackend.
func newOn(name string, cfg Config) (*Loop, error) {
	cfg.Backend, _, _ = strings.Cut(name, "/")
	var after func(engine)
	if v := variants[name]; v != nil {
		after = v(&cfg)
	}
	l, err := New(cfg)
	if err == nil && after != nil {
		after(l.eng)
	}
	return l, err
}
