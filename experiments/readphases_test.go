package experiments

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"medusa/control"
	"medusa/results"
)

const leaving = `schema: 1
name: leaving
question: Who has whose place?
factors: {backend: [epoll, poll]}
fixed: {mode: open, rate_rps: 100, offered_share: 2.0, nofile: 64, assign: turn, on_full: shed}
phases: {fill_s: 0.3, quiet_s: 0.5, hold_s: 4, leave_share: 0.5, recover_max_s: 3}
design: {blocks: 6, compare: backend, baseline: epoll}
metrics: {primary: response_p99_ms}
`

// What the phases and settings of a full server say reaches the load process.
func TestLeaveArguments(t *testing.T) {
	p := mustPlan(t, leaving, Request{}, testHost())
	phases, v := p.phases["leaving"], values(p.Trials[0].Settings)
	if want := (Phases{Fill: .3, Quiet: .5, Leave: .5, RecoverMax: 3}); phases != want || v.number("window_s") != 4 {
		t.Errorf("phases %+v, window_s %v; want %+v and 4", phases, v["window_s"], want)
	}
	r := loadRun{server: control.Ready{HTTP: "127.1.1.1:7"}, backend: "epoll", active: 10, phases: phases}
	got := strings.Join(loadArgs(v, r), " ")
	for _, want := range []string{" --assign turn --leave 0.5 --recover-limit 3s", " --duration 4s ", " --no-redial"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	if n := strings.Count(got, "--no-redial"); n != 1 {
		t.Errorf("--no-redial stands %d times", n)
	}
	if got := strings.Join(serverArgs(v, netip.MustParseAddr("127.1.1.1"), nil), " "); !strings.Contains(got, " --on-full shed") {
		t.Errorf("the server is not told what to do when it is full: %s", got)
	}
}

// What a grid says of phases is beside what the suite says; its own wins.
func TestPhasesOfGridAndSuite(t *testing.T) {
	const factors = "factors: {backend: [epoll, poll]}"
	text := strings.Replace(leaving, factors, "grids:\n  - {name: one, "+factors+", phases: {quiet_s: 1}}\n  - {name: two, "+factors+"}", 1)
	s, err := Parse("leaving.yaml", []byte(text))
	if err != nil || text == leaving {
		t.Fatal(err)
	}
	for i, quiet := range []float64{1, .5} {
		if want := (Phases{Fill: .3, Quiet: quiet, Leave: .5, RecoverMax: 3}); s.Grids[i].Phases != want {
			t.Errorf("grid %s: phases %+v, want %+v", s.Grids[i].Name, s.Grids[i].Phases, want)
		}
	}
}

func TestRecoveryIsWaitedFor(t *testing.T) {
	for _, c := range []struct {
		p    Phases
		want float64
	}{{Phases{}, 0}, {Phases{Leave: .5}, 5}, {Phases{Leave: .5, RecoverMax: 3}, 3}, {Phases{RecoverMax: 3}, 0}} {
		if got := c.p.recoverMax(); got != c.want {
			t.Errorf("%+v: %v s, want %v", c.p, got, c.want)
		}
	}
}

func TestPhaseErrors(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"hold_s: 4", "hold_s: 0.01", "hold_s must be between 0.05"},
		{"phases: {", "trial: {window_s: 2}\nphases: {", "hold_s is another name for window_s"},
		{"assign: turn,", "assign: turn, window_s: 2,", "hold_s is another name for window_s"},
		{"leave_share: 0.5", "leave_share: 1.5", "leave_share must be between 0 and 1"},
		{"leave_share: 0.5", "leave_shore: 0.5", `nearest is "leave_share"`},
		{"assign: turn", "assign: turns", "assign must be free or turn"},
		{"assign: turn,", "assign: turn, idle_first_request: false,", "remove idle_first_request: false"},
		{"assign: turn,", "assign: turn, load_processes: 2,", "remove load_processes"},
		{"assign: turn,", "keep_alive: false,", "leave_share needs clients that keep their connections"},
		{"assign: turn,", "assign: turn, keep_alive: false,", "assign: turn needs clients that keep their connections"},
	} {
		text := strings.Replace(leaving, c.from, c.to, 1)
		if _, err := Parse("leaving.yaml", []byte(text)); text == leaving || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.to, err, c.want)
		}
	}
}

// The snapshot of the quiet phase is a cheap one between that of the filled server
// and the window; without the phase there is none.
func TestQuietPhaseIsRead(t *testing.T) {
	for phases, want := range map[Phases]int64{{}: 0, {Quiet: 0.5}: 3e9} {
		synctest.Test(t, func(t *testing.T) {
			r := &results.Record{Trial: 1, ID: "00001", Settings: firstOf(t, smallSuite), ScheduleSeed: 1}
			if err := fakeBench(&fakeLauncher{}).run(t.Context(), r, phases, ""); err != nil || r.Failure != nil {
				t.Fatal(err, r.Failure)
			}
			q := r.Server.Quiet
			if (q == nil) != (want == 0) || q != nil && (q.AtNs != want || q.Full != nil) {
				t.Errorf("%+v: read %+v", phases, q)
			}
		})
	}
}
