package loadgen

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// sizePlace stands in a path for a size of the mix.
const sizePlace = "{bytes}"

// mix is sizes in bytes, each with a weight, of which one is drawn for each
// transfer. What is drawn comes from a seed.
type mix struct {
	sizes   []int64
	upto    []float64 // weights, added up
	random  *rand.Rand
	pattern string
}

// maxFile bounds the size of a file that is asked for or stored, in bytes.
const maxFile = 1 << 40

// parseMix reads "SIZE=WEIGHT,..."; a weight is a number over 0.
func parseMix(text string) (*mix, error) {
	m := &mix{pattern: text}
	sum := 0.0
	for _, item := range strings.Split(text, ",") {
		name, weight, ok := strings.Cut(strings.TrimSpace(item), "=")
		var size Bytes
		w, err := strconv.ParseFloat(weight, 64)
		if !ok || err != nil || !(w > 0 && w < 1e9) || size.UnmarshalText([]byte(name)) != nil || size < 1 || size > maxFile {
			return nil, fmt.Errorf("--mix %q: %q is not SIZE=WEIGHT; give such as 1KiB=70,1MiB=30", text, item)
		}
		sum += w
		m.sizes, m.upto = append(m.sizes, int64(size)), append(m.upto, sum)
	}
	return m, nil
}

// MixSizes are the sizes of a mix, in bytes.
func MixSizes(text string) ([]int64, error) {
	m, err := parseMix(text)
	if err != nil {
		return nil, err
	}
	return m.sizes, nil
}

// seed begins what is drawn anew.
func (m *mix) seed(seed uint64) { m.random = rand.New(rand.NewPCG(seed, 0x6d6978)) }

// draw is the size of the next transfer.
func (m *mix) draw() int64 {
	at := m.random.Float64() * m.upto[len(m.upto)-1]
	for i, upto := range m.upto {
		if at < upto {
			return m.sizes[i]
		}
	}
	return m.sizes[len(m.sizes)-1]
}
