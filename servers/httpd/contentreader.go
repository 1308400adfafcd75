package httpd

import (
	"errors"
	"io"
	"strconv"

	"medusa/poller/loop"
)

// contentReader is the producer of a response whose content is read while it
// is sent. It keeps to the size that was promised, or makes chunks.
type contentReader struct {
	from   io.Reader
	left   int64 // of the promised size; less than 0: read all
	chunks bool
	server *Server
	conn   *loop.Conn
	sent   int64
	entry  *Entry // to be logged at the end; nil for none
}

// A chunk of an output buffer is "SIZE CRLF data CRLF". The size has leading
// zeros, so that its place is known before the data.
const (
	chunkHead = 5 + 2 // hexadecimal digits of loop.MaxBuffer
	chunkTail = 2
)

func (r *contentReader) Read(p []byte) (n int, err error) {
	if r.chunks {
		return r.chunk(p)
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	if r.left > 0 && int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err = r.from.Read(p)
	r.sent += int64(n)
	if r.left > 0 {
		r.left -= int64(n)
	}
	switch {
	case err == nil:
	case r.left == 0, r.left < 0 && errors.Is(err, io.EOF):
		return n, io.EOF
	case errors.Is(err, io.EOF):
		return n, loop.ErrShort
	case r.left < 0:
		// The end of the connection would be taken for that of the content.
		r.conn.Abort()
	}
	return n, err
}

func (r *contentReader) chunk(p []byte) (n int, err error) {
	if r.left == 0 { // the last chunk has gone
		return 0, io.EOF
	}
	data := p[chunkHead : len(p)-chunkTail-len(lastChunk)]
	n, err = r.from.Read(data)
	end := err != nil && errors.Is(err, io.EOF)
	if err != nil && !end {
		return 0, err
	}
	r.sent += int64(n)
	if n > 0 {
		size := strconv.AppendInt(p[:0], int64(n)|1<<20, 16) // "1xxxxx"
		copy(p, size[1:])
		copy(p[5:], "\r\n")
		n += chunkHead
		n += copy(p[n:], "\r\n")
	}
	if end {
		n += copy(p[n:], lastChunk)
		r.left = 0
		return n, io.EOF
	}
	return n, nil
}

// Close is called once, whatever becomes of the connection.
func (r *contentReader) Close() error {
	var err error
	if c, ok := r.from.(io.Closer); ok {
		err = c.Close()
	}
	if r.entry != nil {
		r.entry.Bytes = r.sent
		r.server.cfg.Log.Log(r.entry)
		r.entry = nil
	}
	return err
}
