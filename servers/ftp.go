package servers

import (
	"fmt"
	"path/filepath"

	"medusa/servers/filesys"
	"medusa/servers/ftpd"
	"medusa/servers/users"
)

// openUsers reads the users and opens their directories, each once. They are
// closed by closeWeb.
func (s *server) openUsers() error {
	if s.cfg.FTP.Users == "" {
		return nil
	}
	all, err := users.Open(s.cfg.FTP.Users)
	if err != nil {
		return err
	}
	s.accounts = map[string]*ftpd.Account{}
	s.homes = map[string]*filesys.Dir{}
	for name, u := range all {
		account := &ftpd.Account{Hash: u.Hash, Write: u.Write}
		switch {
		case u.Root != "":
			path := filepath.Clean(u.Root)
			if s.homes[path] == nil {
				dir, err := filesys.Open(path)
				if err != nil {
					return fmt.Errorf("user %q: %w", name, err)
				}
				s.homes[path] = dir
			}
			account.Files = s.homes[path]
		case s.root != nil:
			account.Files = s.root.dir
		default:
			return fmt.Errorf("user %q has no directory: give one with 'medusa passwd', or a root", name)
		}
		s.accounts[name] = account
	}
	return nil
}

// mostSessions is how many FTP sessions there may be where descriptors are plenty
// and nobody says otherwise.
const mostSessions = 4096

// newFTP makes the FTP server.
func (s *server) newFTP(ports ftpd.PortRange) *ftpd.Server {
	f := s.cfg.FTP
	most := f.Sessions
	if most == 0 {
		most = mostSessions
	}
	cfg := ftpd.Config{
		Accounts: s.accounts, Sessions: s.sessions(most), SessionsPerAddress: f.SessionsPerAddress,
		IdleTimeout: f.IdleTimeout, DataTimeout: f.DataTimeout, Ports: ports,
	}
	if f.Guests != "none" {
		cfg.Anonymous = &ftpd.Account{Files: s.root.dir, Write: f.Guests == "write"}
	}
	return ftpd.New(s.loop, cfg)
}
