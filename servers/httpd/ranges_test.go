package httpd

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestRanges(t *testing.T) {
	t.Parallel()
	type ranges = []byteRange
	var unsatisfiable = ranges{}
	const ten, huge = 10, math.MaxInt64
	tests := []struct {
		field string
		size  int64
		want  ranges // nil: ignored; empty: 416
	}{
		// RFC 9110 section 14.1.2
		{"bytes=0-3", ten, ranges{{0, 4}}},
		{"bytes=9-9", ten, ranges{{9, 1}}},
		{"bytes=9-10", ten, ranges{{9, 1}}},
		{"bytes=4-", ten, ranges{{4, 6}}},
		{"bytes=0-", ten, ranges{{0, 10}}},
		{"bytes=-3", ten, ranges{{7, 3}}},
		{"bytes=-10", ten, ranges{{0, 10}}},
		{"bytes=-11", ten, ranges{{0, 10}}},
		{"bytes=00-003", ten, ranges{{0, 4}}},
		{"bytes=0-0,-1", ten, ranges{{0, 1}, {9, 1}}},
		{"bytes=7-8,0-1", ten, ranges{{7, 2}, {0, 2}}},
		{"bytes= 0-1 ,\t, 3-4 ,", ten, ranges{{0, 2}, {3, 2}}},
		// section 14.1: names of units are case-insensitive.
		{"BYTES=0-3", ten, ranges{{0, 4}}},
		// Beyond the file, and of any size.
		{"bytes=10-", ten, unsatisfiable},
		{"bytes=10-10", ten, unsatisfiable},
		{"bytes=-0", ten, unsatisfiable},
		{"bytes=-0,10-", ten, unsatisfiable},
		{"bytes=10-,0-1", ten, ranges{{0, 2}}},
		{"bytes=99999999999999999999-", ten, unsatisfiable},
		{"bytes=5-99999999999999999999", ten, ranges{{5, 5}}},
		{"bytes=-99999999999999999999", ten, ranges{{0, 10}}},
		{"bytes=9223372036854775806-9223372036854775807", huge, ranges{{huge - 1, 1}}},
		{"bytes=9223372036854775807-", huge, unsatisfiable},
		{"bytes=-1", huge, ranges{{huge - 1, 1}}},
		{"bytes=4294967296-4294967297", 5 << 30, ranges{{4 << 30, 2}}},
		// Malformed, or not of bytes.
		{"", ten, nil},
		{"bytes", ten, nil},
		{"bytes=", ten, nil},
		{"bytes=,", ten, nil},
		{"bytes=-", ten, nil},
		{"bytes=3-2", ten, nil},
		{"bytes=0-1,3-2", ten, nil},
		{"bytes=30-20", ten, nil},
		{"bytes=--1", ten, nil},
		{"bytes=+1-2", ten, nil},
		{"bytes=0x1-2", ten, nil},
		{"bytes=1 - 2", ten, nil},
		{"bytes=1-2-3", ten, nil},
		{"bytes=1", ten, nil},
		{"bytes=a-b", ten, nil},
		{"bytes =0-1", ten, nil},
		{" bytes=0-1", ten, nil},
		{"bytes: 0-1", ten, nil},
		{"bytes=0-1;2-3", ten, nil},
		{"lines=0-1", ten, nil},
		{"none=", ten, nil},
		// An empty file.
		{"bytes=0-", 0, nil},
		{"bytes=-1", 0, nil},
		{"bytes=5-6", 0, nil},
		// Several that overlap or touch (sections 14.2 and 15.3.7.2).
		{"bytes=0-1,2-3", ten, ranges{{0, 4}}},
		{"bytes=4-5,0-1,2-3", ten, ranges{{0, 6}}},
		{"bytes=0-2,2-4", ten, ranges{{0, 5}}},
		{"bytes=3-4,0-9", ten, nil},
		{"bytes=3-4,0-3,8-9", ten, ranges{{0, 5}, {8, 2}}},
		{"bytes=0-1,1-2,2-3", ten, nil},
		{"bytes=0-1,1-2,5-6,6-7", ten, nil},
		{"bytes=0-9,0-9", ten, nil},
		{"bytes=0-,0-", huge, nil},
		{"bytes=0-5,6-9", ten, ranges{{0, 10}}},
	}
	for _, test := range tests {
		got, ok := appendRanges(nil, []byte(test.field), test.size)
		if ok != (test.want != nil) || !slices.Equal(got, test.want) {
			t.Errorf("%q of %d: %v, %t, want %v", test.field, test.size, got, ok, test.want)
		}
	}
}

// TestManyRanges: no more than there is room for.
func TestManyRanges(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{mostRanges: true, mostRanges + 1: false, 1000: false} {
		field := "bytes=" + strings.Repeat(",", n) // empty members count for nothing
		for i := range n {
			field += string(appendContentRange(nil, byteRange{int64(3 * i), 1}, 0)[len("bytes "):])
			field = strings.TrimSuffix(field, "/0") + ","
		}
		var room [mostRanges]byteRange
		got, ok := appendRanges(room[:0], []byte(field), 1<<40)
		if ok != want || ok && (len(got) != n || &got[0] != &room[0]) {
			t.Errorf("%d ranges: %d, %t", n, len(got), ok)
		}
	}
}
