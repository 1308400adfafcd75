package loop

import "medusa/poller/uring"

// describeCompletion says what this system has of io_uring.
func describeCompletion(b *BackendInfo) {
	s := uring.Probe()
	if s.Missing != nil {
		b.Missing = s.Missing.Error()
	} else {
		b.Granted = s.Granted.String()
	}
	b.engine = newCompletion
}
