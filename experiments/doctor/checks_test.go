package doctor

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"medusa/results"
)

func ptr[T any](v T) *T { return &v }

var noon = time.Unix(1_795_000_000, 0)

// good is a machine of which there is nothing to say.
func good() *Facts {
	return &Facts{
		Machine: results.Machine{
			OS: "linux", CPUs: 4, Governor: "performance", ClockSource: "tsc", Congestion: "cubic",
			Mitigations: map[string]string{"meltdown": "Vulnerable"}, NoFileSoft: 1 << 20, NoFileHard: 1 << 20,
			Backends: map[string]string{"epoll": "", "io_uring": "", "kqueue": "only on macOS and the BSDs; this is linux"},
			Sysctl: map[string]string{
				"net.ipv4.ip_local_port_range": "32768 60999", "net.ipv4.tcp_tw_reuse": "2", "net.ipv4.tcp_max_tw_buckets": "131072",
				"net.core.somaxconn": "4096", "net.ipv4.tcp_max_syn_backlog": "1024", "fs.file-max": "1000000", "fs.nr_open": "1048576",
			},
		},
		CPUs: []int{0, 1, 2, 3}, Pinnable: true, Quota: ptr(math.Inf(1)), Siblings: map[int][]int{0: {0}, 1: {1}, 2: {2}, 3: {3}},
		Turbo: &Turbo{}, MemLock: &Limit{Soft: 8 << 20, Hard: 8 << 20}, FilesOpen: ptr(uint64(1000)), MemoryAvailable: ptr(uint64(8 << 30)),
		HugePages: "madvise", Sockets: ptr(30), TimeWait: ptr(12), Load1: ptr(0.05), Loopback: true,
		Disk: Disk{Folder: "results/runs", Exists: "/w", Free: 9 << 30}, Now: noon,
		Certificate: &results.Certificate{
			CreatedUnixNs: noon.Add(-3 * time.Hour).UnixNano(), Passed: true, Truths: []results.Truth{{Pass: true}, {Pass: true}},
			Machine: results.Machine{OS: "linux", CPUs: 4},
		},
		Sample: &results.MachineSample{DurationNs: 3e9, CPUs: 4, ForeignShare: ptr(0.004), StealShare: ptr(0.0), PSISomeShare: ptr(0.001)},
	}
}

// usual is what a shipped suite needs.
func usual() Needs {
	return Needs{
		Suite: "usual", Connections: 8000, Descriptors: 8048, ServerCPUs: 1, Backends: []string{"epoll", "io_uring"},
		Memory: 1 << 30, Disk: 1 << 24, SystemCongestion: true, Body: 13,
	}
}

// TestGoodMachine: nothing is said of a machine that is as it should be, and
// nothing of it is unknown.
func TestGoodMachine(t *testing.T) {
	t.Parallel()
	c := Check(good(), []Needs{usual()})
	for _, item := range c.Findings {
		if item.Level != results.CheckupOK || item.Found == "" || item.Why != "" || item.Remedy != "" {
			t.Errorf("%+v", item)
		}
	}
	if c.Level != results.CheckupOK || len(c.Unknown) > 0 || len(c.Findings) != len(checks) {
		t.Errorf("level %s, unknown %v, %d findings of %d checks", c.Level, c.Unknown, len(c.Findings), len(checks))
	}
}

// TestChecks changes one thing of a good machine, and gets one finding with its
// level, what was found, and a remedy.
func TestChecks(t *testing.T) {
	t.Parallel()
	type change = func(f *Facts, n *Needs)
	sysctl := func(name, value string) change { return func(f *Facts, _ *Needs) { f.Machine.Sysctl[name] = value } }
	certificate := func(c func(*results.Certificate)) change { return func(f *Facts, _ *Needs) { c(f.Certificate) } }
	for _, test := range []struct {
		id, level     string
		change        change
		found, remedy string // parts of them
	}{
		{"suite", "stop", func(_ *Facts, n *Needs) { n.Stop = errors.New("no cell can be run here") }, "usual", "--dry-run"},
		{"suite", "warning", func(_ *Facts, n *Needs) { n.LostCells, n.LostWhy = 3, "too high" }, "usual without 3 cells (too high)", "--dry-run"},
		{"descriptors", "warning", func(f *Facts, _ *Needs) { f.Machine.NoFileSoft, f.Machine.NoFileHard = 1024, 4096 },
			"limit 1024, hard 4096", "sudo prlimit --pid $$ --nofile=8048:8048"},
		{"descriptors", "warning", func(f *Facts, _ *Needs) {
			f.Machine.NoFileHard, f.Machine.Sysctl["fs.nr_open"] = 4096, "5000"
		}, "hard 4096", "fs.nr_open=8048 && sudo prlimit"},
		{"open files", "stop", func(f *Facts, _ *Needs) { *f.FilesOpen = 990_000 }, "990000 of 1000000", "sudo sysctl -w fs.file-max="},
		{"ports", "warning", func(f *Facts, n *Needs) { f.Loopback, n.Connections = false, 30_000 }, "28232 (32768 to 60999)", "ip_local_port_range"},
		{"ports", "warning", func(f *Facts, n *Needs) {
			n.Churn, f.Machine.Sysctl["net.ipv4.ip_local_port_range"] = true, "60000 60999"
		}, "1000 (", "ip_local_port_range"},
		{"ports", "ok", func(_ *Facts, n *Needs) { n.Connections = 30_000 }, "28232", ""}, // from several addresses
		{"ports", "warning", func(f *Facts, _ *Needs) { *f.Sockets = 14_117 }, "14117 TCP sockets in use", "ss -tnp"},
		{"ports", "note", func(f *Facts, n *Needs) { n.Churn, f.Machine.Sysctl["net.ipv4.tcp_tw_reuse"] = true, "0" }, "tcp_tw_reuse 0", "tcp_tw_reuse=2"},
		{"TIME_WAIT", "warning", func(f *Facts, _ *Needs) { *f.TimeWait = 14_117 }, "14117 sockets", "sleep 60"},
		{"TIME_WAIT", "note", sysctl("net.ipv4.tcp_max_tw_buckets", "4096"), "at most 4096", "tcp_max_tw_buckets=131072"},
		{"accept queue", "warning", sysctl("net.core.somaxconn", "128"), "somaxconn 128", "net.core.somaxconn=4096"},
		{"SYN queue", "note", sysctl("net.ipv4.tcp_max_syn_backlog", "128"), "128", "tcp_max_syn_backlog=1024"},
		{"CPUs", "warning", func(f *Facts, _ *Needs) { f.CPUs = []int{2} }, "may use 2", "taskset"},
		{"CPUs", "warning", func(_ *Facts, n *Needs) { n.ServerCPUs = 4 }, "may use 0,1,2,3", "taskset -pc 0-4 $$"},
		{"CPUs", "note", func(f *Facts, _ *Needs) { f.Pinnable = false }, "4 of 4", "Linux"},
		{"CPU quota", "warning", func(f *Facts, _ *Needs) { *f.Quota = 1.5 }, "1.50 CPUs", "docker update"},
		{"CPU quota", "note", func(f *Facts, _ *Needs) { *f.Quota = 3 }, "3.00 CPUs", "docker update"},
		{"CPU siblings", "warning", func(f *Facts, _ *Needs) {
			f.Siblings = map[int][]int{0: {0, 3}, 1: {1, 2}, 2: {1, 2}, 3: {0, 3}}
		}, "CPUs 0 (server) and 3 (generator)", "taskset -pc 0,1 $$"},
		{"CPU siblings", "warning", func(f *Facts, _ *Needs) { f.CPUs, f.Siblings = []int{0, 1}, map[int][]int{0: {0, 1}, 1: {0, 1}} }, "one core", "another machine"},
		{"CPU siblings", "note", func(f *Facts, _ *Needs) {
			f.Siblings = map[int][]int{0: {0, 1}, 1: {0, 1}, 2: {2, 3}, 3: {2, 3}}
		}, "two threads", "smt/control"},
		{"governor", "warning", func(f *Facts, _ *Needs) { f.Machine.Governor = "powersave" }, "powersave", "scaling_governor"},
		{"turbo", "note", func(f *Facts, _ *Needs) { f.Turbo = &Turbo{On: true, Remedy: "echo 1"} }, "on", "echo 1"},
		{"mitigations", "note", func(f *Facts, _ *Needs) {
			f.Machine.Mitigations = map[string]string{"spectre_v2": "Mitigation: IBRS", "meltdown": "Mitigation: PTI", "mds": "Vulnerable"}
		}, "on for meltdown, spectre_v2", "mitigations=off"},
		{"clock", "warning", func(f *Facts, _ *Needs) { f.Machine.ClockSource, f.Clocks = "hpet", []string{"hpet", "tsc"} }, "hpet", "echo tsc |"},
		{"clock", "warning", func(f *Facts, _ *Needs) { f.Machine.ClockSource, f.Clocks = "acpi_pm", []string{"acpi_pm"} }, "acpi_pm", "none while it runs"},
		{"congestion", "note", func(f *Facts, _ *Needs) { f.Machine.Congestion = "bbr" }, "bbr", "--set congestion=cubic"},
		{"congestion", "warning", func(f *Facts, n *Needs) { f.Machine.Congestion, n.Body = "bbr", 1<<20 }, "bbr", "--set congestion=cubic"},
		{"congestion", "ok", func(f *Facts, n *Needs) { f.Machine.Congestion, n.SystemCongestion = "bbr", false }, "bbr", ""},
		{"backends", "stop", func(f *Facts, _ *Needs) { f.Machine.Backends = map[string]string{"kqueue": "no"} }, "none here", "medusa backends"},
		{"io_uring", "warning", func(f *Facts, _ *Needs) {
			f.Machine.Backends["io_uring"] = "the sysctl kernel.io_uring_disabled is 2 (operation not permitted)"
		}, "io_uring_disabled is 2", "sudo sysctl -w kernel.io_uring_disabled=0"},
		{"io_uring", "warning", func(f *Facts, _ *Needs) {
			f.Machine.Backends["io_uring"] = "not permitted, as by the seccomp filter of a container (operation not permitted)"
		}, "seccomp", "seccomp=unconfined"},
		{"io_uring", "note", func(f *Facts, n *Needs) { f.Machine.Backends["io_uring"], n.Backends = "too old", []string{"epoll"} }, "too old", "Linux 6.1"},
		{"locked memory", "warning", func(f *Facts, _ *Needs) { f.MemLock.Soft = 64 << 10 }, "64.0 KiB", "ulimit -l"},
		{"locked memory", "ok", func(f *Facts, _ *Needs) { f.MemLock.Soft, f.Privileged = 64<<10, true }, "does not bind root", ""},
		{"memory", "warning", func(f *Facts, _ *Needs) { *f.MemoryAvailable = 1<<30 - 1 }, "1024.0 MiB available", "ps -eo"},
		{"huge pages", "note", func(f *Facts, n *Needs) { f.HugePages, n.Settles = "always", true }, "always", "madvise"},
		{"huge pages", "ok", func(f *Facts, _ *Needs) { f.HugePages = "always" }, "always", ""},
		{"disk", "stop", func(f *Facts, _ *Needs) { f.Disk.Free = 1<<24 - 1 }, "free for results/runs", "--out"},
		{"disk", "stop", func(f *Facts, _ *Needs) { f.Disk.Err = os.ErrPermission }, "results/runs", "--out"},
		{"disk", "stop", func(f *Facts, _ *Needs) { f.Disk.Free, f.Disk.Fixed = 0, true }, "free for results/runs", "make room: du"},
		{"disk", "stop", func(f *Facts, _ *Needs) { f.Disk.Err, f.Disk.Fixed = os.ErrPermission, true }, "results/runs", "make it writable"},
		{"virtual machine", "note", func(f *Facts, _ *Needs) { f.Machine.Virtual = "kvm" }, "kvm", "none needed"},
		{"virtual machine", "ok", func(f *Facts, _ *Needs) { f.Machine.Virtual = "none" }, "no", ""},
		{"container", "note", func(f *Facts, _ *Needs) { f.Container = "there is /.dockerenv" }, "/.dockerenv", "none needed"},
		{"conntrack", "ok", func(f *Facts, _ *Needs) { f.Conntrack = &Conntrack{0, 10} }, "0 of 10", ""},
		{"conntrack", "note", func(f *Facts, _ *Needs) { f.Conntrack = &Conntrack{5, 262144} }, "5 of 262144", "NOTRACK"},
		{"conntrack", "warning", func(f *Facts, _ *Needs) { f.Conntrack = &Conntrack{5, 16004} }, "5 of 16004", "nf_conntrack_max=64005"},
		{"certificate", "note", func(f *Facts, _ *Needs) {
			f.Certificate, f.CertificateErr = nil, fmt.Errorf("open: %w", os.ErrNotExist)
		}, "none", "./medusa calibrate"},
		{"certificate", "note", func(f *Facts, _ *Needs) { f.Certificate, f.CertificateErr = nil, errors.New("bad JSON") }, "cannot be read", "./medusa calibrate"},
		{"certificate", "warning", certificate(func(c *results.Certificate) { c.Passed, c.Truths[0].Pass = false, false }), "1 of 2 truths", "./medusa calibrate"},
		{"certificate", "note", certificate(func(c *results.Certificate) { c.Machine.Kernel = "5.4" }), "3 h old", "./medusa calibrate"},
		{"certificate", "note", certificate(func(c *results.Certificate) { c.CreatedUnixNs -= oldCertificate.Nanoseconds() }), "30 days old", "./medusa calibrate"},
		{"load average", "note", func(f *Facts, _ *Needs) { *f.Load1 = 2.1 }, "2.10 over a minute", "uptime"},
		{"other medusas", "stop", func(f *Facts, _ *Needs) {
			f.Others = []Process{{40, "medusa serve --http 127.0.0.1:80"}, {41, "./medusa run quick"}}
		}, "pid 41 (./medusa run quick), and 1 more", "kill -INT 41"},
		{"other medusas", "warning", func(f *Facts, _ *Needs) { f.Others = []Process{{40, "medusa serve --http 127.0.0.1:80"}} }, "pid 40 (medusa serve", "kill 40"},
		{"other programs", "stop", func(f *Facts, _ *Needs) {
			*f.Sample.ForeignShare = 0.0251
			f.Sample.Busiest = []results.BusyProcess{{PID: 7, Name: "cc1", CPUShare: 0.09}, {PID: 8, CPUShare: 0.01}}
		}, "2.5 % of all CPUs over 3.0 s (cc1, pid 7: 9.0 % of a CPU; one that ended, pid 8: 1.0 % of a CPU)", "kill 7"},
		{"other programs", "warning", func(f *Facts, _ *Needs) { *f.Sample.ForeignShare = 0.0249 }, "2.5 % of all CPUs", "top"},
		{"other programs", "ok", func(f *Facts, _ *Needs) { *f.Sample.ForeignShare = results.QuietForeign }, "2.0 %", ""},
		{"steal", "stop", func(f *Facts, _ *Needs) { *f.Sample.StealShare = 0.0051 }, "0.5 % of all CPUs", "wait"},
		{"steal", "ok", func(f *Facts, _ *Needs) { *f.Sample.StealShare = results.QuietSteal }, "0.5 %", ""},
		{"pressure", "stop", func(f *Facts, _ *Needs) { *f.Sample.PSISomeShare = 0.11 }, "11.0 %", "wait"},
		{"pressure", "warning", func(f *Facts, _ *Needs) { *f.Sample.PSISomeShare = 0.03 }, "3.0 %", "wait"},
	} {
		f, n := good(), usual()
		test.change(f, &n)
		c := Check(f, []Needs{n})
		for _, item := range c.Findings {
			if item.ID != test.id {
				if item.Level != results.CheckupOK {
					t.Errorf("%s %s: also %+v", test.id, test.level, item)
				}
				continue
			}
			if item.Level != test.level || !strings.Contains(item.Found, test.found) || !strings.Contains(item.Remedy, test.remedy) {
				t.Errorf("want %s with %q and %q: %+v", test.level, test.found, test.remedy, item)
			}
			if item.Level != results.CheckupOK && (item.Why == "" || item.Remedy == "") {
				t.Errorf("it says no why or no remedy: %+v", item)
			}
		}
		if c.Level != test.level {
			t.Errorf("%s: the whole is %s, want %s", test.id, c.Level, test.level)
		}
	}
}

// TestShippedSuites: of several suites, what one of them cannot have is a note.
func TestShippedSuites(t *testing.T) {
	t.Parallel()
	large := Needs{Suite: "large", Descriptors: 2 << 20, LostCells: 1, LostWhy: "too many"}
	c := Check(good(), []Needs{usual(), large})
	if got := c.Findings[0]; got.Level != results.CheckupNote || got.Found != "can be run whole: usual" || !strings.Contains(got.Why, "large without 1 cell (too many)") {
		t.Errorf("%+v", got)
	}
	if got := c.Findings[1]; got.Level != results.CheckupWarning || !strings.Contains(got.Why, "large needs 2097152") || strings.Contains(got.Why, "usual") {
		t.Errorf("%+v", got)
	}
}

// TestUnknown: what is not known is named, and is not called well.
func TestUnknown(t *testing.T) {
	t.Parallel()
	f := &Facts{Machine: results.Machine{OS: "netbsd", Backends: map[string]string{"poll": ""}}, Sample: &results.MachineSample{}, Now: noon}
	c := Check(f, []Needs{usual()})
	var known []string
	for _, item := range c.Findings {
		known = append(known, item.ID)
	}
	if got := strings.Join(known, ", "); got != "suite, backends, certificate" {
		t.Errorf("known: %s", got)
	}
	if len(known)+len(c.Unknown)+1 != len(checks) { // io_uring is no question there
		t.Errorf("unknown: %v", c.Unknown)
	}
	f.Sample = nil
	if c := Check(f, nil); strings.Contains(strings.Join(c.Unknown, ","), "steal") {
		t.Errorf("nothing was sampled, and yet: %v", c.Unknown)
	}
}

// TestForeignMost: the bound is a tenth of one CPU, and on a machine of more
// than five the bound of the verdict.
func TestForeignMost(t *testing.T) {
	t.Parallel()
	for cpus, want := range map[int]float64{0: 0.1, 1: 0.1, 2: 0.05, 4: 0.025, 5: 0.02, 64: 0.02} {
		if got := ForeignMost(cpus); math.Abs(got-want) > 1e-9 {
			t.Errorf("%d CPUs: %v, want %v", cpus, got, want)
		}
	}
}

// TestBusy: a run is put off for what would refuse it, and for nothing less.
func TestBusy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*results.MachineSample)
		want   bool
	}{
		{func(*results.MachineSample) {}, false},
		{func(s *results.MachineSample) { *s.ForeignShare = 0.024 }, false},
		{func(s *results.MachineSample) { *s.ForeignShare = 0.026 }, true},
		{func(s *results.MachineSample) { *s.StealShare = 0.006 }, true},
		{func(s *results.MachineSample) { *s.PSISomeShare = 0.12 }, true},
		{func(s *results.MachineSample) { s.ForeignShare, s.StealShare, s.PSISomeShare = nil, nil, nil }, false},
	} {
		s := good().Sample
		test.change(s)
		if got := Busy(s); got != test.want {
			t.Errorf("%+v: %v, want %v", s, got, test.want)
		}
	}
}
