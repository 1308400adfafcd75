//go:build !linux

package loop

import "runtime"

func describeCompletion(b *BackendInfo) {
	b.Missing = "only Linux has io_uring; this is " + runtime.GOOS
}
