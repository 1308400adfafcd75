package loadgen

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"medusa/poller/loop"
)

func TestReadTrace(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       []loop.Time
		wrong      string // part of the error
	}{
		{"times", "0\n0.5\n0.5\n1.000000001\n", []loop.Time{0, 5e8, 5e8, 1e9 + 1}, ""},
		{"no end of line", "1\n2", []loop.Time{1e9, 2e9}, ""},
		{"comments and blanks", "# a trace\n\n 1.5 # the first\r\n\t2\t\n#3\n", []loop.Time{15e8, 2e9}, ""},
		{"exponents", "1e-9\n2.5E-3\n+1e1\n", []loop.Time{1, 25e5, 10e9}, ""},
		{"finer than a nanosecond", "0.0000000004\n0.1234567896\n", []loop.Time{0, 123456790}, ""},
		{"every nanosecond of a day", "86399.999999998\n86399.999999999\n86400", []loop.Time{86399_999999998, 86399_999999999, 86400e9}, ""},
		{"nothing", "", nil, "no arrivals"},
		{"comments only", "# 1\n\n", nil, "no arrivals"},
		{"backwards", "1\n# comment\n2\n1.9\n", nil, "line 4: 1.9 is before the arrival above it"},
		{"negative", "0\n-1\n", nil, "line 2: -1 s: give a time from 0 to 86400"},
		{"after a day", "86400.000000001", nil, "line 1: 86400.000000001 s: give a time"},
		{"words", "1\nnow\n", nil, `line 2: "now" is no time`},
		{"two columns", "1 2\n", nil, `line 1: "1 2" is no time`},
		{"comma", "1,5\n", nil, `"1,5" is no time`},
		{"infinite", "inf\n", nil, `"inf" is no time`},
		{"too large for a number", "1e999\n", nil, `"1e999" is no time`},
		{"not a number", "NaN\n", nil, `"NaN" is no time`},
		{"hexadecimal", "0x1p4\n", nil, `"0x1p4" is no time`},
		{"long word", strings.Repeat("9", 1000), nil, `line 1: "` + strings.Repeat("9", 40) + `..."`},
		{"long line", "1\n" + strings.Repeat(" ", 100_000), nil, "line 2: too long"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadTrace(strings.NewReader(tc.text))
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v, want a line with %q", err, tc.wrong)
				}
				return
			}
			if err != nil || !slices.Equal(got.Times, tc.want) {
				t.Errorf("%v, %v; want %v", got, err, tc.want)
			}
		})
	}
}

// The hash is that of the file, as sha256sum prints it.
func TestTraceHash(t *testing.T) {
	t.Parallel()
	const text, want = "# a\n1\n2\n", "f59cf704ed1b399f12ac68a7e85d89594d5b4798d69f209873b1c93fedab0da4"
	a, err := ReadTrace(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if a.SHA256 != want {
		t.Errorf("%s, want %s", a.SHA256, want)
	}
}

func TestTraceMisused(t *testing.T) {
	t.Parallel()
	trace := &Trace{Times: []loop.Time{0, 2e9}}
	for _, tc := range []struct {
		change func(*Spec)
		want   string
	}{
		{func(*Spec) {}, ""},
		{func(s *Spec) { s.Schedule.Trace = nil }, "give the file of their times with --trace"},
		{func(s *Spec) { s.Schedule.Rate = 5 }, "a trace has its own rate"},
		{func(s *Spec) { s.Schedule.Arrivals, s.Schedule.Rate = Poisson, 5 }, "give --arrivals trace"},
		{func(s *Spec) { s.Schedule.Arrivals = Poisson }, "give --arrivals trace"},
		{func(s *Spec) { s.Closed = true }, "--closed and a trace"},
		{func(s *Spec) { s.Warmup += 1 }, "--trace: its last arrival is at 2s, warm-up and window take 2.000000001s"},
	} {
		s := Default()
		s.URL, s.Warmup, s.Duration = "raw://127.0.0.1:1", time.Second, time.Second
		s.Schedule.Arrivals, s.Schedule.Trace = Traced, trace
		tc.change(&s)
		err := s.Check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v, want %q", err, tc.want)
		}
	}
}

// Any file is read or refused in a line that says where; what was read is in
// order and in range, and read again from its own times it is the same.
func FuzzReadTrace(f *testing.F) {
	for _, seed := range []string{"0\n1\n", "# c\n1e-9 # x\r\n", "2\n1\n", "inf", "0x1p-2", "86400.0000000001", "\xff\n", "1_0\n", "9e-324\n-0\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := ReadTrace(bytes.NewReader(text))
		if err != nil {
			if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "line ") && !strings.HasPrefix(err.Error(), "no arrivals") {
				t.Fatalf("%q", err)
			}
			return
		}
		if len(got.Times) == 0 || !slices.IsSorted(got.Times) || got.Times[0] < 0 || got.End() > maxDuration {
			t.Fatalf("read %v", got.Times)
		}
		var b strings.Builder
		for _, at := range got.Times {
			fmt.Fprintf(&b, "%d.%09d\n", at/1e9, at%1e9)
		}
		again, err := ReadTrace(strings.NewReader(b.String()))
		if err != nil || !slices.Equal(again.Times, got.Times) {
			t.Fatalf("%v, and again %v (%v)", got.Times, again, err)
		}
	})
}
