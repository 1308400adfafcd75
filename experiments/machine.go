package experiments

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"medusa/results"
)

// machineFacts gathers the facts of the machine. binary is the server binary
// that is hashed; version names this program.
func machineFacts(binary, version string, backends []BackendInfo) results.Machine {
	soft, hard := noFileLimits()
	m := results.Machine{
		UnixNs: time.Now().UnixNano(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), NoFileSoft: soft, NoFileHard: hard,
		GoVersion: runtime.Version(), Medusa: version, Backends: map[string]string{},
	}
	if m.Medusa == "" {
		m.Medusa = revision()
	}
	for _, b := range backends {
		m.Backends[b.Name] = b.Why
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Version[:])
	} else {
		m.Unknown = append(m.Unknown, "kernel")
	}
	if sum, err := fileHash(binary); err == nil {
		m.BinarySHA256 = sum
	} else {
		m.Unknown = append(m.Unknown, "binary_sha256")
	}
	systemFacts(&m)
	return m
}

func fileHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// revision is the version of the program as the Go tool stamped it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version, dirty := info.Main.Version, ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			version = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " (modified)"
		}
	}
	return version + dirty
}
