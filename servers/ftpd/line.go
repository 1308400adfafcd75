package ftpd

import "bytes"

// Of Telnet (RFC 854), in which the control connection speaks (RFC 959 section 4).
const (
	telnetIAC  = 0xff
	telnetWILL = 0xfb // and WONT, DO, DONT, which have an operand
	telnetSB   = 0xfa
	telnetSE   = 0xf0
	// telnetLowest is the least byte of a command (EOF, RFC 1184 section 2.5).
	telnetLowest = 0xec
)

// clean returns the text of a line without its end: Telnet commands are left out,
// IAC IAC is one byte, and so is CR NUL. What is before the command and is no ASCII
// is left out too: clients send IAC IP, and a DM as urgent data, before ABOR (RFC
// 959 section 4.1.3), of which some arrives, depending on where the urgent mark
// stands. line is not modified.
func clean(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if bytes.IndexByte(line, telnetIAC) >= 0 {
		line = withoutTelnet(line)
	}
	for len(line) > 0 && line[0] >= 0x80 {
		line = line[1:]
	}
	return bytes.ReplaceAll(line, []byte("\r\x00"), []byte("\r"))
}

func withoutTelnet(line []byte) []byte {
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); i++ {
		if line[i] != telnetIAC {
			out = append(out, line[i])
			continue
		}
		i++
		switch {
		case i == len(line):
		case line[i] == telnetIAC:
			out = append(out, telnetIAC)
		case line[i] == telnetSB:
			end := bytes.Index(line[i:], []byte{telnetIAC, telnetSE})
			if end < 0 {
				return out
			}
			i += end + 1
		case line[i] >= telnetWILL:
			i++
		case line[i] < telnetLowest: // the command itself has been taken out of the stream, as urgent data
			i--
		}
	}
	return out
}

// split returns the command in capitals, and what follows its space. A verb that
// is too long for a command is none.
func split(line []byte) (verb, argument string) {
	v, a, _ := bytes.Cut(line, []byte{' '})
	if len(v) > 4 {
		return "", string(a)
	}
	var upper [4]byte
	for i, b := range v {
		if b >= 'a' && b <= 'z' {
			b -= 'a' - 'A'
		}
		upper[i] = b
	}
	return string(upper[:len(v)]), string(a)
}
