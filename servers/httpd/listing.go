package httpd

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// portion is how many entries of a directory are read at once. It bounds what
// a listing holds, and how long a read of it takes: each entry costs a system
// call.
const portion = 128

// listing reads a directory as a page of HTML, a portion at a time. Entries
// are in order within a portion, and so altogether in a directory that is one.
//
// Names that begin with a dot are left out, as by ls(1), as is everything but
// files, directories and links, since it is not served. Names may be of any
// bytes: a link has them percent-encoded, the text shows what can be shown.
type listing struct {
	dir     fs.ReadDirFile
	entries []fs.DirEntry // of the portion, not yet in the page
	text    []byte        // of the page, not yet read
	buf     []byte        // under text
	all     bool          // the last portion has been read
	ended   bool          // the page's last text has been made
}

// newListing makes the page of a directory by its clean name. To close it
// closes dir.
func newListing(dir fs.ReadDirFile, name []byte) *listing {
	title := "/"
	if string(name) != "." {
		title = "/" + shown(string(name)) + "/"
	}
	b := []byte("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Index of ")
	b = append(b, title...)
	b = append(b, "</title>\n<style>th,td{padding:0 1em;text-align:right}th:first-child,td:first-child{text-align:left}</style>\n</head>\n<body>\n<h1>Index of "...)
	b = append(b, title...)
	b = append(b, "</h1>\n<table>\n<tr><th>Name</th><th>Bytes</th><th>Modified (UTC)</th></tr>\n"...)
	if title != "/" {
		b = append(b, "<tr><td><a href=\"../\">../</a></td></tr>\n"...)
	}
	return &listing{dir: dir, text: b, buf: b}
}

// Read reads at most one portion of the directory.
func (l *listing) Read(p []byte) (n int, err error) {
	for n < len(p) {
		switch {
		case len(l.text) > 0:
			k := copy(p[n:], l.text)
			l.text, n = l.text[k:], n+k
		case len(l.entries) > 0:
			l.buf = appendRow(l.buf[:0], l.entries[0])
			l.text, l.entries = l.buf, l.entries[1:]
		case n > 0:
			return n, nil
		case l.ended:
			return 0, io.EOF
		case l.all:
			l.text, l.ended = append(l.buf[:0], "</table>\n</body>\n</html>\n"...), true
		default:
			l.entries, err = l.dir.ReadDir(portion)
			if l.all = errors.Is(err, io.EOF); !l.all && err != nil {
				return 0, err
			}
			slices.SortFunc(l.entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
			// Something to read even if none of the portion is to be seen.
			l.text = append(l.buf[:0], '\n')
		}
	}
	return n, nil
}

// Close closes the directory.
func (l *listing) Close() error { return l.dir.Close() }

// appendRow appends the row of an entry, or nothing if it is not to be seen.
func appendRow(b []byte, entry fs.DirEntry) []byte {
	name, kind := entry.Name(), entry.Type()
	if strings.HasPrefix(name, ".") || kind&^(fs.ModeDir|fs.ModeSymlink)&fs.ModeType != 0 {
		return b
	}
	info, err := entry.Info()
	if err != nil {
		return b // it has gone
	}
	slash := ""
	if entry.IsDir() {
		slash = "/"
	}
	b = append(b, "<tr><td><a href=\""...)
	b = appendEscaped(b, []byte(name), pathBytes)
	b = append(b, slash...)
	b = append(b, "\">"...)
	b = append(b, shown(name)...)
	b = append(b, slash...)
	b = append(b, "</a></td><td>"...)
	if kind.IsRegular() {
		b = appendNumber(b, info.Size())
	}
	b = append(b, "</td><td>"...)
	if modified := info.ModTime(); !modified.IsZero() {
		b = modified.UTC().AppendFormat(b, "2006-01-02 15:04")
	}
	return append(b, "</td></tr>\n"...)
}
