//go:build !linux

package faults

import (
	"errors"
	"net/netip"
	"runtime"
)

// cannotVanish says why a peer cannot vanish.
func cannotVanish() string {
	return "peers that vanish need TCP_REPAIR, which " + runtime.GOOS + " does not have"
}

// vanishing is a client that vanishes, where it can.
type vanishing struct {
	to      netip.AddrPort
	from    netip.Addr
	request []byte

	opened, answered bool
	in, out          int
}

func (v *vanishing) run() error { return errors.New(cannotVanish()) }
