package truthd

import (
	"fmt"
	"net/netip"
	"time"
)

// Flags is the grammar of `medusa truth-server`, in kong's tags. It takes
// commands on standard input and answers on standard output (package control).
type Flags struct {
	Kind       string        `required:"" placeholder:"KIND"`
	Mean       time.Duration `placeholder:"D"`
	Seed       uint64        `placeholder:"N"`
	StallAfter time.Duration `placeholder:"D"`
	Stall      time.Duration `placeholder:"D"`
	Address    string        `default:"127.0.0.1:0" placeholder:"ADDRESS"`
	CPU        []int         `name:"cpu" placeholder:"LIST"`
	Log        string        `required:"" placeholder:"FILE"`
}

// Config makes of the flags what Run takes, and says what is wrong with them.
func (f Flags) Config() (Config, error) {
	address, err := netip.ParseAddrPort(f.Address)
	if err != nil {
		return Config{}, fmt.Errorf("--address: %w", err)
	}
	s := Spec{Kind: f.Kind, Mean: f.Mean, Seed: f.Seed, StallAfter: f.StallAfter, Stall: f.Stall}
	if err := s.Check(); err != nil {
		return Config{}, fmt.Errorf("--kind: %w", err)
	}
	return Config{Spec: s, Address: address, CPUs: f.CPU, Log: f.Log}, nil
}
