package ftpd

// anonymous says whether a user name is that of guests (RFC 1635).
func anonymous(name string) bool { return name == "anonymous" || name == "ftp" }

// userName begins to log in. The answer does not tell whether there is such a
// user.
func (s *session) userName(name string) {
	s.logout()
	s.user = name
	if anonymous(name) && s.server.cfg.Anonymous != nil {
		s.reply(331, "Any password will do.")
		return
	}
	s.reply(331, "Password, please.")
}

// logout forgets who was logged in and what he had set.
func (s *session) logout() {
	s.abandon()
	s.account, s.user, s.cwd, s.restart = nil, "", "/", 0
	s.image, s.epsvOnly = false, false
	s.facts = allFacts
}

// nobodysHash is compared with the password of who does not exist, so that he does
// not exist after as long a time: it is of a password that nobody has seen, and its cost
// is that of the hashes that medusa makes.
var nobodysHash = []byte("$2a$10$UJX881TBJjZmoiXBFRMKEOq8cgqaxvJqHLIr6s2XXM0nrL4/7J2T6")

func (s *session) password(password string) {
	if s.user == "" {
		s.reply(503, "Say USER first.")
		return
	}
	if s.account != nil {
		s.reply(230, "You are logged in already.")
		return
	}
	account := s.server.cfg.Accounts[s.user]
	if anonymous(s.user) {
		account = s.server.cfg.Anonymous
	}
	if account != nil && account.Hash == nil {
		s.login(account)
		return
	}
	hash := nobodysHash
	if account != nil {
		hash = account.Hash
	}
	s.checking = true
	s.server.verify(hash, []byte(password), func() bool { return !s.over }, func(right bool) {
		s.checking = false
		switch {
		case s.over:
		case right && account != nil:
			s.login(account)
		default:
			s.wrong()
		}
		s.settle()
	})
}

func (s *session) login(account *Account) {
	s.account = account
	s.reply(230, "Logged in.")
}

// wrong is the answer to a login that failed.
func (s *session) wrong() {
	s.user = ""
	if s.tries++; int(s.tries) >= s.server.cfg.LoginTries {
		s.goodbye(421, "Too many wrong passwords.")
		return
	}
	s.reply(530, "Login incorrect.")
}

// reinitialize is REIN: as after connecting.
func (s *session) reinitialize(string) {
	s.logout()
	s.reply(220, "Ready for the next user.")
}

// superfluous is what is neither needed nor wrong: ACCT, ALLO.
func (s *session) superfluous(string) { s.reply(202, "Not needed here.") }

// quit ends the session, after the transfer if there is one.
func (s *session) quit(string) { s.drainAs(221, "Goodbye.") }

// settle goes on after something that took its time.
func (s *session) settle() {
	switch {
	case s.over:
	case s.quitting && !s.busy() && s.server.draining:
		s.goodbye(421, "The server is going down.")
	case s.quitting && !s.busy():
		s.goodbye(221, "Goodbye.")
	default:
		s.proceed()
	}
}
