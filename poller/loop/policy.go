package loop

import (
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
)

// Buffers say what a connection's bytes wait in. Sizes are in bytes.
type Buffers struct {
	// In and Out are those in user space: a power of two from MinBuffer to
	// MaxBuffer; 0 means DefaultBuffer. In bounds what one Received shows; over
	// Out bytes queued the loop stops reading, and a producer is asked for so
	// many at a time.
	In, Out int
	// Receive and Send are SO_RCVBUF and SO_SNDBUF (socket(7); Linux takes twice
	// as much). 0 leaves the kernel's own tuning on, which any size turns off.
	Receive, Send int
	// Owned: the connection has its buffers as long as it lives. Otherwise it
	// takes them from the loop while there are bytes in them. On goroutines the in
	// buffer is always the connection's, as a read that waits needs one.
	Owned bool
	// Auto: Out begins at AutoLeast and follows what the peer takes, as does what
	// waits in the kernel: see auto.go. The Out here is then of no account.
	Auto bool
}

// NetworkBuffers are the buffers of connections with peers of a network.
type NetworkBuffers struct {
	Network netip.Prefix
	Buffers Buffers
}

// MaxNetworks bounds Config.Networks: a connection keeps which of them it is of in
// three bits.
const MaxNetworks = 7

func (b *Buffers) complete() error {
	for _, f := range []struct {
		name string
		size *int
	}{{"in", &b.In}, {"out", &b.Out}} {
		if *f.size == 0 {
			*f.size = DefaultBuffer
		}
		if n := *f.size; n < MinBuffer || n > MaxBuffer || n&(n-1) != 0 {
			return fmt.Errorf("%s buffer of %d bytes: give a power of two from %d to %d", f.name, n, MinBuffer, MaxBuffer)
		}
	}
	for _, f := range []struct {
		name string
		size int
	}{{"receive", b.Receive}, {"send", b.Send}} {
		if f.size < 0 || f.size > MaxKernelBuffer {
			return fmt.Errorf("%s buffer of %d bytes: give 1 to %d, or 0 for the kernel's own tuning", f.name, f.size, MaxKernelBuffer)
		}
	}
	switch {
	case b.Auto && b.Owned:
		return fmt.Errorf("buffers that are owned and auto: what adapts is taken from the loop; give one of them")
	case b.Auto && b.Send > 0:
		return fmt.Errorf("a send buffer of %d bytes and auto, which bounds what waits in the kernel by itself: give one of them", b.Send)
	}
	return nil
}

// MaxKernelBuffer bounds Buffers.Receive and Send, in bytes. The system may allow
// less (net.core.rmem_max and wmem_max); then listening fails.
const MaxKernelBuffer = 1 << 30

// classes are the kinds of buffers of a configuration: the first is that of peers
// of no network.
func (c *Config) classes() ([]Buffers, error) {
	first := Buffers{In: c.In, Out: c.Out, Receive: c.Receive, Send: c.Send, Owned: c.Owned, Auto: c.Auto}
	if err := first.complete(); err != nil {
		return nil, err
	}
	if len(c.Networks) > MaxNetworks {
		return nil, fmt.Errorf("buffers for %d networks: at most %d can have their own", len(c.Networks), MaxNetworks)
	}
	all := []Buffers{first}
	for i, n := range c.Networks {
		if !n.Network.IsValid() || n.Network != n.Network.Masked() {
			return nil, fmt.Errorf("buffers for %v: give a network, such as 10.0.0.0/8", n.Network)
		}
		if slices.ContainsFunc(c.Networks[:i], func(o NetworkBuffers) bool { return o.Network == n.Network }) {
			return nil, fmt.Errorf("buffers for %v: it has some already", n.Network)
		}
		b := n.Buffers
		if err := b.complete(); err != nil {
			return nil, fmt.Errorf("buffers for %v: %w", n.Network, err)
		}
		all = append(all, b)
	}
	return all, nil
}

// class is the number of the buffers for a peer: of the networks that it is in the
// narrowest counts.
func (l *Loop) class(peer netip.Addr) uint8 {
	peer = peer.Unmap()
	found, narrowest := 0, -1
	for i, n := range l.cfg.Networks {
		if n.Network.Bits() > narrowest && n.Network.Contains(peer) {
			found, narrowest = i+1, n.Network.Bits()
		}
	}
	return uint8(found)
}

// sameInKernel says whether all connections have the same buffers in the kernel,
// which they then inherit from the listener.
func (l *Loop) sameInKernel() bool {
	for _, b := range l.buffersOf[1:] {
		if first := l.buffersOf[0]; b.Receive != first.Receive || b.Send != first.Send || b.Auto != first.Auto {
			return false
		}
	}
	return true
}

// largestIn is the largest in size.
func (l *Loop) largestIn() int {
	largest := 0
	for _, b := range l.buffersOf {
		largest = max(largest, b.In)
	}
	return largest
}

// features are a byte of a connection. Idle connections are counted in bytes, and
// this is the last one of their size class.
type features uint8

const (
	// accepted: by a listener that is not Unbounded, not dialled.
	accepted   features = 1
	classShift          = 1 // which buffers it has
	classMask           = MaxNetworks << classShift
	stepShift           = 4 // of auto: see Conn.step
	boundShift          = 6 // of auto: see Conn.bound
)

// accepted says that the connection has a place of Config.MaxConnections.
func (c *Conn) accepted() bool { return c.features&accepted != 0 }

// kind are the connection's buffers as configured.
func (c *Conn) kind() *Buffers { return &c.loop.buffersOf[c.features&classMask>>classShift] }

// Buffers are those of the connection; of auto with the Out of this moment.
func (c *Conn) Buffers() Buffers {
	b := *c.kind()
	b.Out = c.OutSize()
	return b
}

// InSize bounds what one Received shows, in bytes.
func (c *Conn) InSize() int { return c.kind().In }

// OutSize is the size of the connection's output buffers, of auto at this moment:
// over so many bytes queued the loop stops reading.
func (c *Conn) OutSize() int {
	b := c.kind()
	if b.Auto {
		return autoSize(c.step())
	}
	return b.Out
}

// furnish gives a connection that has just been accepted or is about to be dialled
// its class, and where that owns buffers these.
func (c *Conn) furnish(peer func() netip.Addr) {
	l := c.loop
	if len(l.cfg.Networks) > 0 {
		c.features |= features(l.class(peer()) << classShift)
	}
	b := c.kind()
	if !b.Owned {
		return
	}
	switch l.info.Engine {
	case "readiness", "sim":
		c.rest = l.buffers.take(b.In)[:0]
	}
	o := c.output()
	o.owned, o.own, o.resting = true, l.buffers.take(b.Out), true
}

// bufferSizes is how many sizes buffers in user space may have.
const bufferSizes = 12

// sizeIndex numbers the sizes of buffers, from 0.
func sizeIndex(size int) int { return bits.Len(uint(size)) - bits.Len(MinBuffer) }
