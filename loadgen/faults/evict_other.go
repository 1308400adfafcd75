//go:build !linux

package faults

import (
	"errors"
	"os"
)

var errNoEvict = errors.New("--evict: a file can be dropped from the page cache, and seen to be, on Linux only")

func openCold(string) (*os.File, error) { return nil, errNoEvict }

func evict(*os.File) error { return errNoEvict }
