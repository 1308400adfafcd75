package loadgen

import (
	"bytes"
	"errors"
	"net/netip"
	"strconv"
)

// This file reads what a server of FTP says on the control connection.

// maxReply bounds a reply, in bytes.
const maxReply = 8 << 10

var (
	errReply     = errors.New("not a reply of FTP")
	errLongReply = errors.New("a reply over the limit")
)

// ftpReply is a reply: its code, and the text of its last line.
type ftpReply struct {
	code int
	text []byte // of the input
	size int    // in bytes, its last line end included
}

// parseReply reads the reply at the start of p (RFC 959 section 4.2): a line
// "code SP text", or lines from "code-" to one that begins as "code SP". One of size
// 0 without an error is incomplete. Lines end with CRLF, or LF alone.
func parseReply(p []byte) (ftpReply, error) {
	var first []byte
	for at := 0; ; {
		end := bytes.IndexByte(p[at:min(len(p), maxReply)], '\n')
		if end < 0 {
			if len(p) >= maxReply {
				return ftpReply{}, errLongReply
			}
			return ftpReply{}, nil
		}
		line := bytes.TrimSuffix(p[at:at+end], []byte{'\r'})
		at += end + 1
		if first == nil {
			if len(line) < 3 || line[0] < '1' || line[0] > '5' || !digit(line[1]) || !digit(line[2]) || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
				return ftpReply{}, errReply
			}
			first = line[:3]
			if len(line) > 3 && line[3] == '-' {
				continue
			}
		} else if len(line) < 3 || !bytes.Equal(line[:3], first) || len(line) > 3 && line[3] != ' ' {
			continue
		}
		code, _ := decimal(first)
		return ftpReply{code: int(code), text: bytes.TrimPrefix(line[3:], []byte{' '}), size: at}, nil
	}
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// passivePort is the port in the reply to EPSV (RFC 2428 section 3): "(|||port|)",
// with any printable character for the bars.
func passivePort(text []byte) (uint16, bool) {
	_, text, ok := bytes.Cut(text, []byte{'('})
	if !ok || len(text) < 6 {
		return 0, false
	}
	bar := text[0]
	if bar < 33 || bar > 126 || digit(bar) || text[1] != bar || text[2] != bar {
		return 0, false
	}
	number, rest, ok := bytes.Cut(text[3:], []byte{bar})
	if !ok || len(rest) == 0 || rest[0] != ')' {
		return 0, false
	}
	return portNumber(number)
}

// passiveAddress is the address in the reply to PASV (RFC 959 section 4.1.2):
// "h1,h2,h3,h4,p1,p2" somewhere behind the code.
func passiveAddress(text []byte) (netip.AddrPort, bool) {
	start := bytes.IndexAny(text, "0123456789")
	if start < 0 {
		return netip.AddrPort{}, false
	}
	text = text[start:]
	if end := bytes.IndexFunc(text, func(r rune) bool { return r != ',' && (r < '0' || r > '9') }); end >= 0 {
		text = text[:end]
	}
	var b [6]byte
	fields := bytes.Split(text, []byte{','})
	if len(fields) != len(b) {
		return netip.AddrPort{}, false
	}
	for i, f := range fields {
		n, ok := decimal(f)
		if !ok || n > 255 {
			return netip.AddrPort{}, false
		}
		b[i] = byte(n)
	}
	port := uint16(b[4])<<8 | uint16(b[5])
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), port), port > 0
}

func portNumber(p []byte) (uint16, bool) {
	n, err := strconv.ParseUint(string(p), 10, 16)
	return uint16(n), err == nil && n > 0
}

// announced is the size that a reply to RETR tells, as "(N bytes)"; -1 without.
func announced(text []byte) int64 {
	end := bytes.LastIndex(text, []byte(" bytes)"))
	if end < 0 {
		return -1
	}
	start := bytes.LastIndexByte(text[:end], '(')
	if n, ok := decimal(text[start+1 : end]); start >= 0 && ok {
		return n
	}
	return -1
}
