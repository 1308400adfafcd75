package experiments

// limitArgs are the arguments of a trial's server that say what it does at its
// limits.
func limitArgs(v values) (a []string) {
	if p := v.text("on_full"); p != "" {
		a = append(a, "--on-full", p)
	}
	for _, f := range []struct{ setting, flag string }{
		{"max_connections", "--max-connections"}, {"accepts_per_turn", "--accepts-per-turn"},
	} {
		if v.has(f.setting) {
			a = append(a, f.flag, whole(v.number(f.setting)))
		}
	}
	for _, f := range []struct{ setting, flag string }{
		{"defer_accept_s", "--defer-accept"}, {"head_timeout_s", "--head-timeout"},
	} {
		if v.has(f.setting) {
			a = append(a, f.flag, secs(v.number(f.setting)).String())
		}
	}
	return a
}
