package loop

import "sync"

// Workers bounds the jobs of Loop.Work that run at once.
const Workers = 4

// work runs jobs that would block the loop.
type work struct {
	slots   chan struct{}
	stopped chan struct{}
	running sync.WaitGroup
}

// Work runs job off the loop, at most Workers at once, and then done, with
// what job returned, on the loop. done is not called when the loop stops
// first; a job that has not begun by then is dropped, one that has is waited
// for. On "sim" job runs on the loop, as if it took no time.
func (l *Loop) Work(job func() error, done func(error)) {
	if l.info.Engine == "sim" {
		l.Post(func() { done(job()) })
		return
	}
	if l.work.slots == nil {
		l.work.slots = make(chan struct{}, Workers)
		l.work.stopped = make(chan struct{})
	}
	l.work.running.Add(1)
	go func() {
		defer l.work.running.Done()
		select {
		case l.work.slots <- struct{}{}:
		case <-l.work.stopped:
		}
		select {
		case <-l.work.stopped: // even where a slot was free as well
			return
		default:
		}
		err := job()
		<-l.work.slots
		l.Post(func() { done(err) })
	}()
}

// wait drops the jobs that have not begun and lets the others end, without the
// lock that their callers may need.
func (w *work) wait(l *Loop) {
	if w.stopped != nil {
		close(w.stopped)
	}
	l.mu.Unlock()
	w.running.Wait()
	l.mu.Lock()
}
