package loop

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// fileReader is a part of a file as a producer: what SendFile queues where
// Config.CopyFiles has it read and sent.
type fileReader struct {
	loop    *Loop
	f       *os.File
	off, n  int64 // of what is left
	release func()
}

// Read reads at most len(p) bytes, by pread(2).
func (r *fileReader) Read(p []byte) (int, error) {
	p = p[:min(int64(len(p)), r.n)]
	r.loop.counts.Calls[CallReadFile]++
	n, errno := rawReadFile(int(r.f.Fd()), p, r.off)
	switch {
	case errno == unix.EINTR:
		return 0, nil // asked again
	case errno != 0:
		return 0, os.NewSyscallError("pread", errno)
	case n == 0:
		return 0, ErrShort
	}
	r.off, r.n = r.off+int64(n), r.n-int64(n)
	if r.n == 0 {
		return n, io.EOF
	}
	return n, nil
}

// Unread takes back the last n bytes that were read.
func (r *fileReader) Unread(n int) { r.off, r.n = r.off-int64(n), r.n+int64(n) }

// Close releases the file.
func (r *fileReader) Close() error {
	if r.release != nil {
		r.release()
	}
	return nil
}
