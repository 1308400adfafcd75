package httpd

// upstreamHead is the head of an answer that an upstream server gave: RFC 9112
// section 4 and RFC 9110, as strictly as a request's. Its slices lie in the
// connection's input and are valid only until Received returns.
type upstreamHead struct {
	Status int // 100 to 999
	// Length is the value of Content-Length, or -1 without one.
	Length int64
	// Chunked: the content is in the chunked transfer coding. Length is -1.
	Chunked bool
	// KeepAlive: the connection persists, if the content does not end with it.
	KeepAlive bool
	Fields    []Field

	minor int
	next  int // offset of the first line not yet checked
	seen  int // no line feed from next up to here
	lines int // field lines checked
}

// upstreamFields is the most header fields of an answer.
const upstreamFields = 100

// parse reads a head from the start of p. It returns the head's length, 0
// while it is not complete, and then the next call shows the same bytes and
// more. ok is false for what is no good head, or none of at most limit bytes:
// nothing more can be read from the connection. Every line is judged when it
// has come, so that what speaks another protocol is found out at once.
func (a *upstreamHead) parse(p []byte, limit int) (n int, ok bool) {
	full := len(p) >= limit
	p = p[:min(len(p), limit)]
	for {
		end, bad := lineEnd(p, a.seen, a.next)
		switch {
		case bad != 0:
			return 0, false
		case end < 0:
			a.seen = len(p)
			return 0, !full
		case a.next == 0:
			ok = a.statusLine(p[:end])
		case end == a.next:
			a.Fields = a.Fields[:0]
			ok = a.fields(p[:end])
			n = end + 2
			a.next, a.seen, a.lines = 0, 0, 0
			return n, ok && a.judge()
		default:
			_, ok = fieldLine(p[a.next:end])
			a.lines++
			ok = ok && a.lines <= upstreamFields
		}
		if !ok {
			return 0, false
		}
		a.next = end + 2
		a.seen = a.next
	}
}

// statusLine takes apart HTTP-version SP status-code SP [reason-phrase].
func (a *upstreamHead) statusLine(p []byte) bool {
	const start = "HTTP/1.1 200 "
	if len(p) < len(start) || string(p[:7]) != "HTTP/1." || classes[p[7]]&digitByte == 0 || p[8] != ' ' || p[12] != ' ' ||
		p[9] == '0' || !all(p[9:12], digitByte) || !all(p[13:], valueByte) {
		return false
	}
	a.minor = int(p[7] - '0')
	a.Status = int(p[9]-'0')*100 + int(p[10]-'0')*10 + int(p[11]-'0')
	return true
}

// fields takes apart the lines of p after the first, all of which have passed.
func (a *upstreamHead) fields(p []byte) bool {
	at, _ := lineEnd(p, 0, 0)
	for at += 2; at < len(p); {
		end, _ := lineEnd(p, at, at)
		field, ok := fieldLine(p[at:end])
		if !ok {
			return false
		}
		a.Fields = append(a.Fields, field)
		at = end + 2
	}
	return true
}

// judge checks what the fields say together: framing, and whether the
// connection persists (RFC 9112 sections 6.3 and 9.3). Two lengths, even of
// one value, and a length beside a transfer coding are refused: somebody on
// the way might read them the other way.
func (a *upstreamHead) judge() bool {
	var lengths, codings int
	var length, coding []byte
	var closes, keeps bool
	for i := range a.Fields {
		f := &a.Fields[i]
		switch {
		case equalFold(f.Name, "content-length"):
			lengths, length = lengths+1, f.Value
		case equalFold(f.Name, "transfer-encoding"):
			codings, coding = codings+1, f.Value
		case equalFold(f.Name, "connection"):
			closes = closes || lists(f.Value, "close")
			keeps = keeps || lists(f.Value, "keep-alive")
		}
	}
	if lengths+codings > 1 {
		return false
	}
	a.Length, a.Chunked = -1, false
	if lengths == 1 {
		n, ok := decimal(length)
		if !ok {
			return false
		}
		a.Length = n
	}
	if codings == 1 {
		if a.minor == 0 || !equalFold(coding, "chunked") {
			return false
		}
		a.Chunked = true
	}
	a.KeepAlive = !closes && (a.minor > 0 || keeps)
	return true
}
