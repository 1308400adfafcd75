package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"medusa/results/stats"
)

// These benchmarks compare processes, pair by pair in interleaved rounds of
// short cells, because the speed of a shared machine changes by more than what
// they look for. They need two CPUs to themselves:
//
//	MEDUSA_FLOOR=./srv go test -run '^$' -bench . -benchtime 1x .
//
// MEDUSA_FLOOR is a minimal responder to compare with: `srv BACKEND PORT`
// answers each CRLFCRLF on 127.0.0.1:PORT with a fixed HTTP response. Without
// it what needs it is skipped, as is the comparison with wrk where wrk is not
// installed.

const (
	benchRounds = 12
	benchCell   = 1000 * time.Millisecond
	serverCPU   = "0"
	loadCPU     = "1"
)

// medusa is a command of this program: the test binary is one by that name.
func medusa(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Args[0] = "medusa"
	cmd.Stderr = os.Stderr
	return cmd
}

// target is a server under test.
type target struct {
	name, url string
	pid       int
}

// serve starts a server of ours that ends with the benchmark.
func serve(b *testing.B, name string, args ...string) target {
	b.Helper()
	cmd := medusa(append([]string{"serve", "--cpu", serverCPU}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var ready struct{ HTTP, Raw string }
	if err != nil || json.Unmarshal(line, &ready) != nil {
		b.Fatalf("%s did not start: %v %s", name, err, line)
	}
	t := target{name: name, url: "raw://" + ready.Raw, pid: cmd.Process.Pid}
	if ready.HTTP != "" {
		t.url = "http://" + ready.HTTP + "/fixed/13"
	}
	return t
}

// floor starts the minimal responder.
func floor(b *testing.B, backend string, port int) target {
	b.Helper()
	path := os.Getenv("MEDUSA_FLOOR")
	if path == "" {
		b.Skip("SKIPPED: MEDUSA_FLOOR does not name a minimal responder to compare with")
	}
	cmd := exec.Command("taskset", "-c", serverCPU, path, backend, strconv.Itoa(port))
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	time.Sleep(300 * time.Millisecond) // it does not say when it listens
	return target{name: "floor " + backend, url: fmt.Sprintf("raw://127.0.0.1:%d", port), pid: cmd.Process.Pid}
}

// cpu is the CPU time of a process so far.
func (t target) cpu(b *testing.B) time.Duration {
	b.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", t.pid))
	var sum time.Duration
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(ns)
	}
	return sum
}

type loadResult struct {
	TotalAnswered float64                      `json:"total_answered"`
	AchievedRate  float64                      `json:"achieved_rate"`
	Lag           struct{ P99, P999 *float64 } `json:"lag_ns"`
	Response      struct{ P99 *float64 }       `json:"response_ns"`
}

func load(b *testing.B, url string, args ...string) loadResult {
	b.Helper()
	cmd := medusa(append([]string{"load", url, "--pacing", "busy", "--cpu", loadCPU, "--json", "-"}, args...)...)
	out, err := cmd.Output()
	var r loadResult
	if err != nil || json.Unmarshal(out, &r) != nil {
		b.Fatalf("load on %s: %v\n%s", url, err, out)
	}
	return r
}

func closed(connections int) []string {
	return []string{"--closed", "-c", strconv.Itoa(connections), "--warmup", "100ms", "--duration", benchCell.String()}
}

// report prints the paired ratios of values to those of the first column.
func report(b *testing.B, what string, names []string, rounds [][]float64) {
	b.Helper()
	for k := 1; k < len(names); k++ {
		var ratios, base, own []float64
		for _, r := range rounds {
			ratios = append(ratios, math.Log(r[k]/r[0]))
			base, own = append(base, r[0]), append(own, r[k])
		}
		i := stats.SignedRankInterval(ratios, 0.95)
		b.Logf("%s: %s over %s: %.3f (%.1f %% interval %.3f to %.3f, %d pairs; medians %.2f and %.2f)", what, names[k], names[0],
			math.Exp(stats.HodgesLehmann(ratios)), 100*i.Coverage, math.Exp(i.Lo), math.Exp(i.Hi), len(ratios), stats.Median(own), stats.Median(base))
		b.ReportMetric(math.Exp(i.Hi), strings.ReplaceAll(names[k], " ", "-")+"-upper-ratio")
	}
}

// interleave measures each target once a round, in an order drawn for each.
func interleave(targets []target, measure func(target) float64) [][]float64 {
	rounds := make([][]float64, benchRounds)
	for i := range rounds {
		rounds[i] = make([]float64, len(targets))
		for _, k := range rand.Perm(len(targets)) {
			rounds[i][k] = measure(targets[k])
		}
	}
	return rounds
}

// cpuRounds are the server CPU microseconds of a request, saturated by so many
// connections.
func cpuRounds(b *testing.B, targets []target, connections int) [][]float64 {
	b.Helper()
	return interleave(targets, func(t target) float64 {
		before := t.cpu(b)
		r := load(b, t.url, closed(connections)...)
		return float64((t.cpu(b) - before).Nanoseconds()) / 1e3 / r.TotalAnswered
	})
}

// BenchmarkServerCPU: server CPU per request, saturated.
func BenchmarkServerCPU(b *testing.B) {
	for _, n := range []int{32, 256} {
		b.Run(fmt.Sprintf("connections=%d", n), func(b *testing.B) {
			targets := []target{
				floor(b, "epoll", 9711),
				serve(b, "raw epoll", "--raw", "127.0.0.1:0", "--backend", "epoll"),
				serve(b, "raw poll", "--raw", "127.0.0.1:0", "--backend", "poll"),
				serve(b, "raw select", "--raw", "127.0.0.1:0", "--backend", "select"),
				serve(b, "raw goroutines", "--raw", "127.0.0.1:0", "--backend", "goroutines"),
				serve(b, "http epoll", "--http", "127.0.0.1:0", "--fixed", "--backend", "epoll"),
			}
			for b.Loop() {
				rounds := cpuRounds(b, targets, n)
				var names []string
				for _, t := range targets {
					names = append(names, t.name)
				}
				report(b, "server CPU us per request", names, rounds)
				// The backends against each other: epoll is the base.
				for i := range rounds {
					rounds[i] = rounds[i][1:4]
				}
				report(b, "server CPU us per request", names[1:4], rounds)
			}
		})
	}
}

var wrkRate = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

// BenchmarkGenerator: requests/s of the generator over those of `wrk -t1`.
func BenchmarkGenerator(b *testing.B) {
	if _, err := exec.LookPath("wrk"); err != nil {
		b.Skip("SKIPPED: wrk is not installed: scripts/peers.sh does")
	}
	for _, backend := range []string{"epoll", "uring"} {
		for _, n := range []int{32, 256} {
			b.Run(fmt.Sprintf("server=%s/connections=%d", backend, n), func(b *testing.B) {
				t := floor(b, backend, 9712)
				ours := func() float64 { return load(b, t.url, closed(n)...).AchievedRate }
				theirs := func() float64 {
					out, err := exec.Command("taskset", "-c", loadCPU, "wrk", "-t1", "-c"+strconv.Itoa(n), "-d1s", "http"+strings.TrimPrefix(t.url, "raw")+"/").Output()
					m := wrkRate.FindSubmatch(out)
					if err != nil || m == nil {
						b.Fatalf("wrk: %v\n%s", err, out)
					}
					rate, err := strconv.ParseFloat(string(m[1]), 64)
					if err != nil {
						b.Fatal(err)
					}
					return rate
				}
				for b.Loop() {
					rounds := make([][]float64, benchRounds)
					for i := range rounds {
						if i%2 == 0 {
							w := theirs()
							rounds[i] = []float64{w, ours()}
						} else {
							o := ours()
							rounds[i] = []float64{theirs(), o}
						}
					}
					report(b, "requests/s", []string{"wrk", "medusa"}, rounds)
				}
			})
		}
	}
}

// BenchmarkLag: how late the generator sends, in ten windows of 10 s.
func BenchmarkLag(b *testing.B) {
	for _, rate := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("rate=%d", rate), func(b *testing.B) {
			t := serve(b, "raw epoll", "--raw", "127.0.0.1:0", "--backend", "epoll")
			for b.Loop() {
				good := 0
				for i := range 10 {
					r := load(b, t.url, "--rate", strconv.Itoa(rate), "-c", "64", "--seed", strconv.Itoa(i+1), "--warmup", "200ms", "--duration", "10s")
					if r.Lag.P99 == nil {
						b.Fatal("no lag p99 in 10 s")
					}
					b.Logf("window %2d: lag p99 %.1f us", i+1, *r.Lag.P99/1e3)
					if *r.Lag.P99 < 50_000 {
						good++
					}
				}
				b.ReportMetric(float64(good), "windows-under-50us")
			}
		})
	}
}
