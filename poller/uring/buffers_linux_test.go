package uring

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
)

// group makes a group of buffers of which given are in circulation.
func (b *bench) group(id uint16, count, size, given int) *Buffers {
	b.Helper()
	g, err := b.NewBuffers(id, count, size)
	b.must(err)
	b.Cleanup(func() { b.must(g.Close()) })
	if n := g.Grow(given); n != given || g.Given() != given {
		b.Fatalf("Grow(%d) is %d, %d are in circulation", given, n, g.Given())
	}
	g.Publish()
	return g
}

// bytes is what a completion says was received.
func (b *bench) bytes(g *Buffers, c CQE) []byte {
	b.Helper()
	id, ok := c.Buffer()
	if !ok || c.Res <= 0 {
		b.Fatalf("%+v, want a buffer", c)
	}
	return g.Bytes(id, int(c.Res))
}

// give gives back the buffer of a completion.
func (b *bench) give(g *Buffers, c CQE) {
	id, _ := c.Buffer()
	g.Give(id)
	g.Publish()
}

func TestBuffersAreReceivedInto(t *testing.T) {
	b := open(t, Options{Entries: 8})
	g := b.group(3, 4, 16, 4)
	if g.Size() != 16 {
		t.Errorf("Size is %d", g.Size())
	}
	x, y := b.pair()
	b.next(7).RecvGroup(x, 3, true)
	b.quiet("a receive of nothing")

	b.write(y, []byte("hello"))
	c := b.one(7)
	got := b.bytes(g, c)
	if string(got) != "hello" || !c.More() || cap(got) != 16 {
		t.Fatalf("%q of %d, %+v", got, cap(got), c)
	}
	b.give(g, c)

	// More than a buffer holds comes in several, in order, and the kernel says
	// so of all but the last.
	text := []byte("0123456789abcdefghijklmnopqrstuvwxyz")
	b.write(y, text)
	var all []byte
	list := b.await(3)
	for i, c := range list {
		all = append(all, b.bytes(g, c)...)
		if last := i == len(list)-1; c.NonEmpty() == last || !c.More() {
			t.Errorf("number %d: non-empty %v, more %v", i, c.NonEmpty(), c.More())
		}
		b.give(g, c)
	}
	if !bytes.Equal(all, text) {
		t.Errorf("received %q", all)
	}

	// The end takes no buffer, and is the last of it.
	b.shut(y)
	if c := b.one(7); c.Res != 0 || c.More() {
		t.Errorf("the end: %+v", c)
	} else if id, ok := c.Buffer(); ok {
		t.Errorf("the end took buffer %d", id)
	}
	if g.Given() != 4 {
		t.Errorf("%d are in circulation", g.Given())
	}
}

// TestBuffersRunOut: the receive ends with ENOBUFS, everything that was there
// before is received, and a new one goes on with what is left.
func TestBuffersRunOut(t *testing.T) {
	for _, multishot := range []bool{true, false} {
		t.Run(fmt.Sprint("multishot ", multishot), func(t *testing.T) {
			b := open(t, Options{Entries: 8})
			g := b.group(0, 8, 8, 0)
			x, y := b.pair()
			b.next(7).RecvGroup(x, 0, multishot)
			b.write(y, []byte("11111111222222223333"))
			if c := b.one(7); c.Err() != unix.ENOBUFS || c.More() {
				t.Fatalf("without any: %+v, want ENOBUFS", c)
			}
			b.quiet("after ENOBUFS")

			g.Grow(2)
			g.Publish()
			if multishot {
				b.next(8).RecvGroup(x, 0, true)
				got := b.await(3)
				if string(b.bytes(g, got[0])) != "11111111" || string(b.bytes(g, got[1])) != "22222222" || !got[1].More() {
					t.Fatalf("%+v", got)
				}
				if got[2].Err() != unix.ENOBUFS || got[2].More() {
					t.Fatalf("with two: %+v, want ENOBUFS at last", got[2])
				}
				b.give(g, got[1])
			} else {
				for _, want := range []string{"11111111", "22222222"} {
					b.next(8).RecvGroup(x, 0, false)
					if c := b.one(8); string(b.bytes(g, c)) != want || c.More() {
						t.Fatalf("%+v, want %q", c, want)
					}
				}
				if n := g.Grow(1); n != 1 {
					t.Fatalf("Grow is %d", n)
				}
				g.Publish()
			}
			b.next(9).RecvGroup(x, 0, multishot)
			got := b.enter()
			if len(got) == 0 || string(b.bytes(g, got[0])) != "3333" {
				t.Fatalf("after a refill: %+v", got)
			}
		})
	}
}

// TestBuffersGrow puts no more into circulation than there are.
func TestBuffersGrow(t *testing.T) {
	b := open(t, Options{Entries: 8})
	g := b.group(0, 8, 8, 3)
	for _, c := range []struct{ ask, get, given int }{{0, 0, 3}, {2, 2, 5}, {100, 3, 8}, {1, 0, 8}} {
		if n := g.Grow(c.ask); n != c.get || g.Given() != c.given {
			t.Errorf("Grow(%d) is %d with %d in circulation, want %d with %d", c.ask, n, g.Given(), c.get, c.given)
		}
	}
}

// TestBuffersInTheirOrder gives them back in an order of its own, again and
// again, past the end of the 16-bit tail, with the tail published after one or
// after several; they are used in just that order, and each holds what was sent.
func TestBuffersInTheirOrder(t *testing.T) {
	for _, count := range []int{1, 8, 64} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			b := open(t, Options{Entries: 8})
			g := b.group(0, count, 8, count)
			x, y := b.pair()
			rng := rand.New(rand.NewPCG(3, uint64(count)))
			var order []uint16 // in which the kernel has to use them
			for i := range count {
				order = append(order, uint16(i))
			}
			var held []uint16
			message := make([]byte, 8)
			for n := 0; n < 1<<16+1000; {
				for range 1 + rng.IntN(len(order)) {
					for i := range message {
						message[i] = byte(n >> (i % 4 * 8))
					}
					b.write(y, message)
					b.Next().RecvGroup(x, 0, false)
					got := b.enter()
					if len(got) != 1 || !bytes.Equal(b.bytes(g, got[0]), message) {
						t.Fatalf("number %d: %+v", n, got)
					}
					if id, _ := got[0].Buffer(); id != order[0] {
						t.Fatalf("number %d used buffer %d, want %d", n, id, order[0])
					}
					held, order = append(held, order[0]), order[1:]
					n++
				}
				rng.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
				for k := 1 + rng.IntN(len(held)); k > 0; k-- {
					g.Give(held[0])
					order, held = append(order, held[0]), held[1:]
					if rng.IntN(4) == 0 {
						g.Publish()
					}
				}
				g.Publish()
			}
		})
	}
}

// TestBuffersAreHidden until they are published: what was given to slot 0, which
// shares its word with the tail, included.
func TestBuffersAreHidden(t *testing.T) {
	b := open(t, Options{Entries: 8})
	g := b.group(0, 1, 8, 0)
	x, y := b.pair()
	b.write(y, []byte("x"))
	for range 3 {
		if g.Given() == 0 {
			g.Grow(1)
		} else {
			g.Give(0)
		}
		b.Next().RecvGroup(x, 0, false)
		if got := b.enter(); len(got) != 1 || got[0].Err() != unix.ENOBUFS {
			t.Fatalf("before Publish: %+v, want ENOBUFS", got)
		}
		g.Publish()
		b.Next().RecvGroup(x, 0, false)
		if got := b.enter(); len(got) != 1 || string(b.bytes(g, got[0])) != "x" {
			t.Fatalf("after Publish: %+v", got)
		}
		b.write(y, []byte("x"))
	}
}

// TestGroupsAreApart: several groups, of several sizes, beside each other.
func TestGroupsAreApart(t *testing.T) {
	b := open(t, Options{Entries: 8})
	x, y := b.pair()
	for i, size := range []int{1, 8, 4096, 1 << 20} {
		g := b.group(uint16(i), 2, size, 1)
		text := bytes.Repeat([]byte{byte('a' + i)}, min(size, 1000))
		b.write(y, text)
		b.Next().RecvGroup(x, uint16(i), false)
		if got := b.enter(); len(got) != 1 || !bytes.Equal(b.bytes(g, got[0]), text) {
			t.Fatalf("group %d: %+v", i, got)
		}
	}
}

func TestBuffersRefused(t *testing.T) {
	b := open(t, Options{Entries: 8})
	for _, c := range []struct{ count, size int }{{0, 8}, {-1, 8}, {3, 8}, {65536, 8}, {8, 0}, {8, -1}} {
		if _, err := b.NewBuffers(0, c.count, c.size); err == nil {
			t.Errorf("%d buffers of %d bytes were made", c.count, c.size)
		}
	}
	b.group(5, 8, 8, 0)
	if _, err := b.NewBuffers(5, 8, 8); !errors.Is(err, unix.EEXIST) {
		t.Errorf("a group twice: %v, want EEXIST", err)
	}
	g, err := b.NewBuffers(6, 8, 8)
	b.must(err)
	b.must(g.Close())
	b.must(g.Close())
	g, err = b.NewBuffers(6, 8, 8)
	b.must(err)
	b.must(g.Close())
}

// TestBuffersOfAClosedGroup: a receive that still refers to it ends, and writes
// nothing anywhere.
func TestBuffersOfAClosedGroup(t *testing.T) {
	b := open(t, Options{Entries: 8})
	g, err := b.NewBuffers(0, 8, 8)
	b.must(err)
	g.Grow(8)
	g.Publish()
	x, y := b.pair()
	b.next(7).RecvGroup(x, 0, true)
	b.quiet("a receive of nothing")
	b.must(g.Close())
	b.write(y, []byte("x"))
	if c := b.one(7); c.Err() != unix.ENOBUFS || c.More() {
		t.Errorf("%+v, want ENOBUFS", c)
	}
}
