package httpd

import (
	"strconv"

	"medusa/servers/filesys"

	"github.com/valyala/fasthttp"
)

// prepared is what Files keeps in filesys.Entry.Aux: what every answer with
// the file needs, made once.
type prepared struct {
	contentType string
	validators  // but for now
	// early: the file was modified in the future by the clock of this server,
	// so that fields and validators are without that date.
	early int64
	// fields are those of an answer with the file: Content-Type, and then
	// those about the file, which are all of a part of several.
	fields, about []byte
	// unmodified are those of an answer with 304.
	unmodified []byte
	ranges     bool // parts of the file can be sent
}

// prepared returns e's, whose name is x.name.
func (x *Files) prepared(w *Response, e *filesys.Entry) *prepared {
	p, ok := e.Aux.(*prepared)
	if !ok || p.early != 0 && p.early <= wall(w) {
		p = prepare(e, contentType(x.name), wall(w))
		e.Aux = p
	}
	return p
}

// wall is the time of day by the loop's clock in seconds of Unix time.
func wall(w *Response) int64 { return w.server.loop.Wall().Unix() }

// prepare makes the fields of a file. A time of modification that is to come
// is not told: RFC 9110 section 8.8.2.1 forbids to send a Last-Modified later
// than Date, and one that moves with the clock would say nothing. One of 0 is
// what archives and file systems have that keep no times.
func prepare(e *filesys.Entry, contentType string, now int64) *prepared {
	p := &prepared{contentType: contentType, ranges: e.Content != nil || e.ReaderAt() != nil}
	if modified := e.ModTime.Unix(); modified > now {
		p.early = modified
	} else if modified > 0 {
		p.modified = modified
	}
	var tagLine, dateLine []byte
	if e.Tag != 0 {
		p.tag = append(strconv.AppendUint([]byte{'"'}, e.Tag, 36), '"')
		p.weak = !e.Settled
		tagLine = append(tagLine, "ETag: "...)
		if p.weak {
			tagLine = append(tagLine, "W/"...)
		}
		tagLine = append(append(tagLine, p.tag...), "\r\n"...)
	}
	if p.modified != 0 {
		dateLine = append(dateLine, "Last-Modified: "...)
		dateLine = append(fasthttp.AppendHTTPDate(dateLine, e.ModTime), "\r\n"...)
	}
	// RFC 9110 section 15.4.5: the date only where there is no entity tag.
	if p.unmodified = tagLine; tagLine == nil {
		p.unmodified = dateLine
	}
	p.fields = append(p.fields, "Content-Type: "...)
	p.fields = append(p.fields, contentType...)
	p.fields = append(p.fields, "\r\n"...)
	start := len(p.fields)
	p.fields = append(p.fields, dateLine...)
	p.fields = append(p.fields, tagLine...)
	if p.ranges {
		p.fields = append(p.fields, "Accept-Ranges: bytes\r\n"...)
	}
	p.about = p.fields[start:]
	return p
}
