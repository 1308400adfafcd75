package results

import "math"

// sizeUnit is a unit of memory.
type sizeUnit struct {
	size float64 // in bytes
	name string
}

var sizeUnits = []sizeUnit{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}}

// byteUnit is the largest unit that v bytes have at least one of.
func byteUnit(v float64) sizeUnit {
	for _, u := range sizeUnits {
		if v >= u.size {
			return u
		}
	}
	return sizeUnit{1, ""}
}

// bytesLabel writes bytes on an axis, in the largest unit in which the number
// stays short: 512, 4 KiB, 1.5 MiB.
func bytesLabel(v float64) string {
	for _, u := range sizeUnits {
		if hundredths := roundBits(100 * v / u.size); v >= u.size && hundredths == math.Trunc(hundredths) {
			return plainNumber(v/u.size) + " " + u.name
		}
	}
	return plainNumber(v)
}
