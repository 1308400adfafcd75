package ftpd

import (
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// factSet are facts that a client wants (RFC 3659 section 7.5).
type factSet uint8

const (
	factType factSet = 1 << iota
	factSize
	factModify
	factPerm
	factMode // unix.mode

	allFacts = factType | factSize | factModify | factPerm | factMode
)

// factNames are in the order in which they are told.
var factNames = []struct {
	fact factSet
	name string
}{{factType, "type"}, {factSize, "size"}, {factModify, "modify"}, {factPerm, "perm"}, {factMode, "unix.mode"}}

// parseFacts reads a list such as "type;size;". What is not known is left out.
func parseFacts(text string) (set factSet) {
	for name := range strings.SplitSeq(text, ";") {
		for _, f := range factNames {
			if strings.EqualFold(name, f.name) {
				set |= f.fact
			}
		}
	}
	return set
}

// String lists the facts as the answer to OPTS MLST does.
func (set factSet) String() string {
	text := ""
	for _, f := range factNames {
		if set&f.fact != 0 {
			text += f.name + ";"
		}
	}
	return text
}

// offered lists all facts, those of the set with an asterisk, as FEAT does (RFC
// 3659 section 7.8).
func (set factSet) offered() string {
	text := ""
	for _, f := range factNames {
		text += f.name
		if set&f.fact != 0 {
			text += "*"
		}
		text += ";"
	}
	return text
}

// append appends the facts and the space behind them. A link counts as what it is
// itself; what is neither file nor directory has a type of its own.
func (set factSet) append(b []byte, info fs.FileInfo, write bool) []byte {
	mode := info.Mode()
	for _, f := range factNames {
		if set&f.fact == 0 || f.fact == factSize && !mode.IsRegular() || f.fact == factModify && info.ModTime().IsZero() {
			continue
		}
		b = append(b, f.name...)
		b = append(b, '=')
		switch f.fact {
		case factType:
			switch {
			case mode.IsDir():
				b = append(b, "dir"...)
			case mode.IsRegular():
				b = append(b, "file"...)
			case mode&fs.ModeSymlink != 0:
				b = append(b, "OS.unix=symlink"...)
			default:
				b = append(b, "OS.unix=special"...)
			}
		case factSize:
			b = strconv.AppendInt(b, info.Size(), 10)
		case factModify:
			b = appendTime(b, info.ModTime())
		case factPerm:
			b = append(b, permissions(mode, write)...)
		case factMode:
			b = append(b, '0')
			b = strconv.AppendUint(b, uint64(mode.Perm()), 8)
		}
		b = append(b, ';')
	}
	return append(b, ' ')
}

// permissions are what the client may do (RFC 3659 section 7.5.5), as far as the
// account decides. The system may forbid it nevertheless.
func permissions(mode fs.FileMode, write bool) string {
	switch {
	case mode.IsDir() && write:
		return "cdeflmp"
	case mode.IsDir():
		return "el"
	case write:
		return "adfrw"
	}
	return "r"
}

// appendTime appends a time as RFC 3659 section 2.3 has it, in UTC.
func appendTime(b []byte, t time.Time) []byte { return t.UTC().AppendFormat(b, "20060102150405") }

// recent is how old a file is at most whose time LIST tells with the hour (ls(1):
// six months), in UTC.
const recent = 182 * 24 * time.Hour

// appendLong appends what ls -l has before a name. Links and owners are not known.
func appendLong(b []byte, info fs.FileInfo, now time.Time) []byte {
	mode := info.Mode()
	kind := byte('-')
	switch {
	case mode.IsDir():
		kind = 'd'
	case mode&fs.ModeSymlink != 0:
		kind = 'l'
	case mode&fs.ModeNamedPipe != 0:
		kind = 'p'
	case mode&fs.ModeSocket != 0:
		kind = 's'
	case mode&fs.ModeDevice != 0:
		kind = 'b'
		if mode&fs.ModeCharDevice != 0 {
			kind = 'c'
		}
	}
	b = append(b, kind)
	b = append(b, mode.Perm().String()[1:]...)
	b = append(b, " 1 ftp ftp "...)
	size := strconv.FormatInt(info.Size(), 10)
	for range 12 - len(size) {
		b = append(b, ' ')
	}
	b = append(b, size...)
	layout := " Jan _2 15:04 "
	modified := info.ModTime()
	if age := now.Sub(modified); age > recent || age < -time.Hour {
		layout = " Jan _2  2006 "
	}
	return modified.UTC().AppendFormat(b, layout)
}
