//go:build !linux

package loop

// Workers is the number of kernel threads that work for io_uring: none, where
// there is no io_uring.
func Workers() int { return 0 }
