package httpd

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"medusa/poller/loop"
)

// AccessLog is a Logger that writes a line for each answer in the Combined Log
// Format of Apache's httpd (mod_log_config, "combined"), which log analysers
// read: remote host, two fields that nobody fills in, the time the request
// came, the request line, status, bytes of content, Referer and User-Agent.
//
// What a client sent is escaped as Apache does: it can neither end a line nor
// a quoted string. Fields that may carry secrets (Authorization, Cookie) are
// not logged; a query is, as a part of the request line.
//
// Lines are gathered on the loop and written off it, in order, at least once a
// second. Writing never keeps the loop waiting: while the disk is slow, or
// full, lines beyond a bound are dropped and counted.
type AccessLog struct {
	loop *loop.Loop
	out  io.Writer
	warn func(error)

	gathered batch
	timer    loop.Timer
	armed    bool
	dropped  uint64
	cause    error // why lines were dropped the last time
	warned   bool
	closing  bool

	// Of the job while busy, else of the loop.
	busy    bool
	writing batch
	wrote   bool  // the job has run
	failure error // of the last write
	torn    bool  // the last write ended inside of a line

	// The time as it stands in lines from secondStart to secondEnd.
	stamp                  []byte
	secondStart, secondEnd loop.Time
}

// batch is a number of whole lines.
type batch struct {
	text  []byte
	lines uint64
}

const (
	// logBound is how much text waits to be written, in bytes.
	logBound = 1 << 20
	// logEager is how much text is written without waiting for its second.
	logEager = 64 << 10
	// logPeriod is how long a line waits at most.
	logPeriod = time.Second
)

// NewAccessLog writes to out, by jobs of l. warn is called once, off the loop,
// when lines are lost for the first time. Close writes what is left.
func NewAccessLog(l *loop.Loop, out io.Writer, warn func(error)) *AccessLog {
	return &AccessLog{loop: l, out: out, warn: warn}
}

// Log adds a line.
func (a *AccessLog) Log(e *Entry) {
	before := len(a.gathered.text)
	text := a.append(a.gathered.text, e)
	if len(text)+len(a.writing.text) > logBound {
		a.gathered.text = text[:before]
		a.lose(1, errLogSlow)
		return
	}
	a.gathered.text = text
	a.gathered.lines++
	a.schedule()
}

var errLogSlow = fmt.Errorf("it takes more time than there is: over %d bytes wait to be written", logBound)

// flush begins to write what has been gathered.
func (a *AccessLog) flush() {
	a.timer.Stop()
	a.armed = false
	if a.busy || a.gathered.lines == 0 {
		return
	}
	a.gathered, a.writing = a.writing, a.gathered
	a.busy, a.wrote = true, false
	a.loop.Work(a.write, func(error) {
		a.written()
		a.schedule()
	})
}

// schedule sees to it that what has been gathered is written.
func (a *AccessLog) schedule() {
	switch {
	case a.busy, a.gathered.lines == 0:
	case len(a.gathered.text) >= logEager:
		a.flush()
	case !a.armed:
		a.armed = true
		a.timer = a.loop.At(a.loop.Now().Add(logPeriod), a.flush)
	}
}

// write writes a.writing, off the loop.
func (a *AccessLog) write() error {
	a.wrote = true
	if a.torn {
		// The rest of that line is lost; what follows should not be.
		if _, a.failure = a.out.Write([]byte("\n")); a.failure != nil {
			return a.failure
		}
		a.torn = false
	}
	var n int
	n, a.failure = a.out.Write(a.writing.text)
	if a.failure != nil {
		whole := a.writing.text[:bytes.LastIndexByte(a.writing.text[:n], '\n')+1]
		a.torn = len(whole) < n
		a.writing.lines -= uint64(bytes.Count(whole, []byte("\n")))
	}
	return a.failure
}

// written takes note of what write did.
func (a *AccessLog) written() {
	a.busy = false
	if a.failure != nil {
		a.lose(a.writing.lines, a.failure)
	}
	a.writing = batch{text: a.writing.text[:0]}
}

// lose counts lines that will not be written.
func (a *AccessLog) lose(lines uint64, why error) {
	a.dropped += lines
	a.cause = why
	if a.warned || a.closing {
		return
	}
	a.warned = true
	err := fmt.Errorf("access log: lines are lost: %w", why)
	a.loop.Work(func() error { a.warn(err); return nil }, func(error) {})
}

// Dropped is how many lines have been lost.
func (a *AccessLog) Dropped() uint64 { return a.dropped }

// Close writes what is left. It is called when the loop's Run has returned and
// no job runs any more. It does not close the writer. An error says how many
// lines were lost since the log was opened, and why the last of them.
func (a *AccessLog) Close() error {
	a.closing = true
	if a.busy {
		// The loop ended before it could be told of the job, or even run it.
		if !a.wrote {
			_ = a.write() // kept in a.failure
		}
		a.written()
	}
	if a.gathered.lines > 0 {
		a.gathered, a.writing = a.writing, a.gathered
		_ = a.write()
		a.written()
	}
	if a.dropped > 0 {
		return fmt.Errorf("access log: %d lines were lost: %w", a.dropped, a.cause)
	}
	return nil
}

// append appends the line for e.
func (a *AccessLog) append(b []byte, e *Entry) []byte {
	if e.Remote.IsValid() {
		b = e.Remote.Addr().Unmap().WithZone("").AppendTo(b)
	} else {
		b = append(b, '-')
	}
	b = append(b, " - - ["...)
	b = append(b, a.time(e.Start)...)
	b = append(b, `] "`...)
	if e.Method == nil {
		b = append(b, '-') // it was not understood
	} else {
		b = appendLogged(b, e.Method)
		b = append(b, ' ')
		b = appendLogged(b, e.Target)
		b = append(b, " HTTP/1."...)
		b = appendNumber(b, int64(e.Minor))
	}
	b = append(b, `" `...)
	b = appendNumber(b, int64(e.Status))
	b = append(b, ' ')
	if e.Bytes == 0 {
		b = append(b, '-')
	} else {
		b = appendNumber(b, e.Bytes)
	}
	b = append(b, ` "`...)
	b = appendLoggedField(b, e.Referer)
	b = append(b, `" "`...)
	b = appendLoggedField(b, e.UserAgent)
	return append(b, "\"\n"...)
}

// time is t as Apache writes it, in the local zone.
func (a *AccessLog) time(t loop.Time) []byte {
	if t >= a.secondStart && t < a.secondEnd {
		return a.stamp
	}
	wall := a.loop.Wall().Add(t.Sub(a.loop.Now()))
	a.secondStart = t.Add(-time.Duration(wall.Nanosecond()))
	a.secondEnd = a.secondStart.Add(time.Second)
	a.stamp = wall.AppendFormat(a.stamp[:0], "02/Jan/2006:15:04:05 -0700")
	return a.stamp
}

func appendLoggedField(b, p []byte) []byte {
	if p == nil {
		return append(b, '-')
	}
	return appendLogged(b, p)
}

// appendLogged appends p with everything escaped that could end a line or a
// string, or do something to a terminal.
func appendLogged(b, p []byte) []byte {
	for _, c := range p {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c < 0x7f:
			b = append(b, c)
		case c == '\t':
			b = append(b, `\t`...)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, '\\', 'x', hexSmall[c>>4], hexSmall[c&15])
		}
	}
	return b
}
