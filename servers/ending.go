package servers

import (
	"fmt"
	"io"
	"os"

	"medusa/control"
)

// watch turns signals into an end: a first one finishes what is in flight, a
// second one aborts.
func (s *server) watch(signals <-chan os.Signal) {
	for n := 0; ; n++ {
		select {
		case <-s.stop:
			return
		case signal := <-signals:
			if n == 0 {
				s.loop.Post(s.finish)
				continue
			}
			s.loop.Post(func() {
				s.fail(fmt.Errorf("aborted by a second signal (%v); %d connections were open", signal, s.loop.Counts().Open))
			})
			return
		}
	}
}

// finish ends the server when what is in flight has been answered. Idle
// connections are closed with the loop.
func (s *server) finish() {
	if s.finishing {
		return
	}
	s.finishing = true
	for _, service := range s.services {
		service.listener.Close()
	}
	left := 1
	done := func() {
		if left--; left == 0 {
			s.loop.Stop()
		}
	}
	for _, service := range s.services {
		left++
		service.Drain(done)
	}
	done()
}

// obey carries out commands. The end of the input means that whoever gave them
// has gone: nobody waits for what is in flight.
func (s *server) obey(commands io.Reader) {
	err := control.Commands(commands, func(c control.Command) bool {
		switch c.Do {
		case "snapshot":
			return s.report(c.Full, c.Settle)
		case "stop":
			s.loop.Post(s.finish)
		default:
			s.loop.Post(func() { s.fail(unknownCommand(c)) })
			return false
		}
		return true
	})
	if err != nil {
		s.loop.Post(func() { s.fail(err) })
		return
	}
	s.loop.Stop()
}

func unknownCommand(c control.Command) error {
	return fmt.Errorf("a server does not know the command %q: give \"snapshot\" or \"stop\"", c.Do)
}
