package main

import (
	"fmt"
	"testing"
)

// BenchmarkRing: server CPU per request by io_uring, saturated by the generator on
// io_uring: over the minimal responder on io_uring (MEDUSA_FLOOR), and of both
// forms over epoll.
func BenchmarkRing(b *testing.B) {
	for _, n := range []int{32, 256} {
		b.Run(fmt.Sprintf("connections=%d", n), func(b *testing.B) {
			targets := []target{floor(b, "uring", 9714)}
			for _, backend := range []string{"epoll", "io_uring", "io_uring-poll"} {
				targets = append(targets, serve(b, "raw "+backend, "--raw", "127.0.0.1:0", "--backend", backend))
			}
			var names []string
			for _, t := range targets {
				names = append(names, t.name)
			}
			for b.Loop() {
				rounds := cpuRounds(b, targets, n)
				report(b, "server CPU us per request", names, rounds)
				for i := range rounds {
					rounds[i] = rounds[i][1:]
				}
				report(b, "server CPU us per request", names[1:], rounds)
			}
		})
	}
}
