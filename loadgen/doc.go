// Package loadgen puts a load on a server and says how it responded. It is
// the instrument that everything else of this project is measured with, so it
// states what it measures, keeps the account of every request, and says when
// its own limits, not the server's, are what it shows.
//
// # Open and closed loop
//
// In an open loop requests start by a Schedule that is made beforehand from a
// seed, or read from a file (Trace): it does not wait for replies, as users do not. An arrival takes the
// connection that has been free the longest, or waits for one. In a closed
// loop each connection sends its next request when the reply to the last is
// in: that measures capacity, and its latencies are service times, which leave
// out how long requests would have waited (coordinated omission). A report
// says which it was.
//
// With a depth over 1 a connection of a closed loop streams: it keeps that many
// requests on their way and sends the next, with all others that are due by then
// in one write, when the reply to the oldest is in. A request's service has then
// the wait behind those before it. It counts from when it was given to the
// connection: which call took its last byte is not known for each of several.
//
// # The times of a request
//
//	intended ---- free ---------------------- sent ---- first ---- end
//	   |  queue     |  lag (generator's fault)  |  first byte |      |
//	   |            |                           |  service           |
//	   |  response                                                   |
//
// Lag begins at the intended time if a connection was free by then. With a
// connection for each request, `free` is a place among the concurrent ones,
// connect lies between free and sent, and lag leaves the network's part of it
// out. The clock is read once for each piece of input, and by the loop just
// before the call that gives the kernel the request's last byte.
//
// # Failures
//
// A request belongs to the window by its intended time, and whoever asked
// gives up at the timeout after it: a request that waits for a connection
// until then fails unsent, and a reply that comes later fails as a timeout,
// although its connection may be used again. A connection that gave no reply
// for the timeout is reset and replaced. So every survivor's response is under
// the timeout and every failure counts as later than all: a quantile that
// falls among failures is known to be at least the timeout, and no more.
//
// Without Redial a connection that was never answered keeps its place in the
// server's backlog, as a patient client does, and goes on taking its turn: each
// request on it fails as unserved.
//
// # The fill
//
// Before the load all connections are opened at a bounded rate, idle ones
// among the active ones, and each asks once: admission is from connect() to
// the first byte of that reply. What is in the backlog of a server is
// established and not admitted. Idle connections are silent then. They are
// counted again at the end: one that the server has closed meanwhile was no
// load in the window.
//
// # Slow lines
//
// A connection may be read at a rate (a bucket behind a gate): what is over it
// stays in an input buffer of the loop, 16 KiB, then in the kernel's receive
// buffer, until TCP's window is shut and the server has to wait. Slow clients
// beside the active connections do that for ever. They are in the totals that
// are compared with the server's counts, what they have of a reply at the end
// included, and in no distribution. Little's law is about the active ones.
package loadgen
