package loop

import (
	"io"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// coldMissing says why cold files cannot be told from others here; "" where they can.
const coldMissing = ""

func systemDisk() disk { return disk{cached: InPageCache, read: readCached, fetch: fetchFile} }

// cachestatRange and cachestat are the structures of cachestat(2), Linux 6.5.
type cachestatRange struct{ off, len uint64 }

type cachestat struct{ cache, dirty, writeback, evicted, recentlyEvicted uint64 }

// probeStep is how far apart pages are looked at where the kernel does not count
// them: before Linux 6.5, and for who may not write the file.
const probeStep = 64 << 10

// InPageCache says whether the page cache has all of a part of a file. Pages that
// are still being read count as had by cachestat(2); as the kernel reads ahead from
// the front, the last one tells.
func InPageCache(f *os.File, off, n int64) bool {
	fd, page := int(f.Fd()), int64(os.Getpagesize())
	r := cachestatRange{uint64(off), uint64(n)}
	var s cachestat
	_, _, errno := unix.RawSyscall6(unix.SYS_CACHESTAT, uintptr(fd), uintptr(unsafe.Pointer(&r)), uintptr(unsafe.Pointer(&s)), 0, 0, 0)
	if errno != 0 {
		return probed(fd, off, n)
	}
	return int64(s.cache) >= (off+n-1)/page-off/page+1 && pageReadable(fd, off+n-1)
}

// probed is InPageCache by a look at a page here and there.
func probed(fd int, off, n int64) bool {
	for at := off; at < off+n; at += probeStep {
		if !pageReadable(fd, at) {
			return false
		}
	}
	return pageReadable(fd, off+n-1)
}

// pageReadable says whether a byte can be read without waiting, as far as the file
// system tells.
func pageReadable(fd int, at int64) bool {
	var b [1]byte
	_, errno := readNoWait(fd, b[:], at)
	return errno != unix.EAGAIN
}

// readCached reads what the page cache has. Where the file system does not know how
// to (EOPNOTSUPP), it reads, and waits.
func readCached(fd int, p []byte, off int64) (int, unix.Errno) {
	n, errno := readNoWait(fd, p, off)
	if errno == unix.EOPNOTSUPP {
		return rawReadFile(fd, p, off)
	}
	return n, errno
}

// readNoWait is preadv2(2) with RWF_NOWAIT.
func readNoWait(fd int, p []byte, off int64) (int, unix.Errno) {
	iov := unix.Iovec{Base: unsafe.SliceData(p)}
	iov.SetLen(len(p))
	// The offset goes in two registers; on the 64-bit machines that there are
	// builds for, the second is not looked at.
	n, _, errno := unix.RawSyscall6(unix.SYS_PREADV2, uintptr(fd), uintptr(unsafe.Pointer(&iov)), 1, uintptr(off), 0, unix.RWF_NOWAIT)
	return int(n), errno
}

// null is /dev/null, opened by the first who needs it.
var null = sync.OnceValues(func() (*os.File, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) })

// fetchFile reads a part of a file into the page cache and copies it nowhere: what
// sendfile(2) sends to /dev/null stays where it is.
func fetchFile(f *os.File, off, n int64) error {
	to, err := null()
	if err != nil {
		return err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	// Control keeps the descriptor open, whoever closes the file meanwhile.
	if err2 := raw.Control(func(fd uintptr) {
		for n > 0 && err == nil {
			var k int
			switch k, err = unix.Sendfile(int(to.Fd()), int(fd), &off, int(n)); {
			case err == unix.EINTR:
				err = nil
			case err == nil && k == 0:
				err = io.ErrUnexpectedEOF
			default:
				n -= int64(k)
			}
		}
	}); err2 != nil {
		return err2
	}
	return err
}
