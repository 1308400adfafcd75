package loop

import (
	"os"
	"path/filepath"
	"strings"
)

// Workers is the number of kernel threads that carry out operations of this
// process's io_uring which could not be done without waiting (io_uring(7); they
// are named iou-wrk). The engine asks for none such; if there are any, it is not
// what it seems. It is 0 on other backends.
func (l *Loop) Workers() (n int) {
	if _, ok := l.eng.(*completion); !ok {
		return 0
	}
	names, _ := filepath.Glob("/proc/self/task/*/comm")
	for _, name := range names {
		if comm, err := os.ReadFile(name); err == nil && strings.HasPrefix(string(comm), "iou-wrk") {
			n++
		}
	}
	return n
}
