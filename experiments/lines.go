package experiments

import (
	"strconv"
	"strings"
)

// lineSettings are the settings of clients' lines, each with its flag. Settings
// of slow connections come after the number of these.
var lineSettings = []struct{ setting, flag string }{
	{"requests_per_connection", "--requests-per-connection"},
	{"read_rate_bytes_s", "--read-rate"},
	{"receive_buffer_bytes", "--receive-buffer"},
	{"slow_connections", "--slow"},
	{"slow_rate_bytes_s", "--slow-rate"},
	{"slow_receive_buffer_bytes", "--slow-receive-buffer"},
}

// lineArgs are the arguments of a trial's load process that say what lines its
// clients have. Without a slow connection there are none of slow ones: a suite
// that varies their number down to 0 need not unset the others.
func lineArgs(v values) (a []string) {
	for _, s := range lineSettings {
		n := v.number(s.setting)
		if n == 0 || strings.HasPrefix(s.setting, "slow_") && v.number("slow_connections") == 0 {
			continue
		}
		a = append(a, s.flag, strconv.FormatInt(int64(n), 10))
	}
	if p := v.text("slow_path"); p != "" && v.number("slow_connections") > 0 {
		a = append(a, "--slow-path", p)
	}
	return a
}

// lines says whether a cell sets any of this.
func (v values) lines() bool { return len(lineArgs(v)) > 0 }

// churns says that connections come and go during the load.
func (v values) churns() bool { return !v.on("keep_alive") || v.has("requests_per_connection") }

// linesWrong returns what is wrong with the lines of a cell; "" when they make
// sense.
func (v values) linesWrong() string {
	slow := v.number("slow_connections") > 0
	switch {
	case v.number("requests_per_connection") > 1 && !v.on("keep_alive"):
		return "keep_alive: false has one request on each connection: remove requests_per_connection"
	case v.has("requests_per_connection") && v.number("depth") > 1:
		return "requests_per_connection is of connections that have one request on their way: remove depth"
	case v.has("requests_per_connection") && v.text("assign") == "turn":
		return "assign: turn needs clients that keep their connections: remove requests_per_connection"
	case slow && v.text("protocol") != "http":
		return "slow_connections are of http: remove them, or set protocol: http"
	case slow && !v.has("slow_rate_bytes_s"):
		return "slow_connections need slow_rate_bytes_s"
	case slow && v.has("offered_share"):
		return "offered_share sets the number of connections: remove slow_connections"
	case !v.has("slow_connections") && (v.has("slow_rate_bytes_s") || v.has("slow_path") || v.has("slow_receive_buffer_bytes")):
		return "slow_rate_bytes_s, slow_path and slow_receive_buffer_bytes are of slow connections: set slow_connections"
	}
	return ""
}
