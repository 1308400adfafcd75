package ftpd

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"medusa/poller/loop"
)

// portion is how many entries of a directory are read at once. It bounds what a
// listing holds, and how long a read of it takes: each entry costs a system call.
const portion = 128

// list is LIST: lines as ls -l prints them. Options such as -la are what clients
// give to a server that runs ls; here they change nothing.
func (s *session) list(argument string) {
	for strings.HasPrefix(argument, "-") {
		_, argument, _ = strings.Cut(argument, " ")
	}
	s.sendList("LIST", argument, "", s.lineWriter())
}

// listNames is NLST: a name a line, with the path that was given, so that each can
// be given to RETR (RFC 1123 section 4.1.2.7).
func (s *session) listNames(argument string) {
	prefix := ""
	if i := strings.LastIndexByte(argument, '/'); i >= 0 && hasPattern(argument) {
		prefix = argument[:i+1]
	} else if argument != "" && !hasPattern(argument) {
		prefix = strings.TrimSuffix(argument, "/") + "/"
	}
	s.sendList("NLST", argument, prefix, func(b []byte, name string, _ fs.FileInfo) []byte {
		return append(append(b, name...), "\r\n"...)
	})
}

// listMachine is MLSD (RFC 3659 section 7): facts of what is in a directory.
func (s *session) listMachine(argument string) {
	if info, err := fs.Stat(s.account.Files, s.name(argument)); err == nil && !info.IsDir() {
		s.reply(501, "Not a directory: use MLST.")
		return
	}
	facts, write := s.facts, s.mayWrite()
	s.sendList("MLSD", argument, "", func(b []byte, name string, info fs.FileInfo) []byte {
		b = facts.append(b, info, write)
		return append(append(b, name...), "\r\n"...)
	})
}

// entryWriter appends the line of an entry.
type entryWriter func(b []byte, name string, info fs.FileInfo) []byte

func (s *session) lineWriter() entryWriter {
	now := s.server.loop.Wall()
	return func(b []byte, name string, info fs.FileInfo) []byte {
		return append(append(appendLong(b, info, now), name...), "\r\n"...)
	}
}

// sendList sends the list of a directory, of the files of it that a pattern
// matches, or of one file. The prefix stands before each name of a directory.
func (s *session) sendList(verb, argument, prefix string, write entryWriter) {
	l, err := s.open(argument, write)
	if err == nil && l.pattern != "" && verb == "MLSD" {
		l.Close()
		err = fs.ErrNotExist
	}
	if err != nil {
		s.failed(err)
		return
	}
	l.prefix = prefix
	t := &transfer{verb: verb, path: s.path(argument), size: -1, source: l}
	t.send = func(c *loop.Conn) {
		t.source = nil
		l.conn = c
		c.Push(l)
	}
	s.begin(t)
}

// open opens a listing. A name that has characters of a pattern and exists is no
// pattern.
func (s *session) open(argument string, write entryWriter) (*listing, error) {
	where, pattern := s.path(argument), ""
	info, err := fs.Stat(s.account.Files, nameOf(where))
	if err != nil && hasPattern(argument) {
		where, pattern = path.Split(where)
		where = path.Clean(where)
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fs.ErrInvalid
		}
		info, err = fs.Stat(s.account.Files, nameOf(where))
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		if pattern != "" {
			return nil, fs.ErrNotExist
		}
		l := &listing{write: write, all: true}
		l.text = write(nil, argument, info)
		return l, nil
	}
	f, err := s.account.Files.Open(nameOf(where))
	if err != nil {
		return nil, err
	}
	dir, ok := f.(fs.ReadDirFile)
	if !ok {
		_ = f.Close() // nothing was written
		return nil, errors.ErrUnsupported
	}
	return &listing{dir: dir, pattern: pattern, write: write}, nil
}

// hasPattern says whether a path's last part may be one of path.Match.
func hasPattern(argument string) bool { return strings.ContainsAny(path.Base(argument), "*?[") }

// listing reads a directory as lines, a portion at a time. Entries are in order
// within a portion, and so altogether in a directory that is one. Names with a CR,
// LF or NUL are left out, since no line can have them, and so is what is gone when
// its turn comes.
type listing struct {
	dir     fs.ReadDirFile // nil for one file
	pattern string         // "" matches all
	write   entryWriter
	indent  string     // before each line
	prefix  string     // before each name
	conn    *loop.Conn // that the lines go to

	entries []fs.DirEntry // of the portion, not yet in text
	text    []byte        // not yet read
	buf     []byte        // under text
	all     bool          // the last portion has been read
}

// Read reads at most one portion of the directory.
func (l *listing) Read(p []byte) (n int, err error) {
	looked := false
	for n < len(p) {
		switch {
		case len(l.text) > 0:
			k := copy(p[n:], l.text)
			l.text, n = l.text[k:], n+k
		case len(l.entries) > 0:
			l.buf = l.append(l.buf[:0], l.entries[0])
			l.text, l.entries = l.buf, l.entries[1:]
		case n > 0:
			return n, nil
		case l.all:
			return 0, io.EOF
		case looked:
			// Nothing of the portion is to be listed, and others wait for the
			// loop.
			l.conn.Continue()
			return 0, loop.ErrLater
		default:
			l.entries, err = l.dir.ReadDir(portion)
			if l.all = errors.Is(err, io.EOF); !l.all && err != nil {
				return 0, err
			}
			looked = true
			slices.SortFunc(l.entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		}
	}
	return n, nil
}

// append appends the line of an entry, or nothing.
func (l *listing) append(b []byte, entry fs.DirEntry) []byte {
	name := entry.Name()
	if strings.ContainsAny(name, "\r\n\x00") {
		return b
	}
	if l.pattern != "" {
		if match, err := path.Match(l.pattern, name); err != nil || !match {
			return b
		}
	}
	info, err := entry.Info()
	if err != nil {
		return b
	}
	return l.write(append(b, l.indent...), l.prefix+name, info)
}

// Close closes the directory.
func (l *listing) Close() error {
	if l.dir == nil {
		return nil
	}
	return l.dir.Close()
}
