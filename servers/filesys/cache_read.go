package filesys

import (
	"bytes"
	"io"
	"io/fs"
	"os"

	"medusa/poller/loop"
)

// readAttempts is how often a file is read that changes meanwhile.
const readAttempts = 3

// read makes an entry of what the name stands for, with one user.
func (c *Cache) read(name string, old *Entry, now loop.Time) (*Entry, error) {
	for attempt := 1; ; attempt++ {
		e, steady, err := c.look(name, old, now, attempt < readAttempts)
		if err != nil || steady {
			return e, err
		}
		e.Release()
	}
}

// look makes an entry of what the name stands for at this moment, without its
// content if hold is false. It is not steady if the file changed meanwhile, so
// that content and identity may not belong together.
func (c *Cache) look(name string, old *Entry, now loop.Time, hold bool) (e *Entry, steady bool, err error) {
	f, err := c.Open(name)
	if err != nil {
		return nil, false, err
	}
	defer func() {
		if err != nil || e.file == nil {
			_ = f.Close() // only read
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, false, &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	e = &Entry{
		Info: info, Size: info.Size(), ModTime: info.ModTime(), Dir: info.IsDir(),
		name: name, id: identify(info), seen: now, checked: now, kind: known, refs: 1,
	}
	e.release = e.Release
	if old != nil && old.err == nil && old.id == e.id {
		e.seen = old.seen
	}
	if e.Dir {
		return e, true, nil
	}
	// The clocks are read before the content, so what changes after that has a
	// later time.
	e.Settled = c.settled(e, now)
	e.Tag = e.id.tag(e.Settled)
	switch {
	case hold && e.Size <= min(int64(c.options.File), c.options.Content) && c.readable(e, f):
		steady, err = e.hold(f)
	case e.id.withoutMtime && e.Size <= hashLimit:
		e.Tag, err = contentTag(f, e.Size)
		e.Settled, steady = e.Tag != 0, true
		e.keepOpen(f)
	default:
		steady = true
		e.keepOpen(f)
	}
	if err != nil {
		return nil, false, err
	}
	return e, steady, nil
}

// readable says whether the content of e can be held now; if not, e remembers why.
func (c *Cache) readable(e *Entry, f fs.File) bool {
	if file, ok := f.(*os.File); ok && c.options.Readable != nil && e.Size > 0 {
		e.cold = !c.options.Readable(file, 0, e.Size)
	}
	return !e.cold
}

// hold reads the content, and looks whether the file is still what it was.
func (e *Entry) hold(f fs.File) (steady bool, err error) {
	p := make([]byte, e.Size+1) // one more shows that it has grown
	n, err := io.ReadFull(f, p)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return false, err
	}
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if int64(n) != e.Size || identify(info) != e.id {
		return false, nil
	}
	e.Content, e.kind = p[:n:n], held
	if e.id.withoutMtime {
		e.Settled = true
		e.Tag, err = contentTag(bytes.NewReader(e.Content), e.Size)
	}
	return true, err
}

// keepOpen leaves the file open for those who can read it at offsets; only from
// front to back it can be read by one user alone.
func (e *Entry) keepOpen(f fs.File) {
	e.osFile, _ = f.(*os.File)
	if e.readerAt, _ = f.(io.ReaderAt); e.readerAt != nil {
		e.file, e.kind = f, opened
	}
}

// settled reports whether a later change of the file cannot have the same time
// of modification: because that is away from now, or because it has been the
// same for as long.
func (c *Cache) settled(e *Entry, now loop.Time) bool {
	if e.id.withoutMtime {
		return false
	}
	if c.options.Wall != nil && c.options.Wall().Sub(e.ModTime).Abs() >= granularity {
		return true
	}
	return now.Sub(e.seen) >= granularity
}
