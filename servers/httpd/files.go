package httpd

import (
	"errors"
	"io"
	"io/fs"
	"syscall"

	"medusa/poller/loop"
	"medusa/servers/filesys"
)

// FilesOptions say how Files answers.
type FilesOptions struct {
	// Listing answers a directory without an index with a list of what is in
	// it; otherwise it is 404.
	Listing bool
	// Index is the name of the file that stands for its directory; "" means
	// index.html.
	Index string
}

// Files is the extension that answers every path with the file of that name,
// whole or in ranges, and if it is not what the client has already. It belongs
// at the end of the chain.
type Files struct {
	cache    *filesys.Cache
	options  FilesOptions
	boundary string

	// Used during Handle only, to allocate nothing.
	name   []byte
	value  []byte // of a field
	ranges [mostRanges]byteRange
}

// NewFiles serves the files that cache knows. They belong to the same loop.
func NewFiles(cache *filesys.Cache, o FilesOptions) *Files {
	if o.Index == "" {
		o.Index = "index.html"
	}
	return &Files{cache: cache, options: o, boundary: newBoundary()}
}

// Match accepts every request.
func (x *Files) Match(*Request) bool { return true }

// Handle answers with what the path names: a file, or a directory's index or
// listing; with a redirect, if it is a directory and the path does not end
// like that of one; and with 404 if it is a file and the path does.
func (x *Files) Handle(r *Request, w *Response) {
	if w.onlyGet(r) {
		return
	}
	name, slash, ok := cleanPath(x.name[:0], r.Path)
	if !ok {
		w.Error(404)
		return
	}
	x.name = name
	now := w.server.loop.Now()
	e, err := x.cache.Get(name, now)
	switch {
	case err != nil:
		w.Error(fileStatus(err))
	case e.Dir:
		e.Release()
		x.directory(r, w, slash, now)
	case slash:
		e.Release()
		w.Error(404)
	default:
		x.file(r, w, e)
	}
}

// directory answers for the directory x.name. Without a slash at its end the
// path would make relative links in what is answered wrong, so the client is
// sent to the one with it, unless nothing is there either.
func (x *Files) directory(r *Request, w *Response, slash bool, now loop.Time) {
	length := len(x.name)
	if string(x.name) == "." {
		x.name = append(x.name[:0], x.options.Index...)
		length = 0
	} else {
		x.name = append(append(x.name, '/'), x.options.Index...)
	}
	e, err := x.cache.Get(x.name, now)
	if err == nil && e.Dir {
		e.Release()
		err = fs.ErrNotExist
	}
	if err == nil && slash {
		x.file(r, w, e)
		return
	}
	if x.name = x.name[:length]; length == 0 {
		x.name = append(x.name, '.')
	}
	switch {
	case err == nil:
		e.Release()
		x.redirect(r, w)
	case !x.options.Listing || fileStatus(err) != 404:
		w.Error(fileStatus(err))
	case slash:
		x.list(r, w)
	default:
		x.redirect(r, w)
	}
}

// redirect sends the client to the directory x.name.
func (x *Files) redirect(r *Request, w *Response) {
	w.Error(301)
	x.value = appendLocation(x.value[:0], x.name, r.Query)
	w.HeaderBytes("Location", x.value)
}

// list answers with what is in the directory x.name.
func (x *Files) list(r *Request, w *Response) {
	f, err := x.cache.Open(string(x.name))
	if err != nil {
		w.Error(fileStatus(err))
		return
	}
	dir, ok := f.(fs.ReadDirFile)
	if !ok { // it was one until now, or the file system cannot list any
		_ = f.Close() // not read
		w.Error(404)
		return
	}
	if w.precluded(r) {
		_ = f.Close() // not read
		return
	}
	w.ContentType = "text/html; charset=utf-8"
	w.BodyReader(newListing(dir, x.name), -1)
}

// file answers with the file e, whose name is x.name, and releases it when it
// is needed no more.
func (x *Files) file(r *Request, w *Response, e *filesys.Entry) {
	p := x.prepared(w, e)
	if r.conditions != 0 && x.conditional(r, w, e, p) {
		return
	}
	w.HeaderBlock(p.fields)
	if r.IsHead() {
		w.ContentLength(e.Size)
		e.Release()
		return
	}
	x.body(w, e, p, byteRange{0, e.Size})
}

// body answers with a part of e or all of it.
func (x *Files) body(w *Response, e *filesys.Entry, p *prepared, part byteRange) {
	switch {
	case e.Content != nil:
		w.BodyShared(e.Content[part.off:part.end()])
		e.Release()
	case e.File() != nil:
		w.BodyFile(e.File(), part.off, part.n, e.ReleaseFunc())
	case e.ReaderAt() != nil:
		w.BodyReader(&releasing{io.NewSectionReader(e.ReaderAt(), part.off, part.n), e}, part.n)
	default:
		x.stream(w, e, p)
		e.Release()
	}
}

// stream answers with a file that can only be read from front to back.
func (x *Files) stream(w *Response, e *filesys.Entry, p *prepared) {
	f, err := x.cache.Open(string(x.name))
	if err != nil {
		w.Error(fileStatus(err))
		return
	}
	info, err := f.Stat()
	if err == nil && info.Size() == e.Size && info.ModTime().Equal(e.ModTime) {
		w.BodyReader(f, e.Size)
		return
	}
	// It is not what the cache saw: what it is has not been found out yet.
	_ = f.Close() // not read
	w.Error(503)
	w.Header("Retry-After", "1")
}

// releasing reads of an entry and releases it when it is closed.
type releasing struct {
	io.Reader
	entry *filesys.Entry
}

func (r *releasing) Close() error {
	r.entry.Release()
	return nil
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
