package experiments

import "medusa/results"

// quiet is what this machine does while nothing but a trial runs: what some
// verdicts allow beside.
type quiet struct{ results.Quiet }

// quietOf takes it from the machine's certificate; nil without one, or with one
// of another machine or kernel.
func quietOf(c *results.Certificate, here results.Machine) *quiet {
	if c == nil || len(c.AnotherMachine(here)) > 0 {
		return nil
	}
	return &quiet{c.Quiet}
}

// into puts into a record what the rules on CPU pressure and run delay compare
// with, so that its verdict depends on the record alone. Where that is not
// known both rules do not apply, which is noted.
func (q *quiet) into(m *results.MachinePart) {
	if q == nil {
		m.Unknown = append(m.Unknown, "what is quiet here (no certificate)")
		return
	}
	m.PSIQuietShare, m.RunDelayQuietShare = q.PSISomeShare, q.RunDelayShare
}
