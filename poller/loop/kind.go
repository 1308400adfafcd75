package loop

import (
	"errors"
	"syscall"
)

// Kind classes the error that Closed gets: "ok" (nil), "reset", "refused",
// "timeout", "aborted", "stopped", "local" (this end lacked a descriptor, a
// port or memory), "full" (ErrInputFull), "short" (ErrShort) or "other".
func Kind(err error) string {
	if err == nil {
		return "ok"
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	return "other"
}

var kinds = []struct {
	err  error
	kind string
}{
	{ErrAborted, "aborted"}, {ErrStopped, "stopped"}, {ErrInputFull, "full"}, {ErrShort, "short"},
	{syscall.ECONNRESET, "reset"}, {syscall.EPIPE, "reset"}, {syscall.ECONNABORTED, "reset"},
	{syscall.ECONNREFUSED, "refused"},
	{syscall.ETIMEDOUT, "timeout"},
	{syscall.EMFILE, "local"}, {syscall.ENFILE, "local"}, {syscall.EADDRNOTAVAIL, "local"},
	{syscall.EADDRINUSE, "local"}, {syscall.ENOBUFS, "local"}, {syscall.ENOMEM, "local"},
}
