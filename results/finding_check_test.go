package results

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want FindingCheck
		err  string
	}{
		{"slope(a ~ b) > 0", FindingCheck{Column: "a", Factor: "b"}, ""},
		{" slope( a~b | c=x, d = 1 )<0 ", FindingCheck{Column: "a", Factor: "b", Falls: true, Where: []Setting{{"c", "x"}, {"d", "1"}}}, ""},
		{"step(a ~ b at 320) > 0", FindingCheck{Column: "a", Factor: "b", At: 320}, ""},
		{"step( a~b at 30.5 |c=x )<0", FindingCheck{Column: "a", Factor: "b", At: 30.5, Falls: true, Where: []Setting{{"c", "x"}}}, ""},
		{"step(a ~ b at -1) > 0", FindingCheck{}, "no place for a step"},
		{"step(a ~ b at here) > 0", FindingCheck{}, "no place for a step"},
		{"step(a ~ b) > 0", FindingCheck{}, "it must be"},
		{"same_within(5%, f in [x, y] vs z)", FindingCheck{Factor: "f", Levels: []string{"x", "y"}, Base: "z", Margin: .05}, ""},
		{"same_within(2.5 %, f in [epoll-et] vs epoll, n=0)", FindingCheck{Factor: "f", Levels: []string{"epoll-et"}, Base: "epoll", Margin: .025, Where: []Setting{{"n", "0"}}}, ""},
		{"ratio(a: x vs z) > 1.1", FindingCheck{Column: "a", Levels: []string{"x"}, Base: "z", Bound: 1.1}, ""},
		{"ratio( a : epoll-et vs epoll | n = 0 )<.9", FindingCheck{Column: "a", Levels: []string{"epoll-et"}, Base: "epoll", Bound: .9, Falls: true, Where: []Setting{{"n", "0"}}}, ""},
		{"ratio(a: x vs z) > much", FindingCheck{}, "much is no ratio"},
		{"ratio(a: x vs z) > -1", FindingCheck{}, "-1 is no ratio"},
		{"ratio(a: x vs z)", FindingCheck{}, "it must be"},
		{"ratio(a: x vs z | n) > 1", FindingCheck{}, `"n" must be FACTOR=LEVEL`},
		{"slope > 0", FindingCheck{}, "it must be slope(COLUMN"},
		{"", FindingCheck{}, "it must be"},
		{"slope(a ~ b) >= 0", FindingCheck{}, "it must be"},
		{"slope(a ~ b | c) > 0", FindingCheck{}, `"c" must be FACTOR=LEVEL`},
		{"slope(a ~ b | c=x,) > 0", FindingCheck{}, "must be FACTOR=LEVEL"},
		{"same_within(0%, f in [x] vs z)", FindingCheck{}, "no margin"},
		{"same_within(1.2.3%, f in [x] vs z)", FindingCheck{}, "no margin"},
		{"same_within(5%, f in [] vs z)", FindingCheck{}, "empty name"},
		{"same_within(5, f in [x] vs z)", FindingCheck{}, "it must be"},
	} {
		got, err := ParseCheck(c.text)
		if (err == nil) != (c.err == "") || err != nil && (!strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.err)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q is %+v, want %+v", c.text, got, c.want)
		}
	}
}
