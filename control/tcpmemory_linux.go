package control

import (
	"bytes"
	"os"
	"strconv"
)

// tcpMemory is what TCP holds in the buffers of the machine's sockets, in bytes:
// proc(5), net/sockstat, TCP mem, which is in pages and which the kernel counts for
// all network namespaces together. Each CPU may keep 1 MiB of the account to itself
// (SK_MEMORY_PCPU_RESERVE), so that small amounts are missing. nil where untold.
func tcpMemory() *int64 {
	text, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return nil
	}
	return tcpMemoryOf(text, int64(os.Getpagesize()))
}

func tcpMemoryOf(text []byte, page int64) *int64 {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte("TCP:"))
		if !ok {
			continue
		}
		f := bytes.Fields(rest)
		for i := 0; i+1 < len(f); i += 2 {
			if string(f[i]) != "mem" {
				continue
			}
			pages, err := strconv.ParseInt(string(f[i+1]), 10, 64)
			if err != nil {
				return nil
			}
			pages *= page
			return &pages
		}
	}
	return nil
}
