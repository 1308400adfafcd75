package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Copies are processes that share one work: copies of this program, started by
// it, that speak this package's protocol over their standard streams. They are
// in the process group of whoever started them, and end when their standard
// input does, so that none outlives it.
type Copies struct {
	of      int // how many there are to be
	all     []*copied
	said    chan Said
	readers sync.WaitGroup
	over    chan struct{} // closed by End: nobody listens any more
	once    sync.Once
	last    string
	mayEnd  atomic.Bool
}

// Said is an event of one of the copies, or how it failed.
type Said struct {
	Copy  int // its index
	Event Event
	Err   error // one line that names the copy; Event is empty then
}

// copied is one of them.
type copied struct {
	index  int
	of     int
	cmd    *exec.Cmd
	in     *os.File
	out    *os.File
	stderr Tail
	reaped chan struct{}
	mu     sync.Mutex // of writes to in
	closed bool
}

// maxEvent bounds one line from a copy, in bytes: a report with its histograms
// is some hundreds of KiB.
const maxEvent = 64 << 20

// copyOf is the command of a copy. One of this very program has the name by which
// this one was started, as what a program does may go by that.
func copyOf(argv []string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	if self, err := os.Executable(); err == nil && self == argv[0] {
		cmd.Args[0] = os.Args[0]
	}
	return cmd
}

// StartCopies starts a process for each of the argument vectors, each of whose
// first words is the program. last is the event after which a copy may end by
// itself; "" when it may only when it is asked to. If one cannot be started,
// those before it are ended.
func StartCopies(argvs [][]string, last string) (*Copies, error) {
	c := NewCopies(len(argvs), last)
	for _, argv := range argvs {
		if err := c.Start(argv); err != nil {
			c.End(0)
			return nil, err
		}
	}
	return c, nil
}

// NewCopies prepares for so many processes, for who starts them one by one. End
// is to be called also if not all are started.
func NewCopies(of int, last string) *Copies {
	c := &Copies{of: of, said: make(chan Said, 4*of), over: make(chan struct{}), last: last}
	c.readers.Add(of)
	go func() {
		c.readers.Wait()
		close(c.said)
	}()
	return c
}

// Start starts the next of them. It is called by who calls Send and End.
func (c *Copies) Start(argv []string) error {
	p := &copied{index: len(c.all), of: c.of, cmd: copyOf(argv), reaped: make(chan struct{})}
	if err := p.start(); err != nil {
		return fmt.Errorf("process %d of %d: cannot start %s: %w", p.index+1, p.of, argv[0], err)
	}
	c.all = append(c.all, p)
	go func() {
		defer c.readers.Done()
		c.follow(p)
	}()
	return nil
}

func (p *copied) start() error {
	inR, inW, err := os.Pipe()
	if err != nil {
		return err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		inR.Close()
		inW.Close()
		return err
	}
	p.in, p.out = inW, outR
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = inR, outW, &p.stderr
	// What it started itself must not hold up Wait by holding standard error.
	p.cmd.WaitDelay = time.Second
	err = p.cmd.Start()
	inR.Close()
	outW.Close()
	if err != nil {
		inW.Close()
		outR.Close()
	}
	return err
}

// PIDs are the processes, in the order of their argument vectors.
func (c *Copies) PIDs() []int {
	pids := make([]int, len(c.all))
	for i, p := range c.all {
		pids[i] = p.cmd.Process.Pid
	}
	return pids
}

// Said is what they say, in the order in which it comes; of one copy in the
// order in which it was said. It is closed when all have ended.
func (c *Copies) Said() <-chan Said { return c.said }

// Send gives all a command. One that has ended is noticed by what it said.
func (c *Copies) Send(command Command) {
	line, _ := json.Marshal(command) // strings, numbers and truth values
	line = append(line, '\n')
	for _, p := range c.all {
		p.mu.Lock()
		if !p.closed {
			_, _ = p.in.Write(line)
		}
		p.mu.Unlock()
	}
}

// follow passes on what a copy says, until it has ended.
func (c *Copies) follow(p *copied) {
	tell := func(s Said) {
		s.Copy = p.index
		select {
		case c.said <- s:
		case <-c.over:
		}
	}
	last, complained := "", false
	lines := bufio.NewScanner(p.out)
	lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Event == "" {
			tell(Said{Err: fmt.Errorf("%s wrote a line that is no event: %.120q", p, lines.Text())})
			complained = true
			break
		}
		if last = e.Event; last == "error" {
			tell(Said{Err: fmt.Errorf("%s failed: %s", p, e.Message)})
			complained = true
			break
		}
		tell(Said{Event: e})
	}
	if err := lines.Err(); err != nil && !complained {
		tell(Said{Err: fmt.Errorf("reading what %s says: %w", p, err)})
		complained = true
	}
	_, _ = io.Copy(io.Discard, p.out) // that it does not block on what nobody reads
	err := p.cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	close(p.reaped)
	switch {
	case complained:
	case err != nil:
		tell(Said{Err: fmt.Errorf("%s ended: %w%s", p, err, p.lastWords())})
	case c.mayEnd.Load():
	case c.last == "" || last != c.last:
		tell(Said{Err: fmt.Errorf("%s ended too early, with status 0%s", p, p.lastWords())})
	}
}

// String names a copy.
func (p *copied) String() string {
	return fmt.Sprintf("process %d of %d (%d)", p.index+1, p.of, p.cmd.Process.Pid)
}

// lastWords is what it wrote to standard error, in one line.
func (p *copied) lastWords() string {
	if words := strings.Fields(p.stderr.String()); len(words) > 0 {
		return ": " + strings.Join(words, " ")
	}
	return ""
}

// Stop asks all to stop, in their own time: from now on each may end by itself.
// Said is closed when all have.
func (c *Copies) Stop() {
	c.mayEnd.Store(true)
	c.Send(Command{Do: "stop"})
}

// End ends what still runs: it asks all to stop, closes their standard input,
// and kills those that have not ended after the grace. It returns when all are
// reaped. What they say meanwhile is not passed on any more. It may be called
// more than once.
func (c *Copies) End(grace time.Duration) {
	c.once.Do(func() {
		close(c.over)
		for range c.of - len(c.all) {
			c.readers.Done() // never started
		}
	})
	c.Send(Command{Do: "stop"})
	for _, p := range c.all {
		p.mu.Lock()
		if !p.closed {
			p.closed = true
			p.in.Close()
		}
		p.mu.Unlock()
	}
	late := time.AfterFunc(grace, func() {
		for _, p := range c.all {
			_ = p.cmd.Process.Kill() // on one that was reaped it does nothing
		}
	})
	defer late.Stop()
	for _, p := range c.all {
		<-p.reaped
		p.out.Close()
	}
}

// Rounds puts together what each of several processes says: the k-th event of a
// name by each of them are a round.
type Rounds struct {
	of      int
	waiting map[string][][]Event // by name, and by process
}

// NewRounds prepares for so many processes.
func NewRounds(of int) *Rounds { return &Rounds{of: of, waiting: map[string][][]Event{}} }

// Add takes an event of a process. When that completes a round it returns its
// events, in the order of the processes; else nil.
func (r *Rounds) Add(from int, e Event) []Event {
	queues := r.waiting[e.Event]
	if queues == nil {
		queues = make([][]Event, r.of)
		r.waiting[e.Event] = queues
	}
	queues[from] = append(queues[from], e)
	if slices.ContainsFunc(queues, func(q []Event) bool { return len(q) == 0 }) {
		return nil
	}
	round := make([]Event, r.of)
	for i := range queues {
		round[i], queues[i] = queues[i][0], queues[i][1:]
	}
	return round
}
