package httpd

import "testing"

func TestCleanPath(t *testing.T) {
	tests := []struct {
		path, name string
		dir, bad   bool
	}{
		{path: "/", name: ".", dir: true},
		{path: "//", name: ".", dir: true},
		{path: "/a", name: "a"},
		{path: "/a/", name: "a", dir: true},
		{path: "/a//b", name: "a/b"},
		{path: "//a/b", name: "a/b"},
		{path: "/a/./b", name: "a/b"},
		{path: "/a/.", name: "a", dir: true},
		{path: "/a/..", name: ".", dir: true},
		{path: "/a/../b", name: "b"},
		{path: "/a/b/../c", name: "a/c"},
		{path: "/a/b/../../c", name: "c"},
		{path: "/../../etc/passwd", name: "etc/passwd"},
		{path: "/a/../../../b", name: "b"},
		{path: "/%2e%2e/%2E./a", name: "a"},
		{path: "/%61%20b+c", name: "a b+c"},
		{path: "/%C3%A4", name: "ä"},
		{path: "/..a/b../...", name: "..a/b../..."},
		{path: "/%25", name: "%"},
		{path: "/a%2fb", bad: true},
		{path: "/a%2Fb", bad: true},
		{path: "/a%00", bad: true},
		{path: "/%5c..%5c", name: `\..\`},
	}
	for _, test := range tests {
		name, dir, ok := cleanPath([]byte("kept"), []byte(test.path))
		if ok == test.bad {
			t.Errorf("%s: ok %t", test.path, ok)
		} else if ok && (string(name) != "kept"+test.name || dir != test.dir) {
			t.Errorf("%s: got %q, dir %t; want %q, dir %t", test.path, name, dir, test.name, test.dir)
		}
	}
}
