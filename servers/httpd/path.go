package httpd

import (
	"fmt"
	"strings"
)

// cleanPath turns the path of a target into a slash-separated file name
// relative to a root: percent-decoded, without empty or dot segments, "." for
// the root itself. It is appended to name. ".." goes up, but not above the root
// (RFC 3986 section 5.2.4); that holds for encoded dots too. dir says that the
// path ends like a directory's. ok is false for a path that can name no file:
// one with an encoded slash or NUL.
func cleanPath(name, path []byte) (clean []byte, dir, ok bool) {
	start := len(name)
	for len(path) > 0 {
		path = path[1:] // '/'
		segment := len(name)
		if segment > start {
			name = append(name, '/')
		}
		begin := len(name)
		for len(path) > 0 && path[0] != '/' {
			b := path[0]
			if b == '%' { // complete and hexadecimal: parse saw to it
				b = unhex(path[1])<<4 | unhex(path[2])
				if b == '/' || b == 0 {
					return nil, false, false
				}
				path = path[2:]
			}
			path = path[1:]
			name = append(name, b)
		}
		dir = true
		switch string(name[begin:]) {
		case "", ".":
			name = name[:segment]
		case "..":
			name = name[:segment]
			for len(name) > start {
				last := name[len(name)-1]
				name = name[:len(name)-1]
				if last == '/' {
					break
				}
			}
		default:
			dir = false
		}
	}
	if len(name) == start {
		name = append(name, '.')
	}
	return name, dir, true
}

// CleanPrefix checks a path that others may begin with, and takes the slash at
// its end away: "" is every path's.
func CleanPrefix(path string) (string, error) {
	if !strings.HasPrefix(path, "/") || !goodTarget([]byte(path)) || strings.Contains(path, "?") {
		return "", fmt.Errorf("%q: give a path that begins with '/', percent-encoded", path)
	}
	return strings.TrimRight(path, "/"), nil
}

// below says whether path is prefix, which is clean, or lies below it.
func below(path []byte, prefix string) bool {
	n := len(prefix)
	return len(path) >= n && string(path[:n]) == prefix && (len(path) == n || path[n] == '/')
}
