package httpd

// upstreamContent is where the content of an upstream server's answer ends,
// and how it is coded.
type upstreamContent struct {
	ends    contentEnds
	chunked chunked
	left    int64 // with byLength
}

type contentEnds uint8

const (
	byLength contentEnds = iota
	byChunks
	byClose
)

// begin prepares for the content of the answer with head a. bare: it has none,
// as it is the answer to HEAD.
func (b *upstreamContent) begin(a *upstreamHead, bare bool) {
	*b = upstreamContent{}
	switch {
	case bare, a.Status == 204, a.Status == 304:
	case a.Chunked:
		b.ends = byChunks
	case a.Length >= 0:
		b.left = a.Length
	default:
		b.ends = byClose
	}
}

// next finds the content in p: skip bytes of framing, then n bytes of content.
// done says that the content has ended, before whatever follows skip. It wants
// to be called with no bytes once, as content of length 0 has ended then. ok
// is false if the framing is faulty.
func (b *upstreamContent) next(p []byte) (skip, n int, done, ok bool) {
	switch b.ends {
	case byChunks:
		skip, n, done, status := b.chunked.next(p)
		return skip, n, done, status == 0
	case byLength:
		return 0, int(min(b.left, int64(len(p)))), b.left == 0, true
	}
	return 0, len(p), false, true
}

// took says that n bytes of content have been used.
func (b *upstreamContent) took(n int) {
	switch b.ends {
	case byChunks:
		b.chunked.took(n)
	case byLength:
		b.left -= int64(n)
	}
}
