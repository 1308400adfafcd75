package experiments

import (
	"strings"
	"testing"

	"medusa/control"
)

func TestLineArguments(t *testing.T) {
	v := firstOf(t, strings.Replace(smallSuite, "trial:", `fixed: {requests_per_connection: 50, read_rate_bytes_s: 7168, receive_buffer_bytes: 4096, slow_connections: 9,
  slow_rate_bytes_s: 4294967296, slow_path: /files/1048576, slow_receive_buffer_bytes: 2048}
trial:`, 1))
	r := loadRun{server: control.Ready{HTTP: "127.1.1.1:80"}, backend: "epoll", active: 3}
	want := " --requests-per-connection 50 --read-rate 7168 --receive-buffer 4096 --slow 9 --slow-rate 4294967296 --slow-receive-buffer 2048 --slow-path /files/1048576"
	if got := strings.Join(loadArgs(v, r), " "); !strings.HasSuffix(got, want) {
		t.Errorf("got %s", got)
	}
	if !v.churns() || connections(v) != int(v.number("active_connections")+v.number("idle_connections"))+9 {
		t.Errorf("churns %v, %d connections", v.churns(), connections(v))
	}
	if got := strings.Join(serverArgs(v, trialAddress(1), nil), " "); !strings.Contains(got, "--idle-timeout 10m") {
		t.Errorf("the server may end slow connections: %s", got)
	}
	// Their number may be varied down to none.
	v["slow_connections"] = 0.0
	if got := strings.Join(loadArgs(v, r), " "); strings.Contains(got, "slow") || !strings.Contains(got, "--read-rate 7168") {
		t.Errorf("without slow ones: %s", got)
	}
	if why := v.linesWrong(); why != "" {
		t.Error(why)
	}
}

func TestLinesThatMakeNoSense(t *testing.T) {
	for _, c := range []struct{ fixed, want string }{
		{"keep_alive: false, requests_per_connection: 2", "remove requests_per_connection"},
		{"requests_per_connection: 2, depth: 2", "remove depth"},
		{"slow_connections: 2", "need slow_rate_bytes_s"},
		{"slow_connections: 2, slow_rate_bytes_s: 100, protocol: raw", "protocol: http"},
		{"slow_rate_bytes_s: 100", "set slow_connections"},
		{"slow_connections: 1, slow_rate_bytes_s: 1, slow_path: files", "slow_path must begin with /"},
		{"read_rate_bytes_s: 0", "between 1 and"},
	} {
		_, err := Parse("own.yaml", []byte(strings.Replace(smallSuite, "trial:", "fixed: {"+c.fixed+"}\ntrial:", 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.fixed, err, c.want)
		}
	}
}
