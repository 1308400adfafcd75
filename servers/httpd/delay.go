package httpd

import (
	"time"

	"medusa/poller/loop"
)

// Delay is the extension that answers /delay/DURATION after that time, for
// tests of whoever measures times: DURATION is one of package time, such as
// 250ms or 1.5s, from 0 to MaxDelay. It counts from when the request was read.
type Delay struct{}

// MaxDelay is the longest delay.
const MaxDelay = time.Minute

const delayPrefix = "/delay/"

// NewDelay returns the extension.
func NewDelay() *Delay { return &Delay{} }

// Match accepts every path that begins with /delay/.
func (*Delay) Match(r *Request) bool {
	return len(r.Path) > len(delayPrefix) && string(r.Path[:len(delayPrefix)]) == delayPrefix
}

// Handle answers later, or at once where DURATION is none, or a precondition
// asks for another answer.
func (*Delay) Handle(r *Request, w *Response) {
	if w.onlyGet(r) {
		return
	}
	d, err := time.ParseDuration(string(r.Path[len(delayPrefix):]))
	if err != nil || d < 0 || d > MaxDelay {
		w.Error(404)
		return
	}
	if w.precluded(r) {
		return
	}
	o := &delayed{}
	o.exchange = w.Async(o)
	l := o.exchange.Loop()
	o.timer = l.At(l.Now().Add(d), o.answer)
}

// delayed is one answer that waits for its time.
type delayed struct {
	exchange *Exchange
	timer    loop.Timer
}

func (o *delayed) answer() { o.exchange.Answer(fillDelayed) }

func fillDelayed(w *Response) {
	w.ContentType = textPlain
	w.Body(delayedText)
}

var delayedText = []byte(fixedText)

// Drained has no meaning for an answer made at once.
func (o *delayed) Drained() {}

// Gone: nobody waits any more.
func (o *delayed) Gone() { o.timer.Stop() }
