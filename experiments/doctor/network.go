package doctor

import (
	"fmt"
	"strconv"
	"strings"

	"medusa/results"
)

// portsOfChurn are the ephemeral ports below which a connection for each
// request soon meets ports of its own that are in TIME_WAIT.
const portsOfChurn = 10_000

// portRange is the number of ephemeral ports and how their range is written.
func (f *Facts) portRange() (n int, text string) {
	fields := strings.Fields(f.Machine.Sysctl["net.ipv4.ip_local_port_range"])
	if len(fields) != 2 {
		fields = []string{f.Machine.Sysctl["net.inet.ip.portrange.first"], f.Machine.Sysctl["net.inet.ip.portrange.last"]}
	}
	low, errLow := strconv.Atoi(fields[0])
	high, errHigh := strconv.Atoi(fields[1])
	if errLow != nil || errHigh != nil || high < low {
		return 0, ""
	}
	return high - low + 1, fmt.Sprintf("%d (%d to %d)", high-low+1, low, high)
}

// ports judges the ephemeral ports. Where all of 127/8 is this machine the
// generator connects from as many addresses as it needs, so that few ports are
// enough for many connections, but not for many that come and go.
func ports(f *Facts, needs []Needs) answer {
	n, text := f.portRange()
	if n == 0 {
		return answer{}
	}
	remedy := `sudo sysctl -w net.ipv4.ip_local_port_range="16384 60999"`
	if f.Machine.OS != "linux" {
		remedy = setSysctl("net.inet.ip.portrange.first", 16384)
	}
	reuse := f.Machine.Sysctl["net.ipv4.tcp_tw_reuse"]
	if reuse != "" {
		text += ", tcp_tw_reuse " + reuse
	}
	if f.Sockets != nil {
		text += fmt.Sprintf("; %s in use", things(*f.Sockets, "TCP socket"))
	}
	churn := some(needs, func(n Needs) bool { return n.Churn })
	switch most := most(needs, connections); {
	case !f.Loopback && most > n:
		return warning(text, fmt.Sprintf("%d connections at once need as many ports: such cells are skipped", most), remedy)
	case churn && n < portsOfChurn:
		return warning(text, "a connection for each request uses them up: each is kept for a minute in TIME_WAIT", remedy)
	case f.Sockets != nil && *f.Sockets > n/2:
		return warning(text, "another program holds them: the search for a free port takes longer, and more so as they fill", "ss -tnp shows whose they are; end it").byNoise()
	case churn && reuse == "0":
		return note(text, "ports in TIME_WAIT are not used again, so a connection for each request may find none", setSysctl("net.ipv4.tcp_tw_reuse", 2))
	}
	return fine(text)
}

// timeWait judges what earlier programs left.
func timeWait(f *Facts, _ []Needs) answer {
	if f.TimeWait == nil {
		return answer{}
	}
	found := things(*f.TimeWait, "socket")
	if n, _ := f.portRange(); n > 0 && *f.TimeWait > n/2 {
		a := warning(found, "left by what ran before: they slow the search for a free port and go within a minute", "sleep 60")
		return a.byNoise()
	}
	if most, _, ok := f.sysctl("net.ipv4.tcp_max_tw_buckets"); ok && most < portsOfChurn {
		return note(fmt.Sprintf("%s, at most %d", found, most), "more are dropped at once, so a late segment meets no socket",
			setSysctl("net.ipv4.tcp_max_tw_buckets", 131072))
	}
	return fine(found)
}

// acceptQueue judges how many connections may wait to be accepted (listen(2)).
func acceptQueue(f *Facts, needs []Needs) answer {
	n, name, ok := f.sysctl("net.core.somaxconn", "kern.ipc.somaxconn", "kern.ipc.soacceptqueue")
	if !ok {
		return answer{}
	}
	found := fmt.Sprintf("%s %d", name, n)
	if n < 1024 && uint64(most(needs, connections)) > n {
		return warning(found, "connections that come together overflow it, and each one dropped tries again after a second", setSysctl(name, 4096))
	}
	return fine(found)
}

// synQueue judges how many connections may be half open (tcp(7)).
func synQueue(f *Facts, _ []Needs) answer {
	n, name, ok := f.sysctl("net.ipv4.tcp_max_syn_backlog")
	if !ok {
		return answer{}
	}
	found := fmt.Sprintf("%s %d", name, n)
	if n < 256 {
		return note(found, "connections that come together may be answered with SYN cookies, which take longer and lose options", setSysctl(name, 1024))
	}
	return fine(found)
}

// bulk is the response from which on the congestion control matters, in bytes:
// smaller ones leave at once within the initial window.
const bulk = 64 << 10

// congestion judges the system's congestion control, where a suite leaves it
// to the system. BBR paces what it sends, over loopback, too, where there is
// no path whose rate it could find out.
func congestion(f *Facts, needs []Needs) answer {
	name := f.Machine.Congestion
	if name == "" {
		return answer{}
	}
	if name != "bbr" || !some(needs, func(n Needs) bool { return n.SystemCongestion }) {
		return fine(name)
	}
	a := note(name, "it paces large responses over loopback; small ones are not affected",
		"add --set congestion=cubic to medusa run, or "+setSysctl("net.ipv4.tcp_congestion_control", "cubic"))
	if some(needs, func(n Needs) bool { return n.SystemCongestion && n.Body >= bulk }) {
		a.level, a.why = results.CheckupWarning, "it paces large responses over loopback: the figures will be its, not the backends'"
	}
	return a
}

// conntrack judges the firewall's memory of connections.
func conntrack(f *Facts, needs []Needs) answer {
	c := f.Conntrack
	if c == nil {
		if f.Machine.OS != "linux" {
			return answer{}
		}
		return fine("not loaded")
	}
	const remedy = "sudo iptables -t raw -A OUTPUT -o lo -j NOTRACK && sudo iptables -t raw -A PREROUTING -i lo -j NOTRACK"
	found := fmt.Sprintf("%d of %d connections tracked", c.Count, c.Max)
	need := 2 * uint64(most(needs, connections))
	if c.Count > 0 && c.Max-min(c.Count, c.Max) < need {
		return warning(found, fmt.Sprintf("a trial opens up to half of %d: when the table is full, packets are dropped", need), setSysctl("net.netfilter.nf_conntrack_max", c.Count+4*need))
	}
	if c.Count > 0 {
		return note(found, "if loopback is among them, each packet and each connection costs more than without", remedy)
	}
	return fine(found)
}
