package servers

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"medusa/poller/loop"
)

func TestParseBuffers(t *testing.T) {
	network := netip.MustParsePrefix
	for text, want := range map[string]loop.Config{
		"":             {},
		"default=4KiB": {In: 4096, Out: 4096},
		" default = 512 ; 10.0.0.0/8=256KiB; 127.0.0.1=auto;budget=1MiB;": {
			In: 512, Out: 512, AutoBudget: 1 << 20,
			Networks: []loop.NetworkBuffers{
				{Network: network("10.0.0.0/8"), Buffers: loop.Buffers{In: 256 << 10, Out: 256 << 10}},
				{Network: network("127.0.0.1/32"), Buffers: loop.Buffers{Auto: true}},
			},
		},
		"default=in=8KiB,auto":                     {In: 8192, Auto: true},
		"default=out=64KiB,owned,send=100000":      {Out: 64 << 10, Owned: true, Send: 100_000},
		"default=16KiB, receive = 20 KiB ,out=512": {In: 16 << 10, Out: 512, Receive: 20 << 10},
		"fe80::/10=auto":                           {Networks: []loop.NetworkBuffers{{Network: network("fe80::/10"), Buffers: loop.Buffers{Auto: true}}}},
	} {
		var got loop.Config
		if err := parseBuffers(text, &got); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestParseBuffersRefused(t *testing.T) {
	for text, want := range map[string]string{
		"4KiB":                               `buffers "4KiB": give entries such as`,
		"default=":                           "give entries",
		"default=4kB":                        `"4kB" is not a size`,
		"default=0":                          `"0" is not a size`,
		"default=99999MiB":                   "is not a size",
		"default=huge":                       `"huge": give entries`,
		"default=out=":                       `"" is not a size`,
		"default=auto,out=4KiB":              "auto has no size of its own for out",
		"default=4KiB,auto":                  "auto has no size of its own for out",
		"default=512;default=1024":           "default was given before",
		"budget=x":                           `"x" is not a size`,
		"10.0.0.1/8=auto":                    "10.0.0.1/8 has bits beyond its length: the network is 10.0.0.0/8",
		"lan=auto":                           `"lan" is not default, budget, or a network`,
		"10.0.0.0/8=auto;10.0.0.0/8=4KiB":    "10.0.0.0/8 was given before",
		"127.0.0.1=auto; 127.0.0.1/32 =4KiB": "it has some already",
		"default=1000":                       "in buffer of 1000 bytes: give a power of two",
		"default=owned,auto":                 "owned and auto",
	} {
		cfg := Config{Backend: "poll", Raw: "127.0.0.1:0", Buffers: text}
		if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	both := Config{Backend: "poll", Raw: "127.0.0.1:0", Buffers: "default=4KiB", Out: 1024}
	if err := both.Check(); err == nil || !strings.Contains(err.Error(), "give one of them") {
		t.Errorf("two sizes by default: %v", err)
	}
}

func TestBuffersSpec(t *testing.T) {
	for text, want := range map[string]string{
		"auto": "default=auto", "512": "default=512", "out=4KiB,send=64KiB": "default=out=4KiB,send=64KiB", "auto;budget=1MiB": "default=auto;budget=1MiB",
		"default=4KiB; 10.0.0.0/8=auto": "default=4KiB; 10.0.0.0/8=auto", "10.0.0.0/8=auto": "10.0.0.0/8=auto", "budget=1MiB": "budget=1MiB",
	} {
		if got := BuffersSpec(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if err := CheckBuffers(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if CheckBuffers("much") == nil || CheckBuffers("1000") == nil {
		t.Error("a policy that makes no sense passes")
	}
}
