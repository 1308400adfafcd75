//go:build !linux

package peers

import (
	"errors"
	"io"
	"os"
)

// Missing is why no peer can be run on this system.
const Missing = "other programs are measured through Linux's /proc, which this system does not have"

// Generate refuses: see Missing.
func Generate(<-chan os.Signal, Load, io.Reader, io.Writer) error { return errors.New(Missing) }

// Run refuses: see Missing.
func Run(<-chan os.Signal, Config, io.Reader, io.Writer) error { return errors.New(Missing) }
