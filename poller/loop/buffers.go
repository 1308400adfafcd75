package loop

import "math/bits"

// buffers are the loop's free buffers, a list for each power of two.
// Connections take one while they have bytes in hand and give it back at
// once, so an idle connection owns none, unless its policy says so.
type buffers struct {
	free    [32][][]byte // by log2 of the size
	outputs []*output
	held    int64 // bytes in hand: taken and not given back
	auto    int64 // of these, in output buffers of Buffers.Auto
}

// keep bounds the buffers of a size that are kept free; more are left to the
// collector.
const keep = 1024

func (b *buffers) take(size int) []byte {
	b.held += int64(size)
	list := &b.free[bits.Len(uint(size))-1]
	if n := len(*list); n > 0 {
		buf := (*list)[n-1]
		*list = (*list)[:n-1]
		return buf
	}
	return make([]byte, size)
}

func (b *buffers) give(buf []byte) {
	if buf == nil {
		return
	}
	buf = buf[:cap(buf)]
	b.held -= int64(len(buf))
	if list := &b.free[bits.Len(uint(len(buf)))-1]; len(*list) < keep {
		*list = append(*list, buf)
	}
}

func (b *buffers) takeOutput() *output {
	if n := len(b.outputs); n > 0 {
		o := b.outputs[n-1]
		b.outputs = b.outputs[:n-1]
		return o
	}
	return &output{segments: make([]segment, 0, 2)}
}

func (b *buffers) giveOutput(o *output) {
	o.auto, o.owned, o.own, o.resting = auto{}, false, nil, false
	if len(b.outputs) < keep && cap(o.segments) <= 64 {
		b.outputs = append(b.outputs, o)
	}
}
