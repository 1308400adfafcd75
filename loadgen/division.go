package loadgen

import (
	"fmt"

	"medusa/control"
)

// beside are the descriptors that a load process holds beside its connections,
// at most: standard streams, what the poller and the runtime need, files.
const beside = 48 - control.Reserve

// Holds is how many connections one load process can have under a limit of
// descriptors.
func Holds(nofile uint64) int { return control.Usable(nofile, beside) }

// ProcessesFor is how many load processes the connections need under a limit of
// descriptors, at least 1.
func ProcessesFor(connections int, nofile uint64) int {
	holds := max(1, Holds(nofile))
	return max(1, (connections+holds-1)/holds)
}

// MaxProcesses is how many processes a load is divided among at most.
const MaxProcesses = 64

// divide makes of a load the loads of n processes that can hold so many
// connections each; n = 0 stands for as many as are needed. The active
// connections are in the first of them: one for each CPU that is named, or one,
// or as many as they need. The idle and the slow ones are everywhere where there
// is room, in proportion to it. Processes that would have no connection are left out.
func (c Config) divide(n, holds int) ([]Config, error) {
	total := c.open()
	needed := max(1, (total+holds-1)/max(1, holds))
	if n == 0 {
		n = needed
	}
	if n > MaxProcesses {
		return nil, fmt.Errorf("%d connections need %d processes under the descriptor limit, which is over %d; raise it (ulimit -n) or ask for fewer", total, n, MaxProcesses)
	}
	if total > n*holds {
		return nil, fmt.Errorf("%d connections do not fit: under the descriptor limit %d processes hold %d each; give --processes 0, raise the limit (ulimit -n) or ask for fewer", total, n, holds)
	}
	if n == 1 {
		return []Config{c}, nil
	}
	asking := max(min(n, max(1, len(c.CPUs))), (c.Connections+holds-1)/holds)
	asking = min(asking, c.Connections)
	if c.Assign == AssignTurn {
		// Clients have equal shares only where processes have equally many.
		least := (c.Connections + holds - 1) / holds
		for asking > least && c.Connections%asking != 0 {
			asking--
		}
		if c.Connections%asking != 0 {
			return nil, fmt.Errorf("--assign turn: %d clients cannot be shared evenly by %d processes that hold %d each; give a multiple of %d", c.Connections, asking, holds, asking)
		}
	}
	room := n*holds - c.Connections
	var out []Config
	others, idle := c.Idle+c.Slow, 0
	given, before := 0, 0 // others, and room, in the processes so far
	for i := range n {
		p := c
		p.Part, p.Control, p.Processes = true, true, 1
		p.JSON, p.HLog, p.HLogTag = "", "", ""
		p.Of = n
		p.Connections = 0
		if i < asking {
			// As many as the schedule's part of the common turn: client k of all
			// is in process k mod asking.
			p.Connections = (c.Connections - i + asking - 1) / asking
			p.Schedule.Part, p.Schedule.Of = i, asking
			if len(c.CPUs) > 0 {
				p.CPUs = []int{c.CPUs[i%len(c.CPUs)]}
			}
		} else {
			p.Pacing = Sleep
		}
		p.Leave = 0 // see divided
		before += holds - p.Connections
		upto := others
		if room > 0 {
			upto = int(int64(others) * int64(before) / int64(room))
		}
		silent := upto
		if others > 0 {
			silent = int(int64(c.Idle) * int64(upto) / int64(others))
		}
		p.Idle = silent - idle
		p.Slow = upto - given - p.Idle
		given, idle = upto, silent
		p.FillRate = c.FillRate * float64(p.open()) / float64(total)
		if p.open() > 0 {
			out = append(out, p)
		}
	}
	for i := range out {
		out[i].Of = len(out)
	}
	if len(out) == 1 {
		return []Config{c}, nil
	}
	return out, nil
}
