//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package poller

import "time"

// sleeper gives a function that returns when the calling thread is probably
// asleep; these systems do not say so cheaply.
func sleeper() func() {
	return func() { time.Sleep(10 * time.Millisecond) }
}
