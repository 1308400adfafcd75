package loop

import (
	"fmt"
	"strings"
)

// RingFeature is a set of what the backend "io_uring" makes use of. Each can be
// left out (Config.RingWithout) to find out what it is worth.
type RingFeature uint16

// The features.
const (
	// RingDeferTaskrun: the work of completing is done when the loop asks for
	// completions (IORING_SETUP_DEFER_TASKRUN).
	RingDeferTaskrun RingFeature = 1 << iota
	// RingSingleIssuer: one thread submits (IORING_SETUP_SINGLE_ISSUER); without
	// it there is no RingDeferTaskrun either.
	RingSingleIssuer
	// RingNoSQArray: no array of indices before the entries
	// (IORING_SETUP_NO_SQARRAY).
	RingNoSQArray
	// RingRegistered: the ring is found without its descriptor.
	RingRegistered
	// RingMultishot: accept, receive and poll are asked for once and complete
	// again and again.
	RingMultishot
	// RingBufferGroups: a receive takes a buffer when it has something to put into
	// it. Without them each connection owns one, and RingMultishot does not apply
	// to receives.
	RingBufferGroups
	// RingSkipSuccess: a send that was sent whole makes no completion.
	RingSkipSuccess
	// RingBatching: what a turn causes is submitted by one system call. Without it
	// each operation is by one of its own.
	RingBatching
)

var ringFeatures = []struct {
	f    RingFeature
	name string
}{
	{RingDeferTaskrun, "defer-taskrun"}, {RingSingleIssuer, "single-issuer"}, {RingNoSQArray, "no-sqarray"},
	{RingRegistered, "registered-ring"}, {RingMultishot, "multishot"}, {RingBufferGroups, "buffer-groups"},
	{RingSkipSuccess, "skip-success"}, {RingBatching, "batching"},
}

// String lists the features, separated by commas.
func (f RingFeature) String() string {
	var names []string
	for _, r := range ringFeatures {
		if f&r.f != 0 {
			names = append(names, r.name)
		}
	}
	return strings.Join(names, ",")
}

// ParseRingFeatures reads names separated by commas; "" and "nothing" are none.
func ParseRingFeatures(list string) (RingFeature, error) {
	var set RingFeature
	if list == "" || list == "nothing" {
		return 0, nil
	}
names:
	for name := range strings.SplitSeq(list, ",") {
		for _, r := range ringFeatures {
			if r.name == name {
				set |= r.f
				continue names
			}
		}
		return 0, fmt.Errorf("unknown feature %q of io_uring: give some of %s", name, ^RingFeature(0))
	}
	return set, nil
}

// check refuses what a backend has no use for.
func (b BackendInfo) check(c Config) error {
	if c.RingWithout != 0 && b.Engine != "completion" {
		return fmt.Errorf("backend %s has no features of io_uring to do without (%s): only io_uring does", b.Name, c.RingWithout)
	}
	if err := c.ColdFiles.check(b.Name, b.Engine); err != nil {
		return err
	}
	return c.Burn.check(c, b.Engine)
}
