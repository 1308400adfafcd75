package httpd

import (
	_ "embed" // mime.types
	"strings"
)

//go:embed mime.types
var mimeTypes string

// contentTypes are the Content-Type values of file name extensions.
var contentTypes = parseTypes(mimeTypes)

// unknownType is that of a file whose name says nothing.
const unknownType = "application/octet-stream"

// longestExtension bounds the extensions of the table, in bytes.
const longestExtension = 16

// parseTypes reads a table in the syntax of mime.types: lines of a type and
// its extensions, "#" before a comment. It panics at an extension that is
// there twice or too long, as the table is part of the program.
func parseTypes(table string) map[string]string {
	types := make(map[string]string)
	for line := range strings.Lines(table) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		value := words[0]
		if strings.HasPrefix(value, "text/") {
			value += "; charset=utf-8"
		}
		for _, extension := range words[1:] {
			if _, twice := types[extension]; twice || len(extension) > longestExtension {
				panic("mime.types: extension " + extension)
			}
			types[extension] = value
		}
	}
	return types
}

// contentType is the Content-Type of a file by what follows the last dot of
// its name: that of a.tar.gz is what gz says, since what is sent is the
// compressed archive itself and no coding of it. It does not allocate.
func contentType(name []byte) string {
	var extension [longestExtension]byte
	for i := len(name) - 1; i >= 0 && name[i] != '/'; i-- {
		if name[i] != '.' {
			continue
		}
		n := len(name) - i - 1
		if n > len(extension) {
			break
		}
		for j, b := range name[i+1:] {
			extension[j] = lower(b)
		}
		if t, ok := contentTypes[string(extension[:n])]; ok {
			return t
		}
		break
	}
	return unknownType
}
