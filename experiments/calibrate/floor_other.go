//go:build !linux

package calibrate

import (
	"errors"
	"time"

	"medusa/experiments/truthd"
	"medusa/results"
)

var errNotHere = errors.New("threads cannot be tied to CPUs on this system")

// MeasureFloor measures nothing where a thread cannot be tied to a CPU: which
// CPU woke which would not be known.
func MeasureFloor(a, b int) (results.WakeFloor, error) { return results.WakeFloor{}, errNotHere }

func bareLoop(int, time.Duration) (*truthd.Pauses, error) { return nil, errNotHere }
