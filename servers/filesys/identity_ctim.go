//go:build linux || openbsd || dragonfly

package filesys

import "syscall"

// changed is the time of the last change of the inode (stat(2)).
func changed(st *syscall.Stat_t) (seconds, nanoseconds int64) { return st.Ctim.Unix() }
