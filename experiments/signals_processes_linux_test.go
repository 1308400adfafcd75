package experiments

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The run delay of a server is that of its processes, wherever they stand among
// those of the trial; that of the load process and its helpers is not.
func TestRunDelayOfServerProcesses(t *testing.T) {
	s := fixtureProc(t, "quiet", "before")
	alone := s.Window([]int{1001, 1002}).RunDelay
	for pid, parent := range map[int]int{1002: 100, 1011: 1001, 1012: 1001, 1013: 1011, 1020: 1002} {
		task := filepath.Join(s.root, fmt.Sprint(pid), "task", fmt.Sprint(pid))
		if err := os.MkdirAll(task, 0o777); err != nil {
			t.Fatal(err)
		}
		stat := fmt.Sprintf("%d (a (b) c) S %d%s\n", pid, parent, strings.Repeat(" 0", 48))
		for name, text := range map[string]string{filepath.Join(s.root, fmt.Sprint(pid), "stat"): stat, filepath.Join(task, "schedstat"): fmt.Sprintf("5 %d 7\n", pid)} {
			if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := s.Window([]int{1001, 1002, 1020, 1011, 1012, 1013, 4711}).RunDelay
	if alone == nil || got == nil || *got-*alone != 1011+1012+1013 {
		t.Errorf("%v, alone %v", got, alone)
	}
	if err := os.Remove(filepath.Join(s.root, "1012", "task", "1012", "schedstat")); err != nil {
		t.Fatal(err)
	}
	if got := s.Window([]int{1001, 1011, 1012}).RunDelay; got != nil {
		t.Errorf("%d without one of them", *got)
	}
}
