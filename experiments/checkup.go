package experiments

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"medusa/experiments/doctor"
	"medusa/results"
)

// Examination says how a machine is looked at.
type Examination struct {
	Suites  []*Suite // whose needs count
	Request          // what is asked of each
	Dir     string   // where a run folder would be; "" for DefaultDir's
	Here    func() []BackendInfo
	Binary  string // the server's; "" for this program's own file
	Version string
	// Resumed is the run in Dir that is gone on with; nil for a new one.
	Resumed *results.Run
	// Sample is how long the machine is watched, and Tries how often while it
	// is busy; 0: not at all.
	Sample   time.Duration
	Tries    int
	Progress io.Writer // nil: nowhere

	signals signals // nil: this machine's
	root    string  // of /proc and /sys; "": this machine's
}

// Examine looks at the machine. The error is that ctx was cancelled, or that
// this program's own file or the certificate's place cannot be found.
func Examine(ctx context.Context, e Examination) (*results.Checkup, error) {
	if e.Binary == "" {
		var err error
		if e.Binary, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("cannot find this program's own file: %w", err)
		}
	}
	host := ThisHost(e.Here())
	f := &doctor.Facts{Machine: machineFacts(e.Binary, e.Version, host.Backends), CPUs: host.CPUs, Pinnable: host.Pin}
	if e.root == "" {
		e.root = "/"
	}
	doctor.Look(f, e.root, os.Getpid())
	dir := e.Dir
	if dir == "" {
		dir = filepath.Dir(DefaultDir("", time.Now()))
	}
	doctor.Limits(f, dir)
	f.Disk.Fixed = e.Resumed != nil
	certificate, err := results.CertificatePath()
	if err == nil {
		f.Certificate, err = results.ReadCertificate(certificate)
	}
	f.CertificateErr = err
	var all []doctor.Needs
	for _, s := range e.Suites {
		n := needs(s, e.Request, host)
		if e.Resumed != nil {
			left := max(0, len(e.Resumed.Planned.Trials)-len(e.Resumed.Records))
			n.Disk = bytesOfRun + uint64(left)*bytesOfTrial
		}
		all = append(all, n)
	}
	samples, err := e.watch(ctx)
	if err != nil {
		return nil, err
	}
	if len(samples) > 0 {
		f.Sample = &samples[len(samples)-1]
	} else if e.Tries > 0 {
		f.Sample = &results.MachineSample{} // of which nothing is known
	}
	f.Now = time.Now()
	c := doctor.Check(f, all)
	c.Samples = samples
	return c, nil
}

// watch samples the machine.
func (e Examination) watch(ctx context.Context) ([]results.MachineSample, error) {
	if e.Tries == 0 {
		return nil, nil
	}
	s := sampler{signals: e.signals, name: processName, say: func(format string, args ...any) {
		if e.Progress != nil {
			fmt.Fprintf(e.Progress, format, args...)
		}
	}}
	if s.signals == nil {
		s.signals = machineSignals()
	}
	return s.untilQuiet(ctx, e.Sample, e.Tries)
}

// lookFirst examines the machine before a run, keeps what it found, and returns
// why the run must not begin, or go on (resumed); nil where it may.
func (o *Options) lookFirst(ctx context.Context, b *bench, resumed *results.Run) error {
	e := Examination{
		Suites: []*Suite{o.Suite}, Request: o.Request, Dir: o.Dir, Here: o.Here, Binary: b.server.binary, Version: o.Version,
		Resumed: resumed, Sample: SampleFor, Tries: sampleTries, Progress: o.Progress, signals: b.signals, root: b.root,
	}
	away := b.server.away() && b.load.away()
	switch {
	case away:
		e.Tries = 0
	case o.NoisyAnyway:
		e.Sample, e.Tries = sampleAnyway, 1
	case o.Progress != nil:
		fmt.Fprintf(o.Progress, "watching the machine for %v, whether it is quiet\n", SampleFor)
	}
	c, err := Examine(ctx, e)
	if err != nil {
		return err
	}
	c.NoisyAnyway = o.NoisyAnyway
	if away {
		c.Add(results.CheckupItem{
			ID: "other machines", Level: results.CheckupNote, Found: "server and load run on them",
			Why: "what is found here is only about the machine that starts them", Remedy: "medusa doctor, there",
		})
	}
	o.Checkup = c
	if err := doctor.Refusal(c, o.NoisyAnyway || away); err != nil {
		return err
	}
	if o.Progress != nil {
		doctor.PrintShort(o.Progress, c)
	}
	return nil
}

// away says that the command is run on another machine, as far as its prefix
// tells.
func (c command) away() bool {
	return len(c.via) > 0 && contains(elsewhere, filepath.Base(c.via[0]))
}
