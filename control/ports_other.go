//go:build !linux

package control

// EphemeralPorts is 0 on systems where only one address of 127/8 is there: a
// load has no other to connect from.
func EphemeralPorts() int { return 0 }
