package httpd

import (
	"bytes"
	"io"

	"medusa/servers/filesys"
)

// conditional answers a request that is conditional or for ranges, unless it
// comes to an answer with the whole file. If it answers it releases e.
func (x *Files) conditional(r *Request, w *Response, e *filesys.Entry, p *prepared) (answered bool) {
	v := p.validators
	v.now = wall(w)
	status, partial := r.precondition(&v)
	switch status {
	case 304:
		w.Status = 304
		w.HeaderBlock(p.unmodified)
		e.Release()
		return true
	case 412:
		w.Error(412)
		e.Release()
		return true
	}
	if !partial || !p.ranges {
		return false
	}
	value, ok := r.single(rangeField)
	if !ok {
		return false
	}
	ranges, ok := appendRanges(x.ranges[:0], value, e.Size)
	if !ok {
		return false
	}
	switch len(ranges) {
	case 0:
		w.Error(416)
		x.value = appendNumber(append(x.value[:0], "bytes */"...), e.Size)
		w.HeaderBytes("Content-Range", x.value)
		e.Release()
	case 1:
		w.Status = 206
		w.HeaderBlock(p.fields)
		x.value = appendContentRange(x.value[:0], ranges[0], e.Size)
		w.HeaderBytes("Content-Range", x.value)
		x.body(w, e, p, ranges[0])
	default:
		w.Status = 206
		w.HeaderBlock(p.about)
		w.ContentType = "multipart/byteranges; boundary=" + x.boundary
		x.parts(w, e, newFrames(x.boundary, p.contentType, ranges, e.Size), ranges)
	}
	return true
}

// parts answers with several ranges of e and what stands around them.
func (x *Files) parts(w *Response, e *filesys.Entry, f frames, ranges []byteRange) {
	if e.Content == nil && e.File() == nil {
		readers := make([]io.Reader, 0, 2*len(ranges)+1)
		for i, r := range ranges {
			readers = append(readers, bytes.NewReader(f.frame(i)), io.NewSectionReader(e.ReaderAt(), r.off, r.n))
		}
		readers = append(readers, bytes.NewReader(f.frame(len(ranges))))
		w.BodyReader(&releasing{io.MultiReader(readers...), e}, f.length(ranges))
		return
	}
	for i, r := range ranges {
		w.AddShared(f.frame(i))
		if e.Content != nil {
			w.AddShared(e.Content[r.off:r.end()])
		} else {
			e.Retain() // for this part
			w.AddFile(e.File(), r.off, r.n, e.ReleaseFunc())
		}
	}
	w.AddShared(f.frame(len(ranges)))
	e.Release()
}
