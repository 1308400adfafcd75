package ftpd

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// changeDirectory is CWD.
func (s *session) changeDirectory(argument string) { s.enter(s.path(argument)) }

// changeUp is CDUP; of the root it is the root.
func (s *session) changeUp(string) { s.enter(path.Dir(s.cwd)) }

func (s *session) enter(path string) {
	info, err := fs.Stat(s.account.Files, nameOf(path))
	switch {
	case err != nil:
		s.failed(err)
	case !info.IsDir():
		s.reply(550, "Not a directory.")
	default:
		s.cwd = path
		s.reply(250, "Directory changed.")
	}
}

// printDirectory is PWD.
func (s *session) printDirectory(string) { s.reply(257, quoted(s.cwd)+" is the current directory.") }

// makeDirectory is MKD.
func (s *session) makeDirectory(argument string) {
	w, _ := s.writable()
	path := s.path(argument)
	s.done(w.Mkdir(nameOf(path), dirPerm), 257, quoted(path)+" was made.")
}

// removeDirectory is RMD, of empty ones.
func (s *session) removeDirectory(argument string) { s.removeKind(argument, true, "Not a directory.") }

// remove is DELE.
func (s *session) remove(argument string) {
	s.removeKind(argument, false, "It is a directory: use RMD.")
}

func (s *session) removeKind(argument string, dir bool, otherwise string) {
	w, _ := s.writable()
	name := s.name(argument)
	if info, err := fs.Stat(w, name); err == nil && info.IsDir() != dir {
		s.reply(550, otherwise)
		return
	}
	// What cannot be looked at may be a link to nowhere, which can be removed.
	s.done(w.Remove(name), 250, "Removed.")
}

// renameFrom is RNFR, to be followed by RNTO.
func (s *session) renameFrom(argument string) {
	name := s.name(argument)
	if _, err := fs.Stat(s.account.Files, name); err != nil {
		s.failed(err)
		return
	}
	s.renaming = name
	s.reply(350, "And now RNTO.")
}

// renameTo is RNTO.
func (s *session) renameTo(argument string) {
	w, _ := s.writable()
	from := s.renaming
	s.renaming = ""
	s.done(w.Rename(from, s.name(argument)), 250, "Renamed.")
}

// done answers with the error, or with success.
func (s *session) done(err error, code int, text string) {
	if err != nil {
		s.failed(err)
		return
	}
	s.reply(code, text)
}

// size is SIZE (RFC 3659 section 4): of what RETR would send. In TYPE A that would
// have to be counted.
func (s *session) size(argument string) {
	info, err := fs.Stat(s.account.Files, s.name(argument))
	switch {
	case err != nil:
		s.failed(err)
	case !info.Mode().IsRegular():
		s.reply(550, "Not a file.")
	case !s.image:
		s.reply(550, "SIZE is for TYPE I.")
	default:
		s.reply(213, strconv.FormatInt(info.Size(), 10))
	}
}

// modified is MDTM (RFC 3659 section 3).
func (s *session) modified(argument string) {
	info, err := fs.Stat(s.account.Files, s.name(argument))
	switch {
	case err != nil:
		s.failed(err)
	case !info.Mode().IsRegular() || info.ModTime().IsZero():
		s.reply(550, "Nothing that has a time.")
	default:
		s.reply(213, string(appendTime(nil, info.ModTime())))
	}
}

// factsOf is MLST (RFC 3659 section 7): facts of one file or directory, as a reply.
func (s *session) factsOf(argument string) {
	path := s.path(argument)
	info, err := fs.Stat(s.account.Files, nameOf(path))
	if err != nil {
		s.failed(err)
		return
	}
	line := s.facts.append(nil, info, s.mayWrite())
	s.replyLines(250, "Facts", []string{string(line) + path}, "End.")
}

// changeMode is SITE CHMOD.
func (s *session) changeMode(argument string) {
	text, file, _ := strings.Cut(argument, " ")
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil || mode > uint64(fs.ModePerm) || file == "" {
		s.reply(501, "SITE CHMOD <mode, as 644> <path>")
		return
	}
	w, ok := s.writable()
	if !ok {
		s.reply(550, "You may only read.")
		return
	}
	s.done(w.Chmod(s.name(file), fs.FileMode(mode)), 200, "Mode changed.")
}
