package httpd

import (
	"mime"
	"strings"
	"testing"
)

func TestContentType(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.txt": "text/plain; charset=utf-8", "a/B.HTML": "text/html; charset=utf-8", "a.js": "text/javascript; charset=utf-8",
		"x.tar.gz": "application/gzip", "x.html.gz": "application/gzip", "x.gz.html": "text/html; charset=utf-8", "x.tgz": "application/gzip",
		"a.json": "application/json", "a.svg": "image/svg+xml", "a.woff2": "font/woff2", "a.webmanifest": "application/manifest+json",
		"a.7z": "application/x-7z-compressed", ".png": "image/png",
		"noext": unknownType, "a.b/c": unknownType, "a.html/c": unknownType, "a.unknown": unknownType, "a.anextensionthatislong": unknownType,
		"": unknownType, "a.": unknownType, ".": unknownType, "a.html.": unknownType, "a.html ": unknownType, "a.\xff": unknownType,
	} {
		if got := contentType([]byte(name)); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

// TestTypes: every line of the table is in order.
func TestTypes(t *testing.T) {
	t.Parallel()
	if len(contentTypes) < 200 {
		t.Errorf("%d extensions", len(contentTypes))
	}
	for extension, value := range contentTypes {
		kind, parameters, err := mime.ParseMediaType(value)
		if err != nil || strings.ToLower(kind) != kind || strings.Count(kind, "/") != 1 {
			t.Errorf("%s: %s, %v", extension, value, err)
		}
		if text := strings.HasPrefix(kind, "text/"); text != (parameters["charset"] == "utf-8") || len(parameters) > 1 {
			t.Errorf("%s: %s", extension, value)
		}
		if extension != strings.ToLower(extension) || strings.Contains(extension, ".") || contentType([]byte("a."+strings.ToUpper(extension))) != value {
			t.Errorf("%s cannot be found", extension)
		}
	}
}

func TestParseTypes(t *testing.T) {
	t.Parallel()
	types := parseTypes("# a/b c\n\na/b\tc d # e\ntext/x  f\r\nno/extension\ng/h i")
	if len(types) != 4 || types["c"] != "a/b" || types["d"] != "a/b" || types["f"] != "text/x; charset=utf-8" || types["i"] != "g/h" {
		t.Errorf("%v", types)
	}
	for _, table := range []string{"a/b c\nd/e c", "a/b " + strings.Repeat("x", longestExtension+1)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken", table)
				}
			}()
			parseTypes(table)
		}()
	}
}

func TestContentTypeAllocatesNothing(t *testing.T) {
	names := [][]byte{[]byte("sub/a.HTML"), []byte("a.tar.gz"), []byte("none")}
	if n := testing.AllocsPerRun(100, func() {
		for _, name := range names {
			contentType(name)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
