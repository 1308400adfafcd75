package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"medusa/results"
)

// backends says which of those that suites take are not here, where a kernel
// or a setting could change that.
func backends(f *Facts, needs []Needs) answer {
	var here, lacks []string
	for name, why := range f.Machine.Backends {
		switch {
		case why == "":
			here = append(here, name)
		case some(needs, func(n Needs) bool { return slices.Contains(n.Backends, name) }):
			lacks = append(lacks, name)
		}
	}
	slices.Sort(here)
	slices.Sort(lacks)
	if len(here) == 0 {
		return stop("none here", "nothing can be measured", "./medusa backends")
	}
	found := strings.Join(here, ", ")
	if len(lacks) > 0 {
		found += "; not here: " + strings.Join(lacks, ", ")
	}
	return fine(found)
}

// ioUring says why io_uring is not here, and what would allow it. The reasons
// are those of package poller/uring.
func ioUring(f *Facts, needs []Needs) answer {
	if f.Machine.OS != "linux" {
		return answer{omit: true}
	}
	why, known := f.Machine.Backends["io_uring"]
	if !known {
		return answer{}
	}
	if why == "" {
		return fine("allowed")
	}
	remedy := "Linux 6.1 or later"
	switch {
	case strings.Contains(why, "io_uring_disabled"):
		remedy = setSysctl("kernel.io_uring_disabled", 0)
	case strings.Contains(why, "seccomp"):
		remedy = "docker run --security-opt seccomp=unconfined (or a profile that allows io_uring_setup, io_uring_enter and io_uring_register)"
	}
	if some(needs, func(n Needs) bool { return slices.Contains(n.Backends, "io_uring") }) {
		return warning(why, "a suite takes it, and will be run without", remedy)
	}
	return note(why, "a suite that takes it will be run without", remedy)
}

// lockedEnough is what rings and their buffer groups may lock, in bytes, for a
// user whom the limit binds: twice the default of most systems.
const lockedEnough = 8 << 20

// lockedMemory judges RLIMIT_MEMLOCK, which counts what io_uring registers.
func lockedMemory(f *Facts, _ []Needs) answer {
	if f.MemLock == nil {
		return answer{}
	}
	found := "unlimited"
	if f.MemLock.Soft < 1<<62 {
		found = size(f.MemLock.Soft)
	}
	if f.Privileged {
		return fine(found + ", which does not bind root")
	}
	if why, has := f.Machine.Backends["io_uring"]; has && why == "" && f.MemLock.Soft < lockedEnough {
		return warning(found, "rings of io_uring count against it: they fail with ENOMEM", "ulimit -l unlimited (or memlock in /etc/security/limits.conf)")
	}
	return fine(found)
}

// memory compares what programs can have with what suites need, as reckoned.
func memory(f *Facts, needs []Needs) answer {
	if f.MemoryAvailable == nil {
		return answer{}
	}
	need := most(needs, func(n Needs) uint64 { return n.Memory })
	found := fmt.Sprintf("%s available", size(*f.MemoryAvailable))
	if *f.MemoryAvailable < need {
		return warning(found, fmt.Sprintf("%s are reckoned for the largest cell: its processes may be killed, or swap", size(need)),
			"end what uses memory (ps -eo rss,pid,comm --sort -rss | head), or take away the largest cells with --only")
	}
	return fine(found)
}

// hugePages judges what memory figures mean.
func hugePages(f *Facts, needs []Needs) answer {
	if f.HugePages == "" {
		return answer{}
	}
	if f.HugePages == "always" && some(needs, func(n Needs) bool { return n.Settles }) {
		return note("always", "memory is had in pieces of 2 MiB, which shows in a server's resident memory",
			"echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled")
	}
	return fine(f.HugePages)
}

// disk judges where the run folder will be.
func disk(f *Facts, needs []Needs) answer {
	d := f.Disk
	if d.Folder == "" {
		return answer{}
	}
	if d.Err != nil {
		if d.Fixed {
			return stop(d.Folder, d.Err.Error(), "make it writable: mount | grep "+d.Exists)
		}
		return stop(d.Folder, d.Err.Error(), "give another folder with --out")
	}
	need := most(needs, func(n Needs) uint64 { return n.Disk })
	found := fmt.Sprintf("%s free for %s", size(d.Free), d.Folder)
	if d.Free < need {
		room := "make room: du -xh " + d.Exists + " | sort -h | tail"
		if !d.Fixed {
			room = "give a folder on another disk with --out, or " + room
		}
		return stop(found, fmt.Sprintf("%s are reckoned for a run", size(need)), room)
	}
	return fine(found)
}

func virtual(f *Facts, _ []Needs) answer {
	switch {
	case f.Machine.Virtual == "none": // as FreeBSD says
		return fine("no")
	case f.Machine.Virtual != "":
		return note(f.Machine.Virtual, "what else its host runs is not seen here, and a CPU that slept wakes late; compare ratios inside one run",
			"none needed; for absolute figures a machine of its own")
	case f.Machine.OS == "linux":
		return fine("no")
	}
	return answer{}
}

func container(f *Facts, _ []Needs) answer {
	switch {
	case f.Container != "":
		return note(f.Container, "limits are the container's, and programs outside of it are seen as CPU time only", "none needed; docker run with its limits raised, where they bind")
	case f.Machine.OS == "linux":
		return fine("no hint of one")
	}
	return answer{}
}

// certificate judges what `medusa calibrate` said of this machine.
func certificate(f *Facts, _ []Needs) answer {
	const remedy = "./medusa calibrate"
	c := f.Certificate
	if c == nil {
		if f.CertificateErr == nil || errors.Is(f.CertificateErr, fs.ErrNotExist) {
			return note("none", "whether the instrument is true on this machine, and how fast it can wake, was never measured", remedy)
		}
		return note("cannot be read", f.CertificateErr.Error(), remedy)
	}
	found := fmt.Sprintf("%s, %s old", c.Came(), age(c.Age(f.Now)))
	if !c.Passed && !c.Failed() {
		return note(found, "what the instrument does there cannot be seen on this machine", remedy)
	}
	if !c.Passed {
		return warning(found, "the instrument does not measure what is so, on this machine", remedy)
	}
	if elsewhere := c.Elsewhere(f.Machine); len(elsewhere) > 0 {
		return note(found, "it was made on "+strings.Join(elsewhere, ", "), remedy)
	}
	if c.Age(f.Now) > oldCertificate {
		return note(found, "machines change", remedy)
	}
	return answer{level: results.CheckupOK, found: found}
}
