//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package doctor

// Look adds what this system tells beside what a run records anyway: nothing
// that needs no privileges and no parsing of tables.
func Look(*Facts, string, int) {}
