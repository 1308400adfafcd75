package doctor

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// cpus judges how many CPUs there are for server and generator.
func cpus(f *Facts, needs []Needs) answer {
	if len(f.CPUs) == 0 {
		return answer{}
	}
	found := fmt.Sprintf("%d of %d may be used", len(f.CPUs), max(f.Machine.CPUs, len(f.CPUs)))
	if f.Pinnable {
		found = "may use " + list(f.CPUs)
	}
	need := 1 + most(needs, func(n Needs) int { return max(n.ServerCPUs, 1) })
	switch {
	case len(f.CPUs) == 1:
		return warning(found, "server and generator share it: latencies will be client-limited",
			"taskset -pc 0-1 $$ (in a container: docker run --cpuset-cpus 0-1), or a machine with two CPUs")
	case len(f.CPUs) < need:
		return warning(found, fmt.Sprintf("%d are asked for: such cells are skipped", need), fmt.Sprintf("taskset -pc 0-%d $$, or a larger machine", need-1))
	case !f.Pinnable:
		return note(found, "this system cannot tie a process to a CPU: trials will be unverified", "none on this system; Linux can")
	}
	return fine(found)
}

// quota judges the control group's bound of CPU time: whoever meets it is
// stopped until its period (100 ms by default) is over.
func quota(f *Facts, needs []Needs) answer {
	if f.Quota == nil {
		return answer{}
	}
	if math.IsInf(*f.Quota, 1) {
		return fine("none")
	}
	found := fmt.Sprintf("%.2f CPUs' time", *f.Quota)
	const remedy = "docker update --cpus=0 CONTAINER, or on a host: sudo systemctl set-property UNIT CPUQuota="
	switch need := float64(1 + most(needs, func(n Needs) int { return max(n.ServerCPUs, 1) })); {
	case *f.Quota < need:
		return warning(found, fmt.Sprintf("server and generator can use %g: both will be stopped for tens of milliseconds at a time", need), remedy)
	case *f.Quota < float64(len(f.CPUs)):
		return note(found, "under the number of CPUs: with other programs in the group, trials may be stopped for tens of milliseconds", remedy)
	}
	return fine(found)
}

// siblings looks for server and generator on the two threads of one core: the
// server gets the first CPUs, the generator the last.
func siblings(f *Facts, needs []Needs) answer {
	if len(f.Siblings) == 0 {
		return answer{}
	}
	shared := false
	for _, cpu := range f.CPUs {
		shared = shared || len(f.Siblings[cpu]) > 1
	}
	if !shared {
		return fine("no core has two of them")
	}
	if len(f.CPUs) < 2 {
		return fine("one CPU")
	}
	n := min(most(needs, func(n Needs) int { return max(n.ServerCPUs, 1) }), len(f.CPUs)-1)
	load := f.CPUs[len(f.CPUs)-1]
	for _, server := range f.CPUs[:n] {
		if slices.Contains(f.Siblings[server], load) {
			return warning(fmt.Sprintf("CPUs %d (server) and %d (generator) are one core", server, load), "each slows the other, most when both are busy", f.apart())
		}
	}
	return note("cores have two threads", "what runs on the other thread of the server's core slows it", "echo off | sudo tee /sys/devices/system/cpu/smt/control")
}

// apart is the command that keeps to one CPU of each core.
func (f *Facts) apart() string {
	var first []int
	taken := map[int]bool{}
	for _, cpu := range f.CPUs {
		if taken[cpu] {
			continue
		}
		first = append(first, cpu)
		for _, s := range f.Siblings[cpu] {
			taken[s] = true
		}
	}
	if len(first) < 2 {
		return "another machine, or more CPUs for this one: all of these are one core"
	}
	return fmt.Sprintf("taskset -pc %s $$", list(first))
}

// governor judges how the clock frequency is chosen.
func governor(f *Facts, _ []Needs) answer {
	switch g := f.Machine.Governor; g {
	case "":
		return answer{}
	case "performance":
		return fine(g)
	default:
		return warning(g, "the clock follows the load: a server that waits is measured at a slower one than a server that works",
			"echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
	}
}

func turbo(f *Facts, _ []Needs) answer {
	switch {
	case f.Turbo == nil:
		return answer{}
	case f.Turbo.On:
		return note("on", "the clock depends on heat and on what other cores do; mini-blocks cancel most of it", f.Turbo.Remedy)
	}
	return fine("off")
}

// mitigations says what system calls pay for.
func mitigations(f *Facts, _ []Needs) answer {
	if f.Machine.Mitigations == nil {
		return answer{}
	}
	var on []string
	for name, state := range f.Machine.Mitigations {
		if strings.HasPrefix(state, "Mitigation") {
			on = append(on, name)
		}
	}
	if len(on) == 0 {
		return fine("none")
	}
	sort.Strings(on)
	return note("on for "+strings.Join(on, ", "), "system calls cost more than without; compare no absolute figure with a machine that has others",
		"none needed; a kernel started with mitigations=off shows what they cost")
}

// quickClocks are the sources that are read without a system call or a device.
var quickClocks = map[string][]string{
	"linux":     {"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "timebase", "riscv_clocksource"},
	"freebsd":   {"TSC", "TSC-low", "ARM MPCore Timecounter", "kvmclock", "Hyper-V-TSC"},
	"netbsd":    {"TSC"},
	"openbsd":   {"tsc", "agtimer0"},
	"dragonfly": {"TSC"},
}

// clock judges the clock source: what is stamped many times a request must be
// cheap to read.
func clock(f *Facts, _ []Needs) answer {
	c := f.Machine.ClockSource
	if c == "" {
		return answer{}
	}
	if slices.Contains(quickClocks[f.Machine.OS], c) {
		return fine(c)
	}
	for _, better := range quickClocks[f.Machine.OS] {
		if slices.Contains(f.Clocks, better) {
			return warning(c, "each reading is a system call or asks a device, and both ends read it for each request",
				"echo "+better+" | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource")
		}
	}
	return warning(c, "each reading is a system call or asks a device, and both ends read it for each request",
		"none while it runs: the kernel offers no quicker one (its log says why: sudo dmesg | grep -i clocksource)")
}
