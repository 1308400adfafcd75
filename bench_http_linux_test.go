package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
	"medusa/results/stats"
)

// backendsHere are the backends of this system.
func backendsHere() (names []string) {
	for _, b := range loop.Backends() {
		if b.Missing == "" {
			names = append(names, b.Name)
		}
	}
	return names
}

// site is a directory with the files that the benchmarks ask for.
func site(b *testing.B, big int64) string {
	b.Helper()
	// Not on a disk, so that its speed has no part in this.
	dir, err := os.MkdirTemp("/dev/shm", "medusa-bench-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "13.txt"), []byte("Hello, World!"), 0o644); err != nil {
		b.Fatal(err)
	}
	if big > 0 {
		f, err := os.Create(filepath.Join(dir, "big"))
		if err != nil {
			b.Fatal(err)
		}
		block := make([]byte, 1<<20)
		for range big >> 20 {
			if _, err := f.Write(block); err != nil {
				b.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// at is t with another path.
func (t target) at(name, path string) target {
	i := strings.Index(t.url, "://")
	host, _, _ := strings.Cut(t.url[i+3:], "/")
	return target{name: name, url: t.url[:i+3] + host + path, pid: t.pid}
}

// difference prints how much more each column is than the first, pair by pair.
func difference(b *testing.B, what, metric string, names []string, rounds [][]float64) {
	b.Helper()
	for k := 1; k < len(names); k++ {
		var more []float64
		for _, r := range rounds {
			more = append(more, r[k]-r[0])
		}
		i := stats.SignedRankInterval(more, 0.95)
		b.Logf("%s: %s less %s: %.2f (%.1f %% interval %.2f to %.2f, %d pairs)", what, names[k], names[0],
			stats.HodgesLehmann(more), 100*i.Coverage, i.Lo, i.Hi, len(more))
		b.ReportMetric(stats.HodgesLehmann(more), strings.ReplaceAll(names[k], " ", "-")+"-"+metric)
	}
}

// BenchmarkHTTPCost: what HTTP costs over raw on the same backend, in server
// CPU per request, saturated.
func BenchmarkHTTPCost(b *testing.B) {
	for _, backend := range backendsHere() {
		for _, n := range []int{32, 256} {
			b.Run(fmt.Sprintf("backend=%s/connections=%d", backend, n), func(b *testing.B) {
				h := serve(b, "fixed", "--http", "127.0.0.1:0", "--fixed", "--root", site(b, 0), "--backend", backend)
				targets := []target{
					serve(b, "raw", "--raw", "127.0.0.1:0", "--backend", backend),
					h, h.at("cached file", "/13.txt"),
				}
				for b.Loop() {
					rounds := cpuRounds(b, targets, n)
					difference(b, "server CPU us per request", "us-over-raw", []string{"raw", "fixed", "cached file"}, rounds)
				}
			})
		}
	}
}

// BenchmarkTransfer: server CPU for one download of 1 GiB, over that of the
// minimal responder named by MEDUSA_FLOOR_XFER (`xfer PORT ROOT`, GET
// /sendfile/FILE) where there is one. MEDUSA_SINK names a client that throws
// away what it gets (`sink PORT PATH KIB 1`); without it Go's serves. Both ends
// use the system's congestion control: set that before (sysctl
// net.ipv4.tcp_congestion_control).
func BenchmarkTransfer(b *testing.B) {
	const port = 9713
	dir := site(b, 1<<30)
	xfer, sink := os.Getenv("MEDUSA_FLOOR_XFER"), os.Getenv("MEDUSA_SINK")
	if xfer == "" {
		b.Skip("SKIPPED: MEDUSA_FLOOR_XFER does not name a minimal responder to compare with")
	}
	cmd := exec.Command("taskset", "-c", serverCPU, xfer, strconv.Itoa(port), dir)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	time.Sleep(300 * time.Millisecond) // it does not say when it listens
	targets := []target{{name: "floor sendfile", url: fmt.Sprintf("http://127.0.0.1:%d/sendfile/big", port), pid: cmd.Process.Pid}}
	for _, backend := range backendsHere() {
		targets = append(targets, serve(b, backend, "--http", "127.0.0.1:0", "--root", dir, "--backend", backend).at(backend, "/big"))
	}
	var names []string
	for _, t := range targets {
		names = append(names, t.name)
	}
	for b.Loop() {
		rounds := interleave(targets, func(t target) float64 {
			before := t.cpu(b)
			if err := download(sink, t.url); err != nil {
				b.Fatal(t.name, ": ", err)
			}
			return (t.cpu(b) - before).Seconds()
		})
		report(b, "server CPU s per GiB", names, rounds)
	}
}

// download gets url and throws it away.
func download(sink, url string) error {
	if sink != "" {
		at, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
		_, port, _ := strings.Cut(at, ":")
		return exec.Command("taskset", "-c", loadCPU, sink, port, "/"+path, "1024", "1").Run()
	}
	r, err := http.Get(url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	n, err := io.Copy(io.Discard, r.Body)
	if err == nil && n != 1<<30 {
		err = fmt.Errorf("got %d bytes", n)
	}
	return err
}
