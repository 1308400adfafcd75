// Package uring is the raw io_uring interface of Linux (io_uring(7)): set-up by
// system calls and mmap, submission, completion, and groups of provided
// buffers. It knows no connection and no protocol, and uses no cgo.
//
// A Ring belongs to one thread: it is opened, used and closed on a goroutine
// that is locked to its thread from before Open until after Close, because the
// kernel is told that there is a single issuer and keeps the ring's number in a
// table of that thread.
//
// Memory that the kernel holds beyond a call (the queues, the provided buffers,
// the headers of vectored sends) lies outside the Go heap, in mappings of this
// package. What an operation is given by address must stay where it is, and
// alive, until its completion; see Ring.Next for what is known earlier.
package uring
