// Package calibrate proves the instrument on one machine: it holds what the
// load generator says against servers whose every delay is known (package
// truthd), and says how long one CPU takes to wake another, below which no
// latency means anything.
//
// Each check is a pure function from the server's log, the generator's log and
// report, and the floor, to a results.Truth, so that a generator that measures
// wrongly can be shown to fail it (the tests do, in virtual time).
//
// A check can fail because the machine was disturbed: a hypervisor takes a CPU
// for a millisecond now and then. The certificate tells such times apart from a
// fault of the instrument by what a bare loop, that does nothing but read the
// clock, could not avoid on the same CPU (truthd.Pauses); how often a correct
// instrument fails by chance, on such a machine, stands beside each check.
package calibrate
