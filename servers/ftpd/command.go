package ftpd

import "slices"

// command is what the server can be asked.
type command struct {
	run   func(s *session, argument string)
	needs need
	usage string
}

// need says when a command is possible.
type need uint8

const (
	needsLogin     need = 1 << iota // else 530
	needsArgument                   // else 501
	needsNothing                    // else 501
	needsWrite                      // else 550
	duringTransfer                  // is answered at once
)

// commands are by verb. It is filled in by init, as HELP lists it.
var commands map[string]command

func init() {
	const (
		file   = needsLogin | needsArgument
		change = file | needsWrite
		free   = needsNothing
	)
	commands = map[string]command{
		// Access (RFC 959 section 4.1.1).
		"USER": {(*session).userName, needsArgument, "<name>"},
		"PASS": {(*session).password, 0, "<password>"},
		"ACCT": {(*session).superfluous, needsArgument, "<account>"},
		"REIN": {(*session).reinitialize, free, ""},
		"QUIT": {(*session).quit, free | duringTransfer, ""},
		// Directories.
		"CWD":  {(*session).changeDirectory, file, "<path>"},
		"CDUP": {(*session).changeUp, needsLogin | free, ""},
		"PWD":  {(*session).printDirectory, needsLogin | free, ""},
		"MKD":  {(*session).makeDirectory, change, "<path>"},
		"RMD":  {(*session).removeDirectory, change, "<path>"},
		// Transfer parameters (section 4.1.2).
		"TYPE": {(*session).representation, needsArgument, "A | A N | I | L 8"},
		"MODE": {(*session).transferMode, needsArgument, "S"},
		"STRU": {(*session).structure, needsArgument, "F"},
		"PORT": {(*session).port, file, "<h1,h2,h3,h4,p1,p2>"},
		"PASV": {(*session).passive, needsLogin | free, ""},
		"EPRT": {(*session).extendedPort, file, "<|protocol|address|port|>"},
		"EPSV": {(*session).extendedPassive, needsLogin, "[1 | 2 | ALL]"},
		// Service (section 4.1.3).
		"RETR": {(*session).retrieve, file, "<path>"},
		"STOR": {(*session).store, change, "<path>"},
		"APPE": {(*session).appendTo, change, "<path>"},
		"STOU": {(*session).storeUnique, needsLogin | needsWrite, "[<name>]"},
		"REST": {(*session).restartAt, file, "<offset>"},
		"ALLO": {(*session).superfluous, needsLogin | needsArgument, "<bytes>"},
		"ABOR": {(*session).abort, free | duringTransfer, ""},
		"LIST": {(*session).list, needsLogin, "[<path>]"},
		"NLST": {(*session).listNames, needsLogin, "[<path>]"},
		"MLSD": {(*session).listMachine, needsLogin, "[<path>]"},
		"MLST": {(*session).factsOf, needsLogin, "[<path>]"},
		// Files.
		"DELE": {(*session).remove, change, "<path>"},
		"RNFR": {(*session).renameFrom, change, "<path>"},
		"RNTO": {(*session).renameTo, change, "<path>"},
		"SIZE": {(*session).size, file, "<path>"},
		"MDTM": {(*session).modified, file, "<path>"},
		// Information.
		"STAT": {(*session).status, duringTransfer, "[<path>]"},
		"HELP": {(*session).help, 0, "[<command>]"},
		"SYST": {(*session).system, free, ""},
		"NOOP": {(*session).noop, duringTransfer, ""},
		"FEAT": {(*session).features, free, ""},
		"OPTS": {(*session).options, needsArgument, "UTF8 ON | MLST <facts>"},
		"SITE": {(*session).site, file, "CHMOD <mode> <path> | HELP"},
	}
	// RFC 1123 section 4.1.3.1 wants the older names as well (RFC 775).
	for old, name := range map[string]string{"XCWD": "CWD", "XCUP": "CDUP", "XPWD": "PWD", "XMKD": "MKD", "XRMD": "RMD"} {
		commands[old] = commands[name]
	}
}

// refused are commands that exist and are not carried out: SMNT of RFC 959, the
// security of RFC 2228 (there is no TLS), LANG of RFC 2640, and the long addresses
// of RFC 1639, which EPRT and EPSV replaced.
var refused = []string{"SMNT", "AUTH", "ADAT", "PROT", "PBSZ", "CCC", "MIC", "CONF", "ENC", "LANG", "LPRT", "LPSV"}

// obey carries out the command of a line, unless it has to wait: then it is to be
// shown again.
func (s *session) obey(line []byte) (done bool) {
	verb, argument := split(line)
	c, ok := commands[verb]
	// A password that is being checked has no answer yet, and answers are in order.
	if s.checking || s.transfer != nil && c.needs&duringTransfer == 0 {
		return false
	}
	s.conn.SetDeadline(s.server.cfg.IdleTimeout)
	from := s.renaming
	if verb != "RNTO" {
		s.renaming = ""
	}
	switch {
	case !ok && slices.Contains(refused, verb):
		s.reply(502, "Not implemented.")
	case !ok:
		s.reply(500, "Unknown command.")
	case c.needs&needsLogin != 0 && s.account == nil:
		s.reply(530, "Log in first: USER and PASS.")
	case c.needs&needsArgument != 0 && argument == "":
		s.reply(501, "Something is missing: "+verb+" "+c.usage)
	case c.needs&needsNothing != 0 && argument != "":
		s.reply(501, verb+" stands alone.")
	case c.needs&needsWrite != 0 && !s.mayWrite():
		s.reply(550, "You may only read.")
	case verb == "RNTO" && from == "":
		s.reply(503, "Say RNFR first.")
	default:
		c.run(s, argument)
	}
	return true
}

func (s *session) mayWrite() bool {
	_, ok := s.writable()
	return ok
}
