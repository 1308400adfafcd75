package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestCommands(t *testing.T) {
	long := `{"do":"stop"}` + strings.Repeat(" ", maxLine)
	tests := []struct {
		name, in, want, err string
	}{
		{"all", "{\"do\":\"go\"}\n\n {\"do\":\"snapshot\",\"full\":true} \r\n{\"do\":\"stop\"}", "[{go false 0 false} {snapshot true 0 false} {stop false 0 false}]", ""},
		{"settled", `{"do":"snapshot","full":true,"settle":true}`, "[{snapshot true 0 true}]", ""},
		{"none", "", "[]", ""},
		{"told to end", "{\"do\":\"stop\"}\n{\"do\":\"go\"}\nx", "[{stop false 0 false}]", ""},
		{"no JSON", "{\"do\":\"go\"}\nstop\n", "[{go false 0 false}]", "line 2 of the commands: not a JSON command"},
		{"unknown", `{"do":"jump"}`, "[]", `unknown command "jump": give "go", "snapshot" or "stop"`},
		{"unknown key", `{"do":"stop","when":1}`, "[]", `unknown field "when"`},
		{"two in a line", `{"do":"go"}{"do":"stop"}`, "[]", "more than one command"},
		{"a bracket behind", `{"do":"go"}]`, "[]", "more than one command"},
		{"too long", long, "[]", "token too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := []Command{}
			err := Commands(iotest.OneByteReader(strings.NewReader(test.in)), func(c Command) bool {
				got = append(got, c)
				return c.Do != "stop" || test.name != "told to end"
			})
			if fmt.Sprint(got) != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, want %q", err, test.err)
			}
		})
	}
	broken := errors.New("broken")
	if err := Commands(iotest.ErrReader(broken), func(Command) bool { return true }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func FuzzParseCommand(f *testing.F) {
	f.Add([]byte(`{"do":"snapshot","full":true}`))
	f.Add([]byte(`{"do":"stop"} {}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := ParseCommand(line)
		if err != nil {
			return
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := ParseCommand(again); err != nil || d != c {
			t.Errorf("%q means %+v, written again %+v, %v", line, c, d, err)
		}
	})
}

// TestWriter: events of many goroutines come as whole lines, and what a reader
// makes of them is what was sent.
// What is heard is what Commands reads, until nobody listens.
func TestHear(t *testing.T) {
	over := make(chan struct{})
	commands, ended := Hear(strings.NewReader("{\"do\":\"go\"}\n{\"do\":\"jump\"}\n"), over)
	var got []Command
	for c := range commands {
		got = append(got, c)
	}
	if err := <-ended; len(got) != 1 || err == nil || !strings.Contains(err.Error(), `unknown command "jump"`) {
		t.Errorf("%v, %v", got, err)
	}
	commands, ended = Hear(strings.NewReader(strings.Repeat(`{"do":"go"}`+"\n", 3)), over)
	<-commands
	close(over)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	sent := []Event{
		{Event: "ready", AtNs: 1, Ready: &Ready{HTTP: "127.0.0.1:80", PID: 2, CPUs: []int{0}}},
		{Event: "snapshot", Snapshot: &Snapshot{Calls: map[string]uint64{"read": 3}, Full: &Full{Sockets: -1}}},
		{Event: "filled", Filled: &Filled{Open: 4}},
		{Event: "error", Message: "a\nb"},
	}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			for _, e := range sent {
				if err := w.Send(e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	count := map[string]int{}
	for line := range bytes.Lines(b.Bytes()) {
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		count[e.Event]++
		for _, want := range sent {
			if want.Event == e.Event {
				if diff := cmp.Diff(want, e); diff != "" {
					t.Error(diff)
				}
			}
		}
	}
	for _, e := range sent {
		if count[e.Event] != 50 {
			t.Errorf("%d events %s", count[e.Event], e.Event)
		}
	}
	broken := errors.New("broken")
	if err := NewWriter(failing{broken}).Send(sent[0]); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
