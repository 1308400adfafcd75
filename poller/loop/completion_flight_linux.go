package loop

import (
	"golang.org/x/sys/unix"

	"medusa/poller"
	"medusa/poller/uring"
)

// This file is what is in flight, and how it is named.

// flight is a connection's part of the engine: what it has under way.
type flight struct {
	// The order is that of size: idle connections are counted in bytes.
	at     Time       // just before the send
	end    unix.Errno // behind the backlog, where over
	behind *backlog
	done   func() // release waits for the operations
	result int32  // of the send, where it was not sent whole
	asked  int32  // its bytes
	got    int32  // bytes shown in the turn below

	turn       uint8
	seen       uint8 // the turn in which the last receive came
	ops        int8  // operations that have not completed
	class      int8  // of the receive: 0 for small buffers, 1 for those of the in size
	group      int8  // and that which it takes them from
	streak     int8  // see fit
	wary       int8  // receives that shall bring one buffer only
	receiving  bool  // a receive is in flight
	cancelling bool  // and will end soon
	drained    bool  // it took all that was there
	more       bool  // it said that there was more
	starved    bool  // it waits for a buffer
	fed        bool  // and has done so
	over       bool  // a FIN or an error stands behind the backlog
	sending    bool  // a send is in flight
	full       bool  // waits until it can send, or has connected
	queued     bool  // stands in the queue
	reset      bool  // is to be reset
}

// Kinds of operations, in the highest bits of the user data.
const (
	opRecv = iota
	opSend
	opPoll
	opAccept
	opWake
	opCancel // completes only if it has found nothing
	opNone   // whose completion says nothing
	opFile   // of a file: its number in completion.reads

	opShift        = 60
	groupShift     = 56 // of opRecv
	generationMask = 1<<24 - 1
)

// unsent in flight.result says that no completion of the send has come.
const unsent = -1 << 31

// userData names an operation. Of a token's generation 24 bits are kept: it only
// guards against mistakes, as a connection is given up after its last completion.
func userData(kind int, t poller.Token) uint64 {
	return uint64(kind)<<opShift | uint64(t.Generation()&generationMask)<<32 | uint64(t.Index())
}

// recvData names a receive.
func recvData(group int8, t poller.Token) uint64 {
	return userData(opRecv, t) | uint64(group)<<groupShift
}

// find returns what an operation belongs to, or nil, nil if that has gone.
func (e *completion) find(data uint64) (*Conn, *Listener) {
	slots := e.loop.table.slots
	i := uint32(data)
	if int(i) >= len(slots) || slots[i].generation&generationMask != uint32(data>>32)&generationMask {
		return nil, nil
	}
	return slots[i].conn, slots[i].listener
}

// cancel asks for the end of the operation that data names. It completes only if
// it finds none, as own.
func (e *completion) cancel(data, own uint64) {
	s := e.next()
	s.Cancel(data)
	s.UserData = own
	s.Flags |= uring.SkipSuccess
}
