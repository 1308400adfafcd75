package experiments

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"medusa/control"
	"medusa/experiments/peers"
	"medusa/results"
)

// fakeLate is how long after the window's edges, in nanoseconds, the fake's
// snapshots are.
const fakeLate = 10_000_000

// peer stands for the process that runs a server of another program: it counts
// no requests, and spends 8 us of CPU time on each.
func (f *fake) peer() error {
	text, err := base64.RawURLEncoding.DecodeString(f.args[1])
	if err != nil {
		return err
	}
	var spec peers.Spec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	ready := &control.Ready{
		PID: f.pid, Backend: spec.Name, Engine: "peer", HTTP: f.flag("--address") + ":80", NoFile: 20_000, UsableFDs: 19_000,
		Peer: &control.Peer{Version: "1.0", Command: spec.Command},
	}
	for _, file := range spec.Files() {
		ready.Peer.Files = append(ready.Peer.Files, control.PeerFile{Name: file.Name, SHA256: file.SHA256()})
	}
	if err := f.say("server", control.Event{Event: "ready", Ready: ready}); err != nil {
		return err
	}
	in := bufio.NewScanner(f.in)
	for n := 0; in.Scan(); n++ {
		if strings.Contains(in.Text(), "stop") {
			return nil
		}
		served := int64([]int{0, 0, 1, 2, 2}[min(n, 4)]) * fakeRequests
		s := &control.Snapshot{AtNs: int64(n+1)*1e9 + fakeLate, CPUNs: served * 8000, PIDs: []int{f.pid + 1}, VoluntarySwitches: served}
		if strings.Contains(in.Text(), "full") {
			s.Full = &control.Full{OpenFDs: 8, RSSBytes: 8 << 20, AnonBytes: 1 << 20}
			if n == 1 {
				s.Connections = 100
			}
		}
		if err := f.say("server", control.Event{Event: "snapshot", Snapshot: s}); err != nil {
			return err
		}
	}
	return nil
}

const peerSuite = `
schema: 1
name: small
question: How does another program compare?
servers:
  other:
    command: [other, -c, "{config}", "{address}:{port}"]
    config: nginx/tuned.conf
    needs: [other]
    version: [other, -v]
factors: {backend: [epoll, other]}
fixed: {active_connections: 100, nofile: 4096}
trial: {warmup_s: 0.5, window_s: 1}
design: {blocks: 2, compare: backend, baseline: epoll, seed: 7}
metrics: {primary: server_cpu_us_per_request}
`

// peerBench is a bench of fakes that has the program "other".
func peerBench(t *testing.T, l Launcher) *bench {
	b := fakeBench(l)
	b.host.Program = func(name string) (string, error) {
		if name == "other" {
			return "/usr/bin/other", nil
		}
		return "", errors.New("the program " + name + " is not installed")
	}
	s, err := Parse("small.yaml", []byte(peerSuite))
	if err != nil {
		t.Fatal(err)
	}
	b.peers = map[string]peers.Spec{}
	for _, server := range s.Servers {
		b.peers[server.Name] = server.Spec
	}
	return b
}

// seenPIDs is a quiet machine that remembers whose CPU time is not foreign.
type seenPIDs struct {
	fakeSignals
	pids *[][]int
}

func (s seenPIDs) Window(pids []int) windowReading {
	*s.pids = append(*s.pids, pids)
	return s.fakeSignals.Window(pids)
}

// A server of another program stands in a suite as a backend does: its requests
// are the generator's, what it does not count is missing with the reason, and it
// is valid with a note.
func TestRunPeer(t *testing.T) {
	if peers.Missing != "" {
		t.Skipf("SKIPPED: %s", peers.Missing)
	}
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLauncher{}
		b, windows := peerBench(t, l), [][]int{}
		b.signals = seenPIDs{pids: &windows}
		outcome, run, _, err := fakeRun(t, t.Context(), peerSuite, Request{}, b)
		if err != nil {
			t.Fatal(err)
		}
		if outcome.Failed != 0 || len(run.Records) != 4 {
			t.Fatalf("outcome %+v", outcome)
		}
		for i, r := range run.Records {
			// Two readings a trial; the server's processes are the trial's.
			if own := windows[2*i]; r.Level == "other" && !slices.Contains(own, r.Server.PID+1) || len(own) != map[string]int{"other": 3, "epoll": 2}[r.Level] {
				t.Errorf("trial %d of %s has the processes %v", r.Trial, r.Level, own)
			}
			if r.Verdict != results.VerdictValid {
				t.Errorf("trial %d of %s is %s: %v", r.Trial, r.Level, r.Verdict, r.Reasons)
			}
			if r.Level != "other" {
				if r.Server.Peer != nil || r.Server.RequestsBy != "" || len(r.Notes) > 0 {
					t.Errorf("%s is taken for another program: %+v, %v", r.Level, r.Server, r.Notes)
				}
				continue
			}
			// The fake's edges are not told: nothing is taken off.
			if v := r.Metrics["server_cpu_us_per_request"]; v != 8 {
				t.Errorf("%v us per request, want 8", v)
			}
			if v := r.Metrics["switches_per_request"]; v != 1 {
				t.Errorf("%v switches per request, want 1", v)
			}
			if v := r.Metrics["server_anon_bytes_per_connection"]; v != 0 {
				t.Errorf("%v bytes per connection", v)
			}
			for _, column := range []string{"syscalls_per_request", "events_per_wait", "opened_per_s"} {
				if why := r.Why(column); !strings.Contains(why, "other is another program") {
					t.Errorf("%s: %q", column, why)
				}
			}
			if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "10000 that the generator saw answered, of which 1 (0.01 %)") {
				t.Errorf("notes %q", r.Notes)
			}
			p := r.Server.Peer
			if p == nil || p.Version != "1.0" || len(p.Files) != 1 || p.Files[0].Name != "nginx/tuned.conf" || r.Server.RequestsBy != results.ByLoad {
				t.Errorf("recorded as %+v", p)
			}
		}
		kept, err := os.ReadFile(filepath.Join(outcome.Dir, "peers", "nginx", "tuned.conf"))
		if err != nil || !strings.Contains(string(kept), "sendfile on") {
			t.Errorf("the run folder keeps %d bytes, %v", len(kept), err)
		}
		// Of four servers two are started as peers, on the server's CPU and
		// watched from the other.
		var started int
		for _, argv := range l.argvs {
			if argv[1] == "peer" {
				started++
				if args := strings.Join(argv[3:], " "); !strings.Contains(args, "--nofile 4096 --cpu 0 --own-cpu 1 --temp ") {
					t.Errorf("started with %s", args)
				}
				if root := argv[slices.Index(argv, "--root")+1]; exists(root) {
					t.Errorf("the folder %s is left", root)
				}
			}
		}
		if started != 2 {
			t.Errorf("%d peers started", started)
		}
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// What a machine lacks is skipped, and what another program cannot be asked for.
func TestPlanPeers(t *testing.T) {
	if peers.Missing != "" {
		t.Skipf("SKIPPED: %s", peers.Missing)
	}
	h := testHost()
	for _, c := range []struct {
		name    string
		here    bool
		set     []string
		skipped string
	}{
		{"here", true, nil, ""},
		{"not installed", false, nil, "the backend other is not here: the program other is not installed (scripts/peers.sh installs it)"},
		{"congestion", true, []string{"congestion=cubic"}, "other is another program: it cannot be asked for congestion"},
		{"limits", true, []string{"max_connections=500", "on_full=shed"}, "other is another program: it cannot be asked for max_connections, on_full"},
		{"processes", true, []string{"server_processes=2"}, "other is another program: it cannot be asked for server_processes"},
		{"raw", true, []string{"protocol=raw", "server_wait=poll"}, "other is another program: it cannot be asked for protocol: raw, server_wait: poll"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.Program = func(name string) (string, error) {
				if c.here {
					return "/bin/" + name, nil
				}
				return "", errors.New("the program " + name + " is not installed")
			}
			p := mustPlan(t, peerSuite, Request{Set: c.set}, h)
			why := ""
			for _, s := range p.Skipped {
				why += s.Why
			}
			if why != c.skipped {
				t.Errorf("skipped because %q, want %q", why, c.skipped)
			}
			if levels := len(p.Grids[0].Factors["backend"]); levels != map[bool]int{true: 2, false: 1}[c.skipped == ""] {
				t.Errorf("%d levels are left", levels)
			}
			if !c.here && (len(p.NotHere) != 1 || p.NotHere[0].Backend != "other") {
				t.Errorf("not here: %v", p.NotHere)
			}
		})
	}
	// `here` means medusa's own backends.
	p := mustPlan(t, strings.Replace(peerSuite, "[epoll, other]", "here", 1), Request{}, testHost())
	if levels := levelNames(p.Grids[0].Factors["backend"]); slices.Contains(levels, "other") {
		t.Errorf("here is %v", levels)
	}
}

func TestParseServersWrong(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"config: nginx/tuned.conf", "config: nginx/tunde.conf", `small.yaml:8: there is no file nginx/tunde.conf in the folder peers beside the suite, and none is shipped; the nearest is "nginx/tuned.conf"`},
		{"config: nginx/tuned.conf", "config: ../x.conf", `small.yaml:8: "../x.conf" is no relative path`},
		{"config: nginx/tuned.conf", "config: [nginx/tuned.conf, apache/tuned.conf]", "small.yaml:8: two files of one server are called tuned.conf"},
		{"needs: [other]", "need: [other]", `small.yaml:9: unknown key of a server "need"; the nearest is "needs"`},
		{"{port}", "{prot}", "small.yaml:7: {prot} stands for nothing; the nearest is {port}"},
		{"needs: [other]", "stop: KILL", `small.yaml:9: stop must be TERM, INT or QUIT, not "KILL"`},
		{"needs: [other]", "ready: health", `small.yaml:9: ready must begin with /, not "health"`},
		{"  other:\n", "  Other:\n", "small.yaml:6: a server's name is a word"},
		{"command: [other", "source: floor/floor.c\n    version: [other", "small.yaml:6: the server other needs a command"},
	} {
		text := strings.Replace(peerSuite, c.from, c.to, 1)
		if c.from == "command: [other" {
			text = strings.Replace(text, "    version: [other, -v]\n", "", 1)
		}
		if _, err := Parse("small.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v\nwant %s", c.to, err, c.want)
		}
	}
	// Names of backends are known with the machine.
	for text, want := range map[string]string{
		strings.ReplaceAll(peerSuite, "other", "poll"):                    "small.yaml:6: poll is a backend of medusa",
		strings.Replace(peerSuite, "[epoll, other]", "[epoll, othre]", 1): `there is no backend "othre"; the nearest is "other"`,
	} {
		s, err := Parse("small.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := MakePlan(s, Request{}, testHost()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A file beside the suite wins over a shipped one, and a run folder is such a
// place.
func TestServerFilesBeside(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"mine.yaml": peerSuite, "peers/nginx/tuned.conf": "mine"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Load(filepath.Join(dir, "mine.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.PeerFiles(); len(got) != 1 || string(got["peers/nginx/tuned.conf"]) != "mine" {
		t.Errorf("files %q", got)
	}
}

// Every file of the shipped servers is used by a shipped suite.
func TestShippedServers(t *testing.T) {
	s, err := Load("peers")
	if err != nil {
		t.Fatal(err)
	}
	used := s.PeerFiles()
	churn, err := Load("churn")
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(used, churn.PeerFiles())
	for _, dir := range []string{"nginx", "lighttpd", "apache", "floor"} {
		files, err := filepath.Glob("peers/" + dir + "/*")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", dir, files, err)
		}
		for _, f := range files {
			if used[filepath.ToSlash(f)] == nil {
				t.Errorf("%s is not used", f)
			}
		}
	}
	levels := fmt.Sprint(s.Grids[0].factor("backend").names())
	for _, server := range s.Servers {
		if !strings.Contains(levels, server.Name) {
			t.Errorf("the server %s is not compared in %s", server.Name, levels)
		}
	}
}
