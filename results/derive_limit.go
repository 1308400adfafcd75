package results

// limit derives what a server does at its limit: with silent clients, with those
// it turns away, and when some leave.
func (d derivation) limit() {
	s, l := d.r.Server, d.r.Load
	switch {
	case s == nil || s.Quiet == nil || s.Filled == nil:
		d.miss("this trial had no quiet time (phases: quiet_s)", "cpu_share_at_limit_quiet")
	case s.Quiet.AtNs <= s.Filled.AtNs || s.Quiet.CPUNs < s.Filled.CPUNs:
		d.miss("the server's clocks ran backwards in the quiet time", "cpu_share_at_limit_quiet")
	default:
		d.put("cpu_share_at_limit_quiet", float64(s.Quiet.CPUNs-s.Filled.CPUNs)/float64(s.Quiet.AtNs-s.Filled.AtNs))
	}
	switch {
	case l == nil || l.Recovery == nil:
		d.miss("nobody left after the window (phases: leave_share)", "recovery_ms")
	case l.Recovery.Missing != "":
		d.miss(l.Recovery.Missing, "recovery_ms")
	case l.Recovery.Censored:
		d.r.Censored["recovery_ms"] = float64(l.Recovery.LimitNs) / 1e6
	case l.Recovery.Ns == nil && l.Recovery.Left == 0:
		d.miss("nobody was served at the end of the window who could leave", "recovery_ms")
	case l.Recovery.Ns == nil:
		d.miss("nobody waited for a place when some left", "recovery_ms")
	default:
		d.put("recovery_ms", float64(*l.Recovery.Ns)/1e6)
	}
	w, why := d.r.window()
	if why == "" && d.r.countedByLoad() {
		why = "the server is another program, and does not tell"
	}
	if why == "" && w.seconds <= 0 {
		why = "no time passed between the server's snapshots"
	}
	if why != "" {
		d.miss(why, "shed_per_s", "reaped_per_s", "listen_pauses_per_s", "cold_reads_per_s")
		return
	}
	for _, c := range []struct {
		column        string
		before, after uint64
	}{
		{"shed_per_s", s.Before.Shed, s.After.Shed}, {"reaped_per_s", s.Before.Reaped, s.After.Reaped},
		{"listen_pauses_per_s", s.Before.ListenPauses, s.After.ListenPauses},
		{"cold_reads_per_s", s.Before.ColdReads, s.After.ColdReads},
	} {
		if c.after < c.before {
			d.miss("the server's counter ran backwards in the window", c.column)
			continue
		}
		d.put(c.column, float64(c.after-c.before)/w.seconds)
	}
}
