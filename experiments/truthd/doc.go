// Package truthd is a server whose every delay is known: the truth that the
// load generator is held against. It writes down by itself when each request
// arrived and when its reply was sent.
//
// It shares no code with what it checks: no event loop, no timers, no HTTP
// channel, only poll(2) with a timeout of zero and non-blocking calls on one
// thread that never sleeps. A reply that is due later waits in a heap, so delays
// of different requests run side by side.
//
// What it says about a request can be trusted in one direction each. A request
// has arrived when read(2) has returned its last byte, so its arrival is never
// stamped too early; its reply was not there before write(2) was called, so that
// stamp is never too late. Whoever measured the request from outside must have
// seen at least as much time as lies between the two, whatever the machine did.
package truthd
