package control

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleVariable makes a copy of the test binary a fake process; see fake.
const roleVariable = "MEDUSA_TEST_COPY"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(fake(role))
	}
	os.Exit(m.Run())
}

// fake says ready, answers snapshots and ends with a report when told to go. A
// role is how it misbehaves.
func fake(role string) int {
	w := NewWriter(os.Stdout)
	w.Send(Event{Event: "ready", Ready: &Ready{PID: os.Getpid()}})
	switch role {
	case "dies":
		fmt.Fprintln(os.Stderr, "it hurts\nhere")
		return 3
	case "leaves":
		return 0
	case "complains":
		w.Send(Event{Event: "error", Message: "no luck"})
		return 1
	case "babbles":
		fmt.Println("hello")
	case "hangs":
		time.Sleep(time.Hour) // a select for ever is found out as a deadlock
	}
	err := Commands(os.Stdin, func(c Command) bool {
		if role == "fails late" {
			os.Exit(3)
		}
		switch c.Do {
		case "snapshot":
			w.Send(Event{Event: "snapshot", Snapshot: &Snapshot{Requests: 2, Connections: 1}})
		case "go":
			w.Send(Event{Event: "report", AtNs: 7})
			return false
		case "stop":
			return false
		}
		return true
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startFakes starts a fake for each role.
func startFakes(t *testing.T, last string, roles ...string) *Copies {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var argvs [][]string
	for _, role := range roles {
		argvs = append(argvs, []string{"/usr/bin/env", roleVariable + "=" + role, "GORACE=atexit_sleep_ms=0", self})
	}
	c, err := StartCopies(argvs, last)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.End(0)
		for _, pid := range c.PIDs() {
			if syscall.Kill(pid, 0) == nil {
				t.Errorf("process %d is left", pid)
			}
		}
	})
	return c
}

// Three copies go through a work together.
func TestCopies(t *testing.T) {
	t.Parallel()
	c := startFakes(t, "report", "good", "good", "good")
	rounds := NewRounds(3)
	var names []string
	for s := range c.Said() {
		if s.Err != nil {
			t.Fatal(s.Err)
		}
		round := rounds.Add(s.Copy, s.Event)
		if round == nil {
			continue
		}
		names = append(names, round[0].Event)
		switch round[0].Event {
		case "ready":
			for i, e := range round {
				if e.Ready.PID != c.PIDs()[i] {
					t.Errorf("copy %d is %d, not %d", i, e.Ready.PID, c.PIDs()[i])
				}
			}
			c.Send(Command{Do: "snapshot"})
			c.Send(Command{Do: "snapshot"})
			c.Send(Command{Do: "go"})
		case "snapshot":
			var all []Snapshot
			for _, e := range round {
				all = append(all, *e.Snapshot)
			}
			if s := Sum(all, nil); s.Requests != 6 || s.Connections != 3 {
				t.Errorf("the sum is %+v", s)
			}
		}
	}
	if got := strings.Join(names, " "); got != "ready snapshot snapshot report" {
		t.Errorf("rounds %s", got)
	}
}

// Whatever one copy does wrong is told, and names it.
func TestCopiesMisbehave(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ role, last, want string }{
		{"dies", "report", "process 2 of 3 (PID) ended: exit status 3: it hurts here"},
		{"leaves", "report", "process 2 of 3 (PID) ended too early, with status 0"},
		{"leaves", "", "process 2 of 3 (PID) ended too early, with status 0"},
		{"complains", "report", "process 2 of 3 (PID) failed: no luck"},
		{"babbles", "report", `process 2 of 3 (PID) wrote a line that is no event: "hello"`},
	} {
		t.Run(c.role+" "+c.last, func(t *testing.T) {
			t.Parallel()
			copies := startFakes(t, c.last, "good", c.role, "good")
			for s := range copies.Said() {
				if s.Err == nil {
					continue
				}
				want := strings.Replace(c.want, "PID", fmt.Sprint(copies.PIDs()[1]), 1)
				if s.Copy != 1 || s.Err.Error() != want {
					t.Errorf("copy %d: %q, want %q", s.Copy, s.Err, want)
				}
				return
			}
			t.Error("nothing was told")
		})
	}
}

// A copy that does not end when asked to is killed; the others are not.
func TestCopiesEnd(t *testing.T) {
	t.Parallel()
	c := startFakes(t, "", "good", "hangs")
	ready := 0
	for s := range c.Said() {
		if s.Err != nil {
			t.Fatal(s.Err)
		}
		if ready++; ready == 2 {
			break
		}
	}
	c.End(2 * time.Second)
	for i, want := range []string{"exit status 0", "signal: killed"} {
		if got := c.all[i].cmd.ProcessState.String(); got != want {
			t.Errorf("copy %d: %s, want %s", i, got, want)
		}
	}
}

// Copies that are asked to stop end in their own time, which is no failure; how one
// fails meanwhile is told.
func TestCopiesStop(t *testing.T) {
	t.Parallel()
	for want, roles := range map[string][]string{
		"":                                 {"good", "leaves", "good"},
		"process 2 of 3 (PID) ended: exit": {"good", "fails late", "good"},
	} {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		c := NewCopies(3, "")
		defer c.End(0)
		c.mayEnd.Store(true) // of one that leaves at once
		for _, role := range roles {
			if err := c.Start([]string{"/usr/bin/env", roleVariable + "=" + role, "GORACE=atexit_sleep_ms=0", self}); err != nil {
				t.Fatal(err)
			}
		}
		c.Stop()
		said := ""
		for s := range c.Said() { // until all have ended
			if s.Err != nil {
				said += strings.Replace(s.Err.Error(), fmt.Sprint(c.PIDs()[1]), "PID", 1)
			}
		}
		if want == "" && said != "" || !strings.HasPrefix(said, want) {
			t.Errorf("%q, want %q", said, want)
		}
	}
}

// Of copies some may never be started.
func TestCopiesNotAllStarted(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := NewCopies(3, "")
	if err := c.Start([]string{"/usr/bin/env", roleVariable + "=good", self}); err != nil {
		t.Fatal(err)
	}
	c.End(time.Minute)
	c.End(0)
	for range c.Said() { // it is closed
	}
}

func TestCopiesCannotStart(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	_, err = StartCopies([][]string{{"/usr/bin/env", roleVariable + "=good", self}, {"/nonexistent/medusa"}}, "")
	if err == nil || !strings.HasPrefix(err.Error(), "process 2 of 2: cannot start /nonexistent/medusa: ") {
		t.Errorf("%v", err)
	}
}

// Every count of a snapshot is in the sum, those of later versions too.
func TestSum(t *testing.T) {
	t.Parallel()
	one := Snapshot{Calls: map[string]uint64{"read": 3}, Full: &Full{}}
	count(reflect.ValueOf(&one).Elem(), 5)
	count(reflect.ValueOf(one.Full).Elem(), 5)
	two := one
	two.AtNs = 6
	other := *one.Full
	other.Sockets, other.SlabBytes, other.UnusedBytes, other.AnonBytes = 8, 9, 7, -1
	two.Full = &other
	got := Sum([]Snapshot{one, two}, []int{11, 12})
	if got.AtNs != 6 || got.Full.Sockets != 8 || got.Full.SlabBytes != 9 || got.Full.AnonBytes != -1 {
		t.Errorf("of the machine: %+v %+v", got, got.Full)
	}
	if got.Calls["read"] != 6 || !reflect.DeepEqual(got.PIDs, []int{11, 12}) || one.Full.OpenFDs != 5 {
		t.Errorf("%+v", got)
	}
	want, wantFull := Snapshot{}, Full{}
	count(reflect.ValueOf(&want).Elem(), 10)
	count(reflect.ValueOf(&wantFull).Elem(), 10)
	want.AtNs, want.Calls, want.PIDs, want.Full = 6, got.Calls, got.PIDs, got.Full
	wantFull.Sockets, wantFull.SlabBytes, wantFull.UnusedBytes, wantFull.AnonBytes = 8, 9, 7, -1
	if !reflect.DeepEqual(got, want) || *got.Full != wantFull {
		t.Errorf("the sum %+v %+v, want %+v %+v", got, got.Full, want, wantFull)
	}
}

// count sets every number of a struct.
func count(s reflect.Value, n uint64) {
	for i := range s.NumField() {
		switch f := s.Field(i); {
		case f.CanInt():
			f.SetInt(int64(n))
		case f.CanUint():
			f.SetUint(n)
		}
	}
}
