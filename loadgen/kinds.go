package loadgen

import "medusa/poller/loop"

// Kind is how a request ended.
type Kind uint8

// The ends of a request. All but OK are failures.
const (
	OK         Kind = iota
	Refused         // the connection was refused or its address unreachable
	Reset           // the connection ended before the first byte of the reply, or was reset at any time
	Timeout         // no whole reply within the timeout, counted from the intended time
	Unserved        // the same on a connection that was established and never answered
	Status          // a whole reply with another status than 200
	Shed            // the connection was accepted and ended in order without a reply, or with 503 or 421 as its first
	Short           // the connection ended inside the reply
	WrongBytes      // not a reply, or not the reply that the first one was
	Local           // this end lacked a descriptor, a port or memory
	kinds
)

var kindNames = [kinds]string{"ok", "refused", "reset", "timeout", "unserved", "status", "shed", "short", "wrong_bytes", "local"}

// String is the kind's name in reports.
func (k Kind) String() string { return kindNames[k] }

// lossOf is what the end of a connection makes of the request on it, or of
// the attempt to connect if it was never established.
func lossOf(err error, established bool) Kind {
	switch loop.Kind(err) {
	case "refused":
		return Refused
	case "timeout":
		return Timeout
	case "local":
		return Local
	case "full", "short":
		return WrongBytes
	case "other":
		if !established {
			return Refused // no route, network unreachable
		}
	}
	return Reset
}

// fate is what became of a connection.
type fate uint8

const (
	fateOK       fate = iota // answered, and open or closed as agreed
	fateUnserved             // established and never answered
	fateRefused
	fateReset
	fateTimeout
	fateLocal
	fateClosed // ended without being asked to, without an error
	fateShed   // the same before its first reply, or with 503 or 421 as that
	fates
)

var fateNames = [fates]string{"ok", "unserved", "refused", "reset", "timeout", "local", "closed", "shed"}

// fateOf is the fate of a connection lost in this way.
func fateOf(k Kind) fate {
	switch k {
	case Refused:
		return fateRefused
	case Reset:
		return fateReset
	case Timeout:
		return fateTimeout
	case Unserved:
		return fateUnserved
	case Local:
		return fateLocal
	case Shed:
		return fateShed
	}
	return fateClosed
}
