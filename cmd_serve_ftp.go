package main

import (
	"time"

	"medusa/servers"
)

// ftpFlags are those of medusa serve that are about FTP.
type ftpFlags struct {
	FTP                   string        `name:"ftp" help:"Serve FTP on HOST:PORT: the files of --root to guests, who may read them, and to --users." placeholder:"ADDRESS"`
	Users                 string        `help:"File of FTP users, as 'medusa passwd' writes it; it is read when the server starts." placeholder:"FILE"`
	FTPGuests             string        `name:"ftp-guests" default:"read" enum:"read,write,none" help:"What who logs in as anonymous may do: read, write, or none for not log in at all (${default})." placeholder:"RIGHTS"`
	FTPPorts              string        `name:"ftp-ports" help:"Ports for passive data connections; any, without." placeholder:"FIRST-LAST"`
	FTPSessions           int           `name:"ftp-sessions" help:"FTP sessions at once, if descriptors suffice for them and their transfers (4096)." placeholder:"N"`
	FTPSessionsPerAddress int           `name:"ftp-sessions-per-address" help:"FTP sessions at once of one client address (512)." placeholder:"N"`
	FTPIdleTimeout        time.Duration `name:"ftp-idle-timeout" default:"5m" help:"End FTP sessions without a command or transfer for so long (${default})." placeholder:"D"`
	FTPDataTimeout        time.Duration `name:"ftp-data-timeout" default:"5m" help:"End FTP transfers that stand still for so long (${default})." placeholder:"D"`
}

func (f ftpFlags) config() servers.FTPConfig {
	return servers.FTPConfig{
		Address: f.FTP, Users: f.Users, Guests: f.FTPGuests, Ports: f.FTPPorts, Sessions: f.FTPSessions, SessionsPerAddress: f.FTPSessionsPerAddress,
		IdleTimeout: f.FTPIdleTimeout, DataTimeout: f.FTPDataTimeout,
	}
}
