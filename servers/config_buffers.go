package servers

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"medusa/poller/loop"
)

// BuffersHelp says what Config.Buffers may be.
const BuffersHelp = "give entries such as 'default=4KiB; 10.0.0.0/8=256KiB; 127.0.0.0/8=auto': each a size, auto, or some of in=SIZE, out=SIZE, receive=SIZE, send=SIZE, owned, auto, with commas between"

// BuffersSpec is what Config.Buffers takes for a policy given alone, which is that
// of all: default=POLICY. What has a name already stays as it is.
func BuffersSpec(text string) string {
	first, _, _ := strings.Cut(text, ";")
	name, _, _ := strings.Cut(strings.TrimSpace(first), "=")
	if name = strings.TrimSpace(name); name == "default" || name == "budget" {
		return text
	}
	if _, err := parseNetwork(name); err == nil {
		return text
	}
	return "default=" + text
}

// CheckBuffers says what is wrong with a text that BuffersSpec takes.
func CheckBuffers(text string) error {
	c := loop.Config{Backend: "poll"}
	if err := parseBuffers(BuffersSpec(text), &c); err != nil {
		return err
	}
	return c.Check()
}

// parseBuffers finds out what a text says of buffers and puts it into c, which
// has what --in and --out say.
//
// Entries are separated by semicolons. The name of each is `default`, a network or
// an address of peers (the narrowest counts), or `budget`: the memory of all output
// buffers that are auto. What an entry leaves out is as it is by default, which is
// 16 KiB in and out, taken from the loop, and the kernel's own tuning.
func parseBuffers(text string, c *loop.Config) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	bad := func(entry string, err error) error {
		return fmt.Errorf("buffers %q: %w", strings.TrimSpace(entry), err)
	}
	seen := map[string]bool{}
	for _, entry := range strings.Split(text, ";") {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		name, value, ok := strings.Cut(entry, "=")
		name = strings.TrimSpace(name)
		if !ok {
			return bad(entry, errors.New(BuffersHelp))
		}
		if seen[name] {
			return bad(entry, fmt.Errorf("%s was given before", name))
		}
		seen[name] = true
		if name == "budget" {
			size, err := parseSize(value)
			if err != nil {
				return bad(entry, err)
			}
			c.AutoBudget = int64(size)
			continue
		}
		b, err := parsePolicy(value)
		if err != nil {
			return bad(entry, err)
		}
		if name == "default" {
			if c.In != 0 || c.Out != 0 {
				return bad(entry, errors.New("in and out are given apart as well; give one of them"))
			}
			c.In, c.Out, c.Receive, c.Send, c.Owned, c.Auto = b.In, b.Out, b.Receive, b.Send, b.Owned, b.Auto
			continue
		}
		network, err := parseNetwork(name)
		if err != nil {
			return bad(entry, err)
		}
		c.Networks = append(c.Networks, loop.NetworkBuffers{Network: network, Buffers: b})
	}
	return nil
}

// parsePolicy reads what an entry gives.
func parsePolicy(text string) (b loop.Buffers, err error) {
	for _, item := range strings.Split(text, ",") {
		item = strings.TrimSpace(item)
		key, value, named := strings.Cut(item, "=")
		var size int
		if named || item != "" && item[0] >= '0' && item[0] <= '9' {
			if !named {
				key, value = "", item
			}
			if size, err = parseSize(value); err != nil {
				return b, err
			}
		}
		switch strings.TrimSpace(key) {
		case "":
			if !named && item == "" {
				return b, errors.New(BuffersHelp)
			}
			b.In, b.Out = size, size
		case "in":
			b.In = size
		case "out":
			b.Out = size
		case "receive":
			b.Receive = size
		case "send":
			b.Send = size
		case "owned":
			b.Owned = true
		case "auto":
			b.Auto = true
		default:
			return b, fmt.Errorf("%q: %s", item, BuffersHelp)
		}
		if b.Auto && b.Out != 0 {
			return b, errors.New("auto has no size of its own for out; give in=SIZE beside it, or one of them")
		}
	}
	return b, nil
}

// parseNetwork reads a network, or an address, which is a network of one.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return network, fmt.Errorf("%q is not default, budget, or a network such as 10.0.0.0/8", text)
	}
	if network != network.Masked() {
		return network, fmt.Errorf("%v has bits beyond its length: the network is %v", network, network.Masked())
	}
	return network, nil
}

// parseSize reads a number of bytes, of KiB or of MiB.
func parseSize(text string) (int, error) {
	text = strings.TrimSpace(text)
	digits, factor := text, 1
	for _, u := range []struct {
		suffix string
		factor int
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"B", 1}} {
		if before, ok := strings.CutSuffix(text, u.suffix); ok {
			digits, factor = strings.TrimSpace(before), u.factor
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n == 0 || n > (1<<30)/uint64(factor) {
		return 0, fmt.Errorf("%q is not a size: give bytes, such as 4096, 4KiB or 1MiB", text)
	}
	return int(n) * factor, nil
}
