package control

import (
	"strings"
	"sync"
)

// tailSize is how much a Tail keeps, in bytes.
const tailSize = 4096

// Tail keeps the last 4 KiB of what is written to it: of a process's standard
// error what it ended with. Any goroutine may use it.
type Tail struct {
	mu  sync.Mutex
	buf []byte
	cut bool
}

// Write takes all of p. It never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
		t.cut = true
	}
	return len(p), nil
}

// String is what is kept, after "..." if there was more before it.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := strings.ToValidUTF8(string(t.buf), "?")
	if t.cut {
		return "..." + s
	}
	return s
}
