package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"medusa/servers/users"
)

type passwdCmd struct {
	File   string `arg:"" help:"File of users, for 'medusa serve --users'; it is made if it is missing." placeholder:"FILE"`
	Name   string `arg:"" help:"Who may log in." placeholder:"NAME"`
	Root   string `help:"Directory that the user sees; without, that of 'medusa serve --root'." placeholder:"DIR"`
	Write  bool   `help:"Let the user change files."`
	Delete bool   `help:"Take the user out of the file."`
}

func (passwdCmd) Help() string {
	return `The password is asked for twice on a terminal; else it is the first line of
standard input. The file keeps a hash of it (bcrypt). A server reads the file when
it starts.

  medusa passwd users ann --root /srv/ftp --write
  printf 'secret\n' | medusa passwd users bob
  medusa serve --ftp 127.0.0.1:2121 --root /srv/ftp --users users`
}

func (c passwdCmd) Run(s streams) error {
	if c.Delete {
		if c.Root != "" || c.Write {
			return usage(errors.New("--delete stands alone"))
		}
		return users.Remove(c.File, c.Name)
	}
	if c.Root != "" {
		info, err := os.Stat(c.Root)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no directory", c.Root)
		}
		if err == nil { // the server may be started elsewhere
			c.Root, err = filepath.Abs(c.Root)
		}
		if err != nil {
			return fmt.Errorf("--root: %w", err)
		}
	}
	password, err := askPassword(s)
	if err != nil {
		return err
	}
	u, err := users.New(c.Name, password, c.Root, c.Write)
	if err != nil {
		return usage(err)
	}
	return users.Set(c.File, u)
}

// askPassword asks on a terminal, without echo, or reads a line.
func askPassword(s streams) (string, error) {
	if f, ok := s.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		var answers [2]string
		for i, prompt := range []string{"Password: ", "Again: "} {
			fmt.Fprint(os.Stderr, prompt)
			p, err := term.ReadPassword(int(f.Fd()))
			fmt.Fprintln(os.Stderr)
			if err != nil {
				return "", fmt.Errorf("password: %w", err)
			}
			answers[i] = string(p)
		}
		if answers[0] != answers[1] {
			return "", errors.New("the passwords differ: nothing was changed")
		}
		return answers[0], nil
	}
	line, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("password: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), nil
}
