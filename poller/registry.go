package poller

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// Backend is a readiness mechanism by name, whether this system has it or not.
type Backend struct {
	// Name is what a user types.
	Name string
	// Traits are zero where the backend is not built for this system.
	Traits Traits
	// Available is nil if this system has the backend, and otherwise the
	// reason in words.
	Available func() error
	// Open starts a Poller. The caller closes it.
	Open func() (Poller, error)
}

// home lists every backend in the order in which people see them, and where it
// is at home: the reason to give on any other system.
var home = []struct{ name, systems string }{
	{"select", "Unix"},
	{"poll", "Unix"},
	{"epoll", "Linux"},
	{"epoll-et", "Linux"},
	{"io_uring-poll", "Linux"},
}

// built has the backends compiled into this program. The file of a backend
// enters itself, so that a new one is one file, and a line in home for its
// place.
var built = map[string]func() Backend{}

// register enters a backend. describe may ask the system; it is called when
// somebody looks, not when the program starts.
func register(name string, describe func() Backend) {
	if _, twice := built[name]; twice {
		panic("poller: two backends are named " + name)
	}
	built[name] = describe
}

// Backends are all backends, in a fixed order, with those that this system
// lacks: their Available says why.
func Backends() []Backend {
	list := make([]Backend, 0, len(home))
	for _, h := range home {
		if describe, ok := built[h.name]; ok {
			list = append(list, describe())
			continue
		}
		err := fmt.Errorf("only %s has %s; this is %s", h.systems, h.name, runtime.GOOS)
		list = append(list, Backend{
			Name:      h.name,
			Available: func() error { return err },
			Open:      func() (Poller, error) { return nil, err },
		})
	}
	return list
}

// Lookup finds a backend by its name. The error for an unknown name has the
// nearest one and the whole list.
func Lookup(name string) (Backend, error) {
	var names []string
	for _, b := range Backends() {
		if b.Name == name {
			return b, nil
		}
		names = append(names, b.Name)
	}
	hint := ""
	if near := nearest(name, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return Backend{}, fmt.Errorf("unknown backend %q%s (known: %s)", name, hint, strings.Join(names, ", "))
}

// Open starts a Poller of the named backend.
func Open(name string) (Poller, error) {
	b, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	if err := b.Available(); err != nil {
		return nil, fmt.Errorf("backend %s is not available: %w", name, err)
	}
	p, err := b.Open()
	if err != nil {
		return nil, fmt.Errorf("open backend %s: %w", name, err)
	}
	return p, nil
}

// nearest is the name that a slip of the hand may have meant, or "": at most
// two letters wrong, and fewer wrong than right.
func nearest(name string, names []string) string {
	best, found := min(2, len(name)/2), ""
	for _, n := range names {
		if d := distance(name, n); d <= best && (found == "" || d < best) {
			best, found = d, n
		}
	}
	return found
}

// distance is the number of bytes to insert, delete or replace to turn a into
// b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = slices.Min([]int{change, row[j] + 1, row[j+1] + 1})
		}
	}
	return row[len(b)]
}
