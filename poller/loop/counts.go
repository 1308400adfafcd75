package loop

import "time"

// Call is a kind of system call.
type Call uint8

// The kinds of system calls that a loop counts.
const (
	CallWait     Call = iota // select, poll, epoll_wait, ...
	CallControl              // epoll_ctl and the like
	CallRead                 // read, recv
	CallWrite                // send, sendmsg
	CallSendFile             // sendfile
	CallReadFile             // pread, of what is sent where sendfile is not used
	CallCached               // cachestat and its probes, counted as one: is a file in the page cache?
	CallAccept               // accept
	CallClose                // close, shutdown
	CallConnect              // connect
	CallSocket               // socket, setsockopt, getsockopt, bind, listen
	CallWake                 // to wake a loop, and to take the wake up
	calls
)

var callNames = [calls]string{"wait", "control", "read", "write", "sendfile", "pread", "cachestat", "accept", "close", "connect", "socket", "wake"}

// String is the kind's name in records.
func (k Call) String() string { return callNames[k] }

// Calls are system calls by kind.
type Calls [calls]uint64

// Map returns the calls by name.
func (c Calls) Map() map[string]uint64 {
	m := make(map[string]uint64, calls)
	for k, n := range c {
		m[Call(k).String()] = n
	}
	return m
}

// Counts is what a loop has done since it was opened. On the engine
// "goroutines" the waits are Go's own and are not counted.
type Counts struct {
	Calls          Calls
	Turns          uint64
	Waits          uint64 // turns in which the engine asked the system what is ready and got an answer
	Events         uint64 // answers in all
	BytesIn        uint64
	BytesOut       uint64
	Accepted       uint64
	AcceptFailures uint64
	ListenPauses   uint64        // times that a listener stopped accepting because of a limit
	Shed           uint64        // clients refused: see OnFull
	ColdReads      uint64        // parts of files that somebody read for the loop: see ColdFiles
	Reaped         uint64        // idle connections closed to make a place
	StaleEvents    uint64        // events for connections that had gone, dropped
	Open           int           // connections open or being opened
	BufferBytes    int64         // user-space buffers that connections have in hand, in bytes
	Spun           time.Duration // spent polling with nothing to do
}

// Counts returns what the loop has done so far.
func (l *Loop) Counts() Counts {
	c := l.counts
	c.Open, c.BufferBytes = l.table.live, l.buffers.held
	l.eng.counts(&c)
	return c
}
