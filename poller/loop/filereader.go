package loop

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// fileReader is a part of a file as a producer: what SendFile queues where
// Config.CopyFiles has it read and sent.
type fileReader struct {
	conn    *Conn
	f       *os.File
	off, n  int64 // of what is left
	release func()
	// With Config.ColdFiles: up to where somebody has read it for the loop, that
	// somebody does, and that nobody needs it any more.
	warm     int64
	fetching bool
	closed   bool
}

// Read reads at most len(p) bytes, by pread(2); with Config.ColdFiles what the page
// cache has of them.
func (r *fileReader) Read(p []byte) (int, error) {
	if r.fetching {
		return 0, ErrLater
	}
	l, read := r.conn.loop, rawReadFile
	p = p[:min(int64(len(p)), r.n)]
	if l.cfg.ColdFiles != ColdLoop && r.off >= r.warm {
		read = l.disk.read
	}
	l.counts.Calls[CallReadFile]++
	n, errno := read(int(r.f.Fd()), p, r.off)
	switch {
	case errno == unix.EAGAIN:
		r.fetch()
		return 0, ErrLater
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

// fetch has the next part of the file read by somebody who may wait for the disk.
func (r *fileReader) fetch() {
	n := min(r.n, coldBytes)
	until := r.off + n
	r.fetching = true
	r.conn.loop.fetch(r.f, r.off, n, func() {
		r.fetching, r.warm = false, until
		if !r.closed {
			r.conn.Continue()
		}
	})
}

// Unread takes back the last n bytes that were read.
func (r *fileReader) Unread(n int) { r.off, r.n = r.off-int64(n), r.n+int64(n) }

// Close releases the file.
func (r *fileReader) Close() error {
	r.closed = true
	if r.release != nil {
		r.release()
	}
	return nil
}
