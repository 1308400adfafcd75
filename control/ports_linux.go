package control

import (
	"os"
	"strconv"
	"strings"
)

// EphemeralPorts is how many ports an address has to connect from: ip(7),
// ip_local_port_range; 0 where that is unknown.
func EphemeralPorts() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	f := strings.Fields(string(text))
	if err != nil || len(f) != 2 {
		return 0
	}
	low, errLow := strconv.Atoi(f[0])
	high, errHigh := strconv.Atoi(f[1])
	if errLow != nil || errHigh != nil || high < low {
		return 0
	}
	return high - low + 1
}
