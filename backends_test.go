package main

import (
	"slices"
	"strings"
	"testing"

	"medusa/poller/loop"
)

// TestBackendsList: each name stands with whether it is here or why not, and
// with what the kernel granted where something was asked for.
func TestBackendsList(t *testing.T) {
	var b strings.Builder
	err := writeBackends(&b, []loop.BackendInfo{
		{Name: "epoll", Engine: "readiness", Mode: "level", Note: "Linux's own."},
		{Name: "kqueue", Missing: "only on macOS and the BSDs; this is linux"},
		{Name: "io_uring", Engine: "completion", Note: "A ring.", Granted: "256 entries"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nepoll     yes", "\nkqueue    no: only on macOS and the BSDs; this is linux  -  ", "\nio_uring  yes",
		"\nepoll: Linux's own.\n", "\nio_uring: A ring.\n  io_uring was granted: 256 entries\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the list lacks %q:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "\nkqueue: ") || strings.Count(b.String(), "granted") != 1 {
		t.Errorf("the list says something of nothing:\n%s", b.String())
	}
}

// TestHelpNamesBackends: the help promises the backends that are here, and no
// other.
func TestHelpNamesBackends(t *testing.T) {
	words := strings.FieldsFunc(description(), func(r rune) bool { return strings.ContainsRune(" ,:()?.\n", r) })
	for _, b := range loop.Backends() {
		if named := slices.Contains(words, b.Name); named != (b.Missing == "") {
			t.Errorf("%s is named: %v; it is missing because %q:\n%s", b.Name, named, b.Missing, description())
		}
	}
}
