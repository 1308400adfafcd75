package httpd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"medusa/servers/filesys"
)

// Files is the extension that answers every path with the file of that name.
// A directory is answered with its index.html. It belongs at the end of the
// chain.
type Files struct {
	dir  *filesys.Dir
	name []byte
}

const indexFile = "index.html"

// NewFiles serves the files under dir.
func NewFiles(dir *filesys.Dir) *Files { return &Files{dir: dir} }

// Match accepts every request.
func (x *Files) Match(*Request) bool { return true }

// Handle answers with a regular file: a small one is read at once, a larger
// one is sent by the loop.
func (x *Files) Handle(r *Request, w *Response) {
	name, dir, ok := cleanPath(x.name[:0], r.Path)
	if !ok {
		w.Error(404)
		return
	}
	x.name = name
	var (
		f    *os.File
		info fs.FileInfo
		err  error
	)
	if dir {
		x.name = append(x.name, "/"+indexFile...)
		f, info, err = x.dir.Open(string(x.name))
	} else if f, info, err = x.dir.Open(string(x.name)); errors.Is(err, filesys.ErrDirectory) {
		x.redirect(r, w)
		return
	}
	if err != nil {
		w.Error(fileStatus(err))
		return
	}
	w.Modified = info.ModTime()
	w.ContentType = contentType(x.name)
	size := info.Size()
	if size > int64(w.server.outSize) {
		w.BodyFile(f, size)
		return
	}
	body := w.Scratch(int(size))
	n, err := io.ReadFull(f, body)
	_ = f.Close() // only read
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		w.Error(500)
		return
	}
	w.Body(body[:n]) // less than size if the file has just become shorter
}

// redirect sends the client from a directory's name without a slash at its end
// to that with one, so that relative links in its index are right; if there
// is no index, 404 at once.
func (x *Files) redirect(r *Request, w *Response) {
	x.name = append(x.name, "/"+indexFile...)
	f, _, err := x.dir.Open(string(x.name))
	if err != nil {
		w.Error(fileStatus(err))
		return
	}
	_ = f.Close() // only opened to see that it is there
	path := r.Path
	for len(path) > 1 && path[1] == '/' {
		path = path[1:] // "//x" would be a reference to another host
	}
	location := string(path) + "/"
	if r.Query != nil {
		location += "?" + string(r.Query)
	}
	w.Error(301)
	w.Location = location
}

// fileStatus is the status for a file that could not be opened.
func fileStatus(err error) int {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return 403
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOMEM):
		return 503
	case errors.Is(err, syscall.EIO):
		return 500
	}
	// Not there, not a regular file, a name too long, a path out of the root,
	// a loop of links: nothing is there for the client.
	return 404
}
