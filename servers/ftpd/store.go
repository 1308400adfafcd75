package ftpd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"

	"medusa/servers/filesys"
)

// filePerm and dirPerm are the permissions of what is made, less the process's
// umask.
const (
	filePerm fs.FileMode = 0o666
	dirPerm  fs.FileMode = 0o777
)

// upload is a file that is received. What has arrived stays, whatever becomes of
// the transfer.
type upload struct {
	file  filesys.WriteFile // nil when closed
	text  *fromNetwork      // TYPE A
	fresh bool              // in place of what the file holds
}

// begin is called when the data connection is open: before that, what the file
// holds is not given up.
func (u *upload) begin() error {
	if u.fresh {
		return u.file.Truncate(0)
	}
	return nil
}

// write writes what came. The scratch is the server's, since nobody else runs.
func (u *upload) write(p []byte, v *Server) error {
	if u.text != nil {
		p = u.text.append(v.scratch[:0], p)
		v.scratch = p[:0]
	}
	_, err := u.file.Write(p)
	return err
}

// finish writes what was kept back, and closes the file: that may be where a
// failure to write comes to light.
func (u *upload) finish(v *Server) error {
	var err error
	if u.text != nil {
		if rest := u.text.end(v.scratch[:0]); len(rest) > 0 {
			_, err = u.file.Write(rest)
		}
	}
	file := u.file
	u.file = nil
	return errors.Join(err, file.Close())
}

// close closes the file after something went wrong, which is what the client is
// told.
func (u *upload) close() {
	if u.file != nil {
		_ = u.file.Close()
		u.file = nil
	}
}

// store is STOR. After REST the file keeps what is before the offset, and what is
// behind what comes.
func (s *session) store(argument string) {
	restart := s.takeRestart()
	if !s.image && restart > 0 {
		s.reply(504, "REST is for TYPE I.")
		return
	}
	file, path, ok := s.create(argument, os.O_WRONLY|os.O_CREATE)
	if !ok {
		return
	}
	if restart > 0 {
		info, err := file.Stat()
		if err == nil && info.Size() < restart {
			_ = file.Close() // nothing was written
			s.reply(554, "The file ends before that.")
			return
		}
		if err == nil {
			_, err = file.Seek(restart, io.SeekStart)
		}
		if err != nil {
			_ = file.Close() // nothing was written
			s.failed(err)
			return
		}
	}
	s.receive("STOR", path, &upload{file: file, fresh: restart == 0})
}

// appendTo is APPE.
func (s *session) appendTo(argument string) {
	if file, path, ok := s.create(argument, os.O_WRONLY|os.O_CREATE|os.O_APPEND); ok {
		s.receive("APPE", path, &upload{file: file})
	}
}

// uniqueTries is how many names STOU tries.
const uniqueTries = 1000

// storeUnique is STOU: the name that is given, or a like one that is free, in the
// current directory (RFC 959 section 4.1.3).
func (s *session) storeUnique(argument string) {
	if !s.prepared() {
		return
	}
	w, _ := s.writable()
	base := path.Base(s.path(argument))
	if argument == "" || base == "/" {
		base = "file"
	}
	name := base
	for n := 1; n <= uniqueTries; n++ {
		file, err := w.OpenFile(s.name(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, filePerm)
		if err == nil {
			s.receive("STOU", name, &upload{file: file})
			return
		}
		if !errors.Is(err, fs.ErrExist) {
			s.failed(err)
			return
		}
		name = base + "." + strconv.Itoa(n)
	}
	s.reply(450, "Too many files of that name.")
}

// create opens a file to write to, or answers why not. Without a way for what is to
// be written, no file is made.
func (s *session) create(argument string, flag int) (filesys.WriteFile, string, bool) {
	if !s.prepared() {
		return nil, "", false
	}
	w, _ := s.writable()
	path := s.path(argument)
	file, err := w.OpenFile(nameOf(path), flag, filePerm)
	if err != nil {
		s.failed(err)
		return nil, "", false
	}
	return file, path, true
}

// receive begins an upload.
func (s *session) receive(verb, path string, u *upload) {
	if !s.image {
		u.text = &fromNetwork{}
	}
	t := &transfer{verb: verb, path: path, size: -1, sink: u}
	if verb == "STOU" {
		t.complete = "FILE: " + path
	}
	s.begin(t)
}
