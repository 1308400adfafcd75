package control

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// maxLine bounds a command line, in bytes.
const maxLine = 64 << 10

// Commands reads command lines from r and calls do for each, until do returns
// false or r ends: that is no error. A line that is no command ends it with
// one. Empty lines are skipped. Of a file, no thread blocks in reading it.
func Commands(r io.Reader, do func(Command) bool) error {
	r, done := patient(r)
	defer done()
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 512), maxLine)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		command, err := ParseCommand(line)
		if err != nil {
			return fmt.Errorf("line %d of the commands: %w", n, err)
		}
		if !do(command) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading commands: %w", err)
	}
	return nil
}

// Hear is Commands for who waits for other things besides. The commands are
// closed when no more come; the error of Commands is in ended then. When over
// is closed nobody takes commands any more.
func Hear(r io.Reader, over <-chan struct{}) (commands <-chan Command, ended <-chan error) {
	said, end := make(chan Command), make(chan error, 1)
	go func() {
		end <- Commands(r, func(c Command) bool {
			select {
			case said <- c:
				return true
			case <-over:
				return false
			}
		})
		close(said)
	}()
	return said, end
}

// ParseCommand reads one line. Unknown keys are refused: they would be orders
// that are not carried out.
func ParseCommand(line []byte) (Command, error) {
	var c Command
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Command{}, fmt.Errorf("not a JSON command: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Command{}, fmt.Errorf("more than one command in a line")
	}
	switch c.Do {
	case "go", "snapshot", "stop", "fill", "report":
		return c, nil
	}
	return Command{}, fmt.Errorf(`unknown command %q: give "go", "snapshot" or "stop"`, c.Do)
}

// Writer writes events, each as one line by one Write. Any goroutine may use it.
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Send writes one event.
func (w *Writer) Send(e Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("event %q: %w", e.Event, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing event %q: %w", e.Event, err)
	}
	return nil
}
