package loop

import "medusa/poller/uring"

// ring is what of the set concerns how a ring is set up.
func (f RingFeature) ring() (without uring.Feature) {
	for _, r := range []struct {
		f RingFeature
		u uring.Feature
	}{
		{RingDeferTaskrun, uring.DeferTaskrun}, {RingSingleIssuer, uring.SingleIssuer},
		{RingNoSQArray, uring.NoSQArray}, {RingRegistered, uring.RegisteredFD},
	} {
		if f&r.f != 0 {
			without |= r.u
		}
	}
	return without
}
