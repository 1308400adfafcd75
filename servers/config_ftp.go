package servers

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"medusa/servers/ftpd"
)

// FTPConfig says what is served over FTP.
type FTPConfig struct {
	// Address is where to listen, as Config.HTTP; "" leaves the service out.
	Address string
	// Users is the file of those who may log in, as package users reads it; "" for
	// none. Who has no directory in it sees Config.Root.
	Users string
	// Guests is what who logs in as anonymous may do with the files of Config.Root:
	// "read" (or ""), "write", or "none".
	Guests string
	// Ports are those of passive data connections, as FIRST-LAST; "" for any.
	Ports string
	// Sessions and SessionsPerAddress bound the sessions at once; 0 means 4096
	// and 512. Where descriptors are few, there are fewer.
	Sessions, SessionsPerAddress int
	// IdleTimeout ends sessions without a command or transfer, and DataTimeout
	// transfers that stand still; 0 means 5 minutes.
	IdleTimeout, DataTimeout time.Duration
}

// given says whether there is something in it besides the defaults.
func (f FTPConfig) given() bool {
	return f.Users != "" || f.Ports != "" || f.Sessions != 0 || f.SessionsPerAddress != 0 || f.Guests != "" && f.Guests != "read"
}

// parseFTP finds out what is served over FTP.
func (c *Config) parseFTP(a *plan) (err error) {
	f := c.FTP
	switch {
	case f.Address == "" && f.given():
		return errors.New("nowhere to serve FTP: users, guests, ports and sessions need an ftp address")
	case f.Address == "":
		return nil
	case f.Guests != "" && f.Guests != "read" && f.Guests != "write" && f.Guests != "none":
		return fmt.Errorf(`ftp-guests %q: give "read", "write" or "none"`, f.Guests)
	case f.Guests == "none" && f.Users == "":
		return errors.New("nobody could log in over FTP: give users, or let guests in")
	case c.Root == "" && f.Guests != "none":
		return errors.New("FTP has no files for guests: give a root, or let no guests in")
	case f.Sessions < 0 || f.SessionsPerAddress < 0:
		return errors.New("FTP sessions: give a number over 0")
	case f.IdleTimeout < 0 || f.DataTimeout < 0:
		return errors.New("a timeout of FTP: give a duration over 0")
	}
	a.ports, err = parsePorts(f.Ports)
	return err
}

func parsePorts(text string) (r ftpd.PortRange, err error) {
	if text == "" {
		return r, nil
	}
	first, last, ok := strings.Cut(text, "-")
	if !ok {
		last = first
	}
	a, err1 := strconv.ParseUint(first, 10, 16)
	b, err2 := strconv.ParseUint(last, 10, 16)
	if err1 != nil || err2 != nil || a < 1 || b < a {
		return r, fmt.Errorf("ftp-ports %q: give FIRST-LAST, such as 50000-50999", text)
	}
	return ftpd.PortRange{First: uint16(a), Last: uint16(b)}, nil
}
