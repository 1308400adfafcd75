package peers

import (
	"strings"
	"testing"
)

func TestRightSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, body, want string }{
		{"/fixed/13", "Hello, World!", ""},
		{"/files/3", "abc", ""},
		{"/health", "whatever", ""},
		{"/fixed/1024", "Hello, World!", "with 13 bytes or more, not with 1024"},
		{"/files/3", "abcdef", "with 4 bytes or more, not with 3"},
	} {
		err := rightSize(c.path, strings.NewReader(c.body))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %q: %v, want %q", c.path, c.body, err, c.want)
		}
	}
}
