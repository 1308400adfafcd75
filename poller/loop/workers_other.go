//go:build !linux

package loop

// Workers is the number of kernel threads that work for this process's io_uring: none, where
// there is none.
func (*Loop) Workers() int { return 0 }
