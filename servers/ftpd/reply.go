package ftpd

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
)

// reply answers with one line (RFC 959 section 4.2).
func (s *session) reply(code int, text string) {
	b := strconv.AppendInt(s.server.scratch[:0], int64(code), 10)
	b = append(b, ' ')
	b = appendVisible(b, text)
	b = append(b, "\r\n"...)
	s.conn.Write(b)
	s.server.scratch = b[:0]
}

// replyLines answers with several lines. Those between the first and the last are
// indented, so that none looks like the last.
func (s *session) replyLines(code int, first string, lines []string, last string) {
	number := strconv.Itoa(code)
	b := append(s.server.scratch[:0], number...)
	b = append(b, '-')
	b = append(b, first...)
	b = append(b, "\r\n"...)
	for _, line := range lines {
		b = append(b, ' ')
		b = appendVisible(b, line)
		b = append(b, "\r\n"...)
	}
	b = append(b, number...)
	b = append(b, ' ')
	b = append(b, last...)
	b = append(b, "\r\n"...)
	s.conn.Write(b)
	s.server.scratch = b[:0]
}

// appendVisible appends text without what would end the line.
func appendVisible(b []byte, text string) []byte {
	if strings.ContainsAny(text, "\r\n\x00") {
		text = strings.NewReplacer("\r", "?", "\n", "?", "\x00", "?").Replace(text)
	}
	return append(b, text...)
}

// quoted is a path as 257 has it: between quotes, those in it doubled (RFC 959,
// appendix II).
func quoted(path string) string { return `"` + strings.ReplaceAll(path, `"`, `""`) + `"` }

// failed answers with what an error of the file system means to the client: 450
// may be repeated, 452 and 552 want space, 451 is the server's own trouble, and
// 550 is about what was asked for (RFC 959 section 4.2.1).
func (s *session) failed(err error) {
	code, text := fileError(err)
	s.reply(code, text)
}

func fileError(err error) (code int, text string) {
	errno, _ := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 550, "No such file or directory."
	case errors.Is(err, fs.ErrPermission):
		return 550, "Permission denied."
	case errno == syscall.ENOTEMPTY:
		return 550, "The directory is not empty."
	case errors.Is(err, fs.ErrExist):
		return 550, "It exists already."
	case errno == syscall.ENOTDIR:
		return 550, "Not a directory."
	case errno == syscall.EISDIR:
		return 550, "It is a directory."
	case errno == syscall.ELOOP, errno == syscall.EXDEV, errno == syscall.EROFS, errno == syscall.EINVAL, errors.Is(err, fs.ErrInvalid):
		return 550, "Not possible here."
	case errno == syscall.ENAMETOOLONG:
		return 553, "The name is too long."
	case errno == syscall.ENOSPC:
		return 452, "No space left."
	case errno == syscall.EDQUOT, errno == syscall.EFBIG:
		return 552, "More than may be stored."
	case errno == syscall.EMFILE, errno == syscall.ENFILE, errno == syscall.ENOMEM, errno == syscall.EBUSY, errno == syscall.ETXTBSY, errno == syscall.EAGAIN:
		return 450, "Not possible at the moment."
	case errno == 0:
		return 550, "Not possible."
	}
	return 451, "The file system failed."
}
