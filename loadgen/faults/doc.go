// Package faults is the clients that a server would rather not have: they say
// nothing, or a byte at a time; they ask for much and go, or never read it; they
// vanish, come all at once, or come and go as fast as they can. A fault is put on
// a server beside a load, whose requests tell what it does to all others.
//
// Everything that such a client does to the server it does over a loop, as a
// Handler, but for one: a peer that vanishes without a word leaves no event that
// a loop could bring about. See vanish_linux.go, the only socket calls here.
//
// None of them is an attack that a server on a real network would not meet: the
// faults are ordinary clients' bad days (a suspended laptop, a lost mobile
// network, a crashed process, a crowd), in numbers.
package faults
