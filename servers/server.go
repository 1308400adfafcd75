package servers

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"medusa/control"
	"medusa/poller/loop"
	"medusa/servers/filesys"
	"medusa/servers/ftpd"
	"medusa/servers/httpd"
)

// server is a running server process.
type server struct {
	cfg    Config
	loop   *loop.Loop
	events *control.Writer
	stop   chan struct{} // closed when the loop has ended

	services []service        // that listen
	log      *httpd.AccessLog // nil without
	logFile  *os.File
	sites    []*site // opened; of these
	root     *site   // nil without
	hosts    []*site // as in web
	accounts map[string]*ftpd.Account
	homes    map[string]*filesys.Dir // of accounts
	ready    control.Ready

	// Of the loop.
	reserve   int      // descriptors that connections leave free
	promised  int      // descriptors that proxies and FTP transfers may have
	spare     *os.File // keeps a descriptor free for snapshots
	finishing bool
	failure   error // what Run returns
}

// Run serves until it is told to end: by a first signal, or a stop command, it
// finishes what is in flight; a second signal aborts, which is an error. It
// prints events as JSON lines on stdout, the first of them "ready" when it
// listens. An error before that means that nothing was served.
//
// With several processes it starts them by PartCommand of this program's file, and
// is to signals, commands and events what one server is.
//
// Run changes the process: its CPUs, GOMAXPROCS and descriptor limit.
func Run(signals <-chan os.Signal, cfg Config, stdin io.Reader, stdout io.Writer) error {
	events := control.NewWriter(stdout)
	var err error
	if cfg.Processes > 1 {
		err = runProcesses(signals, cfg, stdin, events)
	} else {
		s := &server{cfg: cfg, events: events, stop: make(chan struct{})}
		err = s.run(signals, stdin)
	}
	if err != nil && cfg.Control {
		// Whoever reads the events may not see standard error. If this cannot
		// be written either, err still says more than that.
		_ = events.Send(control.Event{Event: "error", Message: err.Error()})
	}
	return err
}

func (s *server) run(signals <-chan os.Signal, stdin io.Reader) error {
	where, err := s.cfg.parse()
	if err != nil {
		return err
	}
	if err := control.Pin(s.cfg.CPUs); err != nil {
		return err
	}
	if err := s.limit(where); err != nil {
		return err
	}
	defer s.closeWeb()
	if err := s.openSites(where.web); err != nil {
		return err
	}
	if err := s.openUsers(); err != nil {
		return err
	}
	low, err := occupy(s.cfg.FDBase)
	if err != nil {
		return err
	}
	defer low.release()
	s.loop, err = loop.New(where.loop)
	if err != nil {
		return err
	}
	if where.loop.ColdFiles == loop.ColdWork && s.loop.Engine() != "goroutines" {
		// See loop.ColdWork. Goroutines pay for each more, and their own calls give
		// theirs away in any case.
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + loop.Workers)
	}
	if err := s.listen(where); err != nil {
		// Running a loop that was told to stop closes what it holds.
		s.loop.Stop()
		_ = s.loop.Run() // what prevented listening is the error to tell
		return err
	}
	s.hold()
	defer s.yield()
	s.bound() // announce reckons again, with what the loop opens itself; nobody comes unbounded before
	s.loop.Post(s.announce)
	go s.watch(signals)
	if s.cfg.Control {
		go s.obey(stdin)
	}
	err = s.loop.Run()
	close(s.stop)
	if s.failure != nil {
		return s.failure
	}
	return err
}

// announce says that the server is ready. It is the loop's first act, so that
// the descriptors that the loop itself needs are open.
func (s *server) announce() {
	r := &s.ready
	r.PID = os.Getpid()
	r.Backend, r.Engine = s.loop.Backend(), s.loop.Engine()
	r.GOMAXPROCS = runtime.GOMAXPROCS(0)
	r.CPUs = control.CPUs()
	s.bound()
	if r.UsableFDs < 1 {
		s.fail(fmt.Errorf("no descriptor is left for a connection: of %d, %d are open, %d in reserve and %d for proxies and FTP transfers; raise the limit (--nofile) or lower the reserve (--reserve-fds)",
			r.NoFile, r.OpenFDs, r.ReserveFDs, s.promised))
		return
	}
	if err := s.events.Send(control.Event{Event: "ready", AtNs: control.Monotonic(), Ready: r}); err != nil {
		s.fail(err)
	}
}

// fail ends the loop with an error. It runs on the loop.
func (s *server) fail(err error) {
	if s.failure == nil {
		s.failure = err
	}
	s.loop.Stop()
}
