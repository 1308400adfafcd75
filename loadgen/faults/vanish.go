package faults

import "medusa/poller/loop"

// vanish lets one client come and vanish.
func (f *Fault) vanish() {
	f.vanishers++
	v := &vanishing{to: f.at, from: f.nextSource(), request: f.request}
	f.l.Work(v.run, func(err error) {
		f.vanishers--
		f.did.BytesIn += uint64(v.in)
		f.did.BytesOut += uint64(v.out)
		if v.opened {
			f.did.Opened++
		}
		if v.out > 0 {
			f.did.Requests += uint64(f.kind.requests)
		}
		if v.answered {
			f.did.Answered++
		}
		switch kind := loop.Kind(err); {
		case err == nil:
			f.did.Vanished++
		case kind == "local":
			f.did.Local++
		case v.opened:
			f.did.Reset++ // or not answered in time; it then left by FIN
		case kind == "timeout":
			f.did.Timeout++
		default:
			f.did.Refused++
		}
		if !v.opened {
			f.hold = f.l.Now().Add(retryAfter)
		}
		f.refill()
		f.settled()
	})
}
