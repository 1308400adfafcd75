package faults

import (
	"time"

	"medusa/loadgen"
)

// Flags is the grammar of `medusa fault`, in kong's tags.
type Flags struct {
	Kind        string        `arg:"" help:"What the clients do: silent, slowloris, reset, half-open, burst, stopped-reader, short-connections or download."`
	URL         string        `arg:"" name:"url" help:"What they ask for: http://HOST[:PORT]/PATH. For reset and stopped-reader something large."`
	Connections int           `short:"c" default:"1000" help:"Connections held at once; of half-open, burst and short-connections all that there will be (${default})." placeholder:"N"`
	Rate        float64       `short:"r" help:"Begin so many connections a second; without, those that stay 10000, others as fast as it goes." placeholder:"R"`
	Duration    time.Duration `short:"d" default:"10s" help:"How long it lasts (${default}); half-open, burst and short-connections end when all have ended, if that is earlier." placeholder:"D"`
	Every       time.Duration `default:"100ms" help:"Time between two bytes of slowloris (${default})." placeholder:"D"`
	Evict       string        `help:"With download: the file behind the URL, on this machine, to drop from the page cache before each connection (posix_fadvise; Linux), so that the server finds it on the disk only." placeholder:"FILE"`
	Backend     string        `help:"I/O backend; without, kqueue, epoll or poll." placeholder:"NAME"`
	Sources     []string      `help:"Local addresses to connect from in turn, where one has too few ports." placeholder:"ADDRESS"`
	CPU         []int         `name:"cpu" help:"CPUs to run on." placeholder:"LIST"`
	Background  bool          `help:"Let every other process go first (SCHED_IDLE, or nice 19): for a CPU that a load generator is on, too."`
	JSON        bool          `name:"json" help:"Say what it did as one JSON object."`
	Control     string        `hidden:"" enum:",stdio" default:"" help:"Take commands on standard input and answer on standard output (stdio)."`
}

// Config makes of the flags what Run takes. It does not check more than their
// form.
func (f Flags) Config() (Config, error) {
	s := Default()
	s.Kind, s.URL, s.Connections, s.Rate, s.Duration, s.Every, s.Evict = f.Kind, f.URL, f.Connections, f.Rate, f.Duration, f.Every, f.Evict
	var err error
	if s.Sources, err = loadgen.ParseSources(f.Sources); err != nil {
		return Config{}, err
	}
	return Config{Spec: s, Backend: f.Backend, CPUs: f.CPU, Background: f.Background, JSON: f.JSON, Control: f.Control != ""}, nil
}
