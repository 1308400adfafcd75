package ftpd

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// representation is TYPE (RFC 959 section 3.1.1). There is one kind of text, and
// a byte has eight bits.
func (s *session) representation(argument string) {
	switch strings.ToUpper(argument) {
	case "A", "A N":
		s.image = false
		s.reply(200, "Type is ASCII.")
	case "I", "L 8", "L8":
		s.image = true
		s.reply(200, "Type is image.")
	default:
		s.parameter(argument, "AEIL")
	}
}

// transferMode is MODE: stream.
func (s *session) transferMode(argument string) {
	if strings.EqualFold(argument, "S") {
		s.reply(200, "Mode is stream.")
		return
	}
	s.parameter(argument, "BC")
}

// structure is STRU: file.
func (s *session) structure(argument string) {
	if strings.EqualFold(argument, "F") {
		s.reply(200, "Structure is file.")
		return
	}
	s.parameter(argument, "RP")
}

// parameter refuses a parameter: RFC 959 has codes that are not carried out (504),
// and what is no code at all (501).
func (s *session) parameter(argument, codes string) {
	code, rest, _ := strings.Cut(strings.ToUpper(argument), " ")
	if len(code) == 1 && strings.Contains(codes, code) && len(rest) <= 3 {
		s.reply(504, "Not implemented for that parameter.")
		return
	}
	s.reply(501, "No such parameter.")
}

// status is STAT: without a path how things stand, with one a listing as a reply.
func (s *session) status(argument string) {
	if argument != "" {
		s.statusOf(argument)
		return
	}
	lines := []string{"Not logged in."}
	if s.account != nil {
		lines[0] = "Logged in as " + s.user + "."
	}
	kind := "image"
	if !s.image {
		kind = "ASCII"
	}
	lines = append(lines, "Type "+kind+", mode stream, structure file.")
	switch t, ch := s.transfer, s.channel; {
	case t != nil && ch != nil:
		lines = append(lines, t.progress(ch))
	case ch != nil:
		lines = append(lines, "A data connection is prepared.")
	default:
		lines = append(lines, "No data connection.")
	}
	s.replyLines(211, "Status", lines, "End of status.")
}

// progress says how far the transfer is.
func (t *transfer) progress(ch *channel) string {
	moved := t.received
	if ch.conn != nil && t.sink == nil {
		sent, _ := ch.conn.Handed()
		moved += sent
	}
	of := ""
	if t.size >= 0 {
		of = fmt.Sprintf(" of %d", t.size)
	}
	return fmt.Sprintf("%s %s: %d%s bytes.", t.verb, t.path, moved, of)
}

// statusOf is STAT with a path. During a transfer it would be another (RFC 959
// section 4.1.3 has it between transfers).
func (s *session) statusOf(argument string) {
	switch {
	case s.account == nil:
		s.reply(530, "Log in first: USER and PASS.")
		return
	case s.transfer != nil:
		s.reply(450, "A transfer is under way.")
		return
	}
	l, err := s.open(argument, s.lineWriter())
	if err != nil {
		s.failed(err)
		return
	}
	l.indent, l.conn = " ", s.conn
	code := "213"
	if l.dir != nil {
		code = "212"
	} else {
		l.text = append([]byte(l.indent), l.text...)
	}
	s.conn.Write([]byte(code + "-Status\r\n"))
	s.conn.Push(l)
	s.conn.Write([]byte(code + " End of status.\r\n"))
}

// help is HELP.
func (s *session) help(argument string) {
	if argument == "" {
		s.replyLines(214, "Commands", columns(slices.Sorted(maps.Keys(commands))), "HELP <command> says more.")
		return
	}
	verb := strings.ToUpper(argument)
	if verb == "SITE" {
		s.siteHelp()
		return
	}
	c, ok := commands[verb]
	if !ok {
		s.reply(502, "No such command.")
		return
	}
	s.reply(214, strings.TrimSpace("Syntax: "+verb+" "+c.usage))
}

// columns puts names in rows of eight.
func columns(names []string) []string {
	var rows []string
	for row := range slices.Chunk(names, 8) {
		text := ""
		for _, name := range row {
			text += fmt.Sprintf("%-6s", name)
		}
		rows = append(rows, strings.TrimRight(text, " "))
	}
	return rows
}

// system is SYST; the name is one that clients know LIST's form by.
func (s *session) system(string) { s.reply(215, "UNIX Type: L8") }

func (s *session) noop(string) { s.reply(200, "Yes.") }

// features is FEAT (RFC 2389 section 3).
func (s *session) features(string) {
	s.replyLines(211, "Features", []string{
		"EPRT", "EPSV", "MDTM", "MLST " + s.facts.offered(), "REST STREAM", "SIZE", "TVFS", "UTF8",
	}, "End.")
}

// options is OPTS (RFC 2389 section 4).
func (s *session) options(argument string) {
	name, value, _ := strings.Cut(argument, " ")
	switch {
	case strings.EqualFold(name, "UTF8") && (value == "" || strings.EqualFold(value, "ON")), strings.EqualFold(name, "UTF-8") && value == "":
		s.reply(200, "Names are bytes, UTF-8 as a rule.")
	case strings.EqualFold(name, "MLST"):
		s.facts = parseFacts(value)
		s.reply(200, strings.TrimSpace("MLST OPTS "+s.facts.String()))
	default:
		s.reply(501, "No such option.")
	}
}

// site is SITE.
func (s *session) site(argument string) {
	name, rest, _ := strings.Cut(argument, " ")
	switch {
	case strings.EqualFold(name, "CHMOD"):
		s.changeMode(rest)
	case strings.EqualFold(name, "HELP"):
		s.siteHelp()
	default:
		s.reply(500, "Unknown command.")
	}
}

func (s *session) siteHelp() {
	s.replyLines(214, "Commands of SITE", []string{"CHMOD <mode, as 644> <path>", "HELP"}, "End.")
}
