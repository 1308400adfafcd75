package control

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// patient makes reads from r, where it is a file that blocks, wait in the
// runtime's poller and not in read(2); done undoes it.
//
// A process that is measured has one processor (GOMAXPROCS=1), and its loop
// enters the kernel by raw calls that keep it. A goroutine that blocks in
// read(2) takes the processor along until the runtime's monitor looks, which is
// every 10 ms at the slowest: the loop stood still for 3 to 10 ms after each
// snapshot, so at the beginning of each window, with the CPU idle. Waiting in
// the poller needs no processor.
func patient(r io.Reader) (reader io.Reader, done func()) {
	f, ok := r.(*os.File)
	if !ok {
		return r, func() {}
	}
	// A descriptor of its own: f stays as it is. The flag is one of the file
	// that both share, so that it has to be taken back.
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return r, func() {}
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return r, func() {}
	}
	own := os.NewFile(uintptr(fd), f.Name())
	return own, func() {
		unix.SetNonblock(fd, false)
		own.Close()
	}
}
