package experiments

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"medusa/results"
)

// TestResumeFromEveryRecord cuts a run after each of its records, with a torn
// line or without, as a kill does: resumed, it is the run that it would have
// been.
func TestResumeFromEveryRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := newCutOff(t, resumeSuite)
		whole.start(t.Context(), Request{})
		text, err := os.ReadFile(filepath.Join(whole.dir, "trials.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
		// 18 planned; one mini-block of 3 was noisy three times, one once.
		if lines, _ := made(t, whole.dir); len(lines) != 18+6+3 {
			t.Fatalf("the run has %d records: nothing was repeated as meant", len(lines))
		}
		for n := range len(lines) + 1 {
			c := newCutOff(t, resumeSuite)
			if err := os.CopyFS(c.dir, os.DirFS(whole.dir)); err != nil {
				t.Fatal(err)
			}
			for key, argv := range whole.argvs { // those of before the kill
				c.argvs[key] = argv
			}
			left := bytes.Join(lines[:n], nil)
			if n < len(lines) && n%2 == 0 {
				left = append(left, lines[n][:len(lines[n])/2]...)
			}
			c.killed(left)
			outcome, err := c.resume(t.Context(), false)
			if err != nil {
				t.Fatalf("after %d records: %v", n, err)
			}
			if outcome.Run != 18 || outcome.Repeated != 3 {
				t.Errorf("after %d records: %+v", n, outcome)
			}
			sameRun(t, whole, c)
			if t.Failed() {
				t.Fatalf("after %d records", n)
			}
		}
	})
}

// TestResumeAgainAndAgain interrupts a run at random moments, goes on with it,
// and interrupts that.
func TestResumeAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := newCutOff(t, resumeSuite)
		whole.start(t.Context(), Request{})
		for seed := range uint64(8) {
			random := rand.New(rand.NewPCG(seed, 0))
			life := func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(t.Context(), time.Duration(random.Int64N(int64(25*time.Second))))
			}
			c := newCutOff(t, resumeSuite)
			ctx, cancel := life()
			c.start(ctx, Request{})
			cancel()
			sessions := 1
			for done := false; !done; sessions++ {
				ctx, cancel := life()
				outcome, err := c.resume(ctx, false)
				cancel()
				if err != nil {
					t.Fatal(err)
				}
				done = !outcome.Interrupted
			}
			sameRun(t, whole, c)
			if t.Failed() || sessions < 3 {
				t.Fatalf("seed %d, %d sessions", seed, sessions)
			}
		}
	})
}

// What a run was asked for beside its suite is asked for again.
func TestResumeAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := uint64(99)
		req := Request{Only: []string{"backend=epoll"}, Set: []string{"active_connections=7"}, Blocks: 8, Seed: &seed, Budget: time.Hour}
		whole, c := newCutOff(t, resumeSuite), newCutOff(t, resumeSuite)
		whole.start(t.Context(), req)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c.start(ctx, req)
		if _, err := c.resume(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		sameRun(t, whole, c)
		run, err := results.Open(c.dir)
		if err != nil {
			t.Fatal(err)
		}
		o, err := Options{}.AsAsked(run)
		if err != nil {
			t.Fatal(err)
		}
		o.Command = ""
		if diff := cmp.Diff(req, o.Request); diff != "" {
			t.Error(diff)
		}
	})
}

// The time that earlier sessions took is no longer there for repeats.
func TestResumeWithinBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		suite := resumeSuite + "repeat_budget_s: 60\n" // the plan takes 50 s, a repeat 8
		whole, c := newCutOff(t, suite), newCutOff(t, suite)
		whole.start(t.Context(), Request{})
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		c.start(ctx, Request{})
		time.Sleep(time.Hour) // between sessions: not the run's
		outcome, err := c.resume(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := made(t, whole.dir)
		got, _ := made(t, c.dir)
		if len(want) != 18+3 || len(got) != len(want) && len(got) != 18 || outcome.NotRepeated == 0 {
			t.Errorf("%d records, of a whole run %d; %+v", len(got), len(want), outcome)
		}
	})
}

func TestResumeRefuses(t *testing.T) {
	edit := func(name, old, new string) func(t *testing.T, c *cutOff) {
		return func(t *testing.T, c *cutOff) {
			path := filepath.Join(c.dir, name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			changed := bytes.Replace(text, []byte(old), []byte(new), 1)
			if bytes.Equal(text, changed) {
				t.Fatalf("%s has no %q", name, old)
			}
			if err := os.WriteFile(path, changed, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range []struct {
		name  string
		spoil func(t *testing.T, c *cutOff)
		want  string
	}{
		{"another plan", edit("plan.json", `"seed": 5`, `"seed": 6`), "plan.json was changed after the run was made"},
		{"another suite", edit("suite.yaml", "window_s: 2", "window_s: 3"), "suite.yaml was changed after the run was made"},
		{"another kernel", edit("environment.json", `"kernel": "`, `"kernel": "another `), "kernel: "},
		{"another machine", edit("environment.json", `"cpus": `, `"cpus": 9`), "CPUs: "},
		{"another binary", edit("environment.json", `"binary_sha256": ""`, `"binary_sha256": "0123456789abcdef"`), "binary SHA-256: unknown, was 0123456789ab"},
		{"another generator", edit("trials.jsonl", `"backend":"epoll","engine":"","pacing"`, `"backend":"poll","engine":"","pacing"`), "backend of the generator: epoll, was poll"},
		{"a spoiled line", edit("trials.jsonl", `{"schema_version":1,"trial":2,`, `{"schema_version":1,"trial":,`), "trials.jsonl:2 cannot be read"},
		{"a lost line", edit("trials.jsonl", `{"schema_version":1,"trial":2,`, `{"schema_version":1,"trial":3,`), "line 2 of trials.jsonl has trial 3"},
		{"an unplanned trial", edit("trials.jsonl", `"mini_block":1`, `"mini_block":77`), "trial 1 was not planned"},
	} {
		t.Run(f.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCutOff(t, resumeSuite)
				ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
				defer cancel()
				c.start(ctx, Request{})
				f.spoil(t, c)
				before := contents(t, c.dir)
				_, err := c.resume(t.Context(), false)
				if err == nil || !strings.Contains(err.Error(), f.want) || !strings.Contains(err.Error(), c.dir) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v, want one line with %q and the folder", err, f.want)
				}
				if diff := cmp.Diff(before, contents(t, c.dir)); diff != "" {
					t.Errorf("it was refused and changed all the same: %s", diff)
				}
			})
		})
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if b, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
			out[e.Name()] = string(b)
		}
	}
	return out
}

// A run that is gone on with although something has changed says what, and
// from which trial on; a second time on the same machine is no change.
func TestResumeChangedAnyway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCutOff(t, resumeSuite)
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		c.start(ctx, Request{})
		path := filepath.Join(c.dir, "environment.json")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(`"kernel": "`), []byte(`"kernel": "another `)), 0o666); err != nil {
			t.Fatal(err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		if outcome, err := c.resume(ctx, true); err != nil || !outcome.Interrupted {
			t.Fatalf("%+v, %v", outcome, err)
		}
		if _, err := c.resume(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		verified(t, c.dir)
		run, err := results.Open(c.dir)
		if err != nil {
			t.Fatal(err)
		}
		sessions := run.Environment.Resumed
		if len(sessions) != 2 || len(sessions[0].Changed) != 1 || len(sessions[1].Changed) != 0 || !strings.HasPrefix(sessions[0].Changed[0], "kernel: ") {
			t.Fatalf("sessions %+v", sessions)
		}
		want := fmt.Sprintf("from trial %d on the run was resumed although something had changed: kernel: ", sessions[0].FromTrial)
		if len(run.Notes) != 1 || !strings.HasPrefix(run.Notes[0], want) {
			t.Errorf("notes %q, want one with %q", run.Notes, want)
		}
	})
}

func TestResumeNothingLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCutOff(t, resumeSuite)
		c.start(t.Context(), Request{})
		before := contents(t, c.dir)
		outcome, err := Resume(t.Context(), c.options(), false)
		if err != nil || !outcome.Whole || outcome.Run != 18 {
			t.Fatalf("%+v, %v", outcome, err)
		}
		if diff := cmp.Diff(before, contents(t, c.dir)); diff != "" {
			t.Error(diff)
		}
	})
}

// The backend of the run's generator is that of a trial that has no generator of
// its own.
func TestLoadBackendOf(t *testing.T) {
	t.Parallel()
	own := results.Record{Settings: map[string]any{"load_backend": "poll"}, Load: &results.LoadReport{Backend: "poll"}}
	other := results.Record{Load: &results.LoadReport{Backend: "wrk", Peer: &results.Peer{}}}
	failed := results.Record{}
	usual := results.Record{Load: &results.LoadReport{Backend: "io_uring"}}
	for _, c := range []struct {
		records []results.Record
		want    string
	}{{nil, ""}, {[]results.Record{own, other, failed}, ""}, {[]results.Record{failed, other, own, usual}, "io_uring"}} {
		if got := loadBackendOf(&results.Run{Records: c.records}); got != c.want {
			t.Errorf("%d records: %q, want %q", len(c.records), got, c.want)
		}
	}
}
