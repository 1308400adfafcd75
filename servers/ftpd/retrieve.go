package ftpd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"

	"medusa/poller/loop"
)

// restartAt is REST in stream mode (RFC 3659 section 5): an offset in bytes, for
// the next transfer.
func (s *session) restartAt(argument string) {
	n, err := strconv.ParseInt(argument, 10, 64)
	if err != nil || n < 0 {
		s.reply(501, "Give a number of bytes.")
		return
	}
	s.restart = n
	s.reply(350, "The next transfer begins there.")
}

// takeRestart is the offset for the command that is being carried out, whatever
// becomes of it.
func (s *session) takeRestart() int64 {
	n := s.restart
	s.restart = 0
	return n
}

// retrieve is RETR.
func (s *session) retrieve(argument string) {
	path, restart := s.path(argument), s.takeRestart()
	f, err := s.account.Files.Open(nameOf(path))
	if err != nil {
		s.failed(err)
		return
	}
	t := &transfer{verb: "RETR", path: path, source: f}
	info, err := f.Stat()
	switch {
	case err != nil:
		t.discard()
		s.failed(err)
	case info.IsDir():
		t.discard()
		s.reply(550, "It is a directory.")
	case !s.image && restart > 0:
		// An offset of what is converted would have to be counted from the
		// start of the file.
		t.discard()
		s.reply(504, "REST is for TYPE I.")
	case restart > info.Size():
		t.discard()
		s.reply(554, "The file ends before that.")
	case !s.image:
		t.size = -1
		t.send = func(c *loop.Conn) {
			t.source = nil
			c.Push(&toNetwork{source: f})
		}
		s.begin(t)
	default:
		off, n := restart, info.Size()-restart
		if err := s.sendFrom(t, f, off, n); err != nil {
			t.discard()
			s.failed(err)
			return
		}
		s.begin(t)
	}
}

// sendFrom lets the transfer send n bytes of f from off.
func (s *session) sendFrom(t *transfer, f fs.File, off, n int64) error {
	t.size = n
	if file, ok := f.(*os.File); ok {
		t.send = func(c *loop.Conn) {
			t.source = nil
			c.SendFile(file, off, n, func() { _ = file.Close() }) // nothing was written
		}
		return nil
	}
	if off > 0 {
		seeker, ok := f.(io.Seeker)
		if !ok {
			return errNoOffset
		}
		if _, err := seeker.Seek(off, io.SeekStart); err != nil {
			return err
		}
	}
	t.send = func(c *loop.Conn) {
		t.source = nil
		c.Push(&exactly{file: f, left: n})
	}
	return nil
}

var errNoOffset = errors.New("can only be read from its start")

// exactly reads so many bytes of a file, and fails if it ends before.
type exactly struct {
	file fs.File
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.file.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if err == io.EOF {
		err = nil
		if n == 0 {
			err = loop.ErrShort
		}
	}
	return n, err
}

func (e *exactly) Close() error { return e.file.Close() }
