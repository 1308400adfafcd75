package doctor

import (
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const self = 100

// system is a tree of /proc and /sys with some files.
func system(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	all := map[string]string{"proc/self/stat": ""}
	maps.Copy(all, files)
	for name, text := range all {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func look(t *testing.T, files map[string]string) *Facts {
	t.Helper()
	f := &Facts{CPUs: []int{0, 1}}
	Look(f, system(t, files), self)
	return f
}

// TestLook reads every fact from a tree, and from an empty one none.
func TestLook(t *testing.T) {
	t.Parallel()
	got := look(t, map[string]string{
		"sys/devices/system/cpu/cpu0/topology/thread_siblings_list":         "0-1\n",
		"sys/devices/system/cpu/cpu1/topology/thread_siblings_list":         "0,1\n",
		"sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet \n",
		"sys/kernel/mm/transparent_hugepage/enabled":                        "always [madvise] never\n",
		"sys/devices/system/cpu/cpufreq/boost":                              "1\n",
		"proc/sys/fs/file-nr":                                               "558\t0\t2466167\n",
		"proc/sys/net/netfilter/nf_conntrack_count":                         "7\n",
		"proc/sys/net/netfilter/nf_conntrack_max":                           "262144\n",
		"proc/loadavg":                     "0.26 0.41 0.81 2/94 24096\n",
		"proc/net/sockstat":                "sockets: used 15\nTCP: inuse 1 orphan 0 tw 33 alloc 1 mem 0\n",
		"proc/meminfo":                     "MemTotal: 2000 kB\nMemFree: 500 kB\nMemAvailable: 1000 kB\n",
		"proc/1/cgroup":                    "0::/kubepods/pod1\n",
		"proc/100/cgroup":                  "0::/a/b\n",
		"proc/100/cmdline":                 "/w/medusa\x00run\x00quick\x00",
		"proc/41/cmdline":                  "./medusa\x00run\x00rate\x00",
		"proc/9/cmdline":                   "/usr/bin/medusa\x00serve\x00",
		"proc/10/cmdline":                  "vi\x00medusa\x00",
		"proc/11/cmdline":                  "",
		"sys/fs/cgroup/cpu.max":            "400000 100000\n",
		"sys/fs/cgroup/a/cpu.max":          "150000 100000\n",
		"sys/fs/cgroup/a/b/cpu.max":        "max 100000\n",
		"sys/fs/cgroup/a/memory.max":       "900000\n",
		"sys/fs/cgroup/a/memory.current":   "100000\n",
		"sys/fs/cgroup/a/b/memory.max":     "max\n",
		"sys/fs/cgroup/a/b/memory.current": "100000\n",
	})
	want := &Facts{
		CPUs: []int{0, 1}, Loopback: true, Siblings: map[int][]int{0: {0, 1}, 1: {0, 1}}, Clocks: []string{"tsc", "hpet"}, HugePages: "madvise",
		Turbo: &Turbo{On: true, Remedy: "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost"}, FilesOpen: ptr(uint64(558)),
		Conntrack: &Conntrack{7, 262144}, Load1: ptr(0.26), TimeWait: ptr(33), Sockets: ptr(1), MemoryAvailable: ptr(uint64(800_000)), Quota: ptr(1.5),
		Container: "the control group of process 1 names kubepods", Others: []Process{{9, "/usr/bin/medusa serve"}, {41, "./medusa run rate"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&Facts{CPUs: []int{0, 1}, Loopback: true, Siblings: map[int][]int{}, Clocks: []string{}}, look(t, nil)); d != "" {
		t.Error(d)
	}
}

// TestControlGroups: both versions bound, the nearest bound counts, and a path
// of the host that a container does not have is passed over.
func TestControlGroups(t *testing.T) {
	t.Parallel()
	const one, two = "3:cpu,cpuacct:/job\n4:memory:/job\n0::/\n", "0::/elsewhere/not/here\n"
	const available = "MemAvailable: 1000 kB\n"
	for name, test := range map[string]struct {
		files  map[string]string
		quota  *float64
		memory uint64
	}{
		"version 1": {map[string]string{
			"proc/100/cgroup": one, "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "50000", "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "4096", "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "5000",
		}, ptr(0.5), 0},
		"version 1, no bound": {map[string]string{
			"proc/100/cgroup": one, "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712", "sys/fs/cgroup/memory/memory.usage_in_bytes": "5000",
		}, ptr(math.Inf(1)), 1_024_000},
		"version 2 in a container": {map[string]string{
			"proc/100/cgroup": two, "sys/fs/cgroup/cpu.max": "200000 100000", "sys/fs/cgroup/memory.max": "10000", "sys/fs/cgroup/memory.current": "4000",
		}, ptr(2.0), 6000},
		"version 2, root": {map[string]string{"proc/100/cgroup": "0::/\n", "sys/fs/cgroup/cgroup.controllers": "cpu"}, ptr(math.Inf(1)), 1_024_000},
		"none":            {map[string]string{}, nil, 1_024_000},
	} {
		test.files["proc/meminfo"] = available
		f := look(t, test.files)
		if !cmp.Equal(f.Quota, test.quota) || f.MemoryAvailable == nil || *f.MemoryAvailable != test.memory {
			t.Errorf("%s: quota %s; memory %v, want %d", name, cmp.Diff(test.quota, f.Quota), f.MemoryAvailable, test.memory)
		}
	}
}

func TestTurbo(t *testing.T) {
	t.Parallel()
	const intel = "sys/devices/system/cpu/intel_pstate/no_turbo"
	for value, on := range map[string]bool{"0": true, "1": false} {
		f := look(t, map[string]string{intel: value, ".dockerenv": ""})
		if f.Turbo == nil || f.Turbo.On != on || f.Turbo.Remedy != "echo 1 | sudo tee /"+intel {
			t.Errorf("no_turbo %s: %+v", value, f.Turbo)
		}
		if f.Container != "there is /.dockerenv" {
			t.Errorf("container: %q", f.Container)
		}
	}
}

func TestCPUList(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]int{"0": {0}, "0-2,5": {0, 1, 2, 5}, "": nil, "a": nil, "0-": nil, "0-99999999": nil} {
		if got := cpuList(text); !cmp.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
