package stats

// Williams returns orders of n treatments, 0 to n-1, balanced for position and
// for carry-over from the one just before: over all rows every treatment
// stands in every position equally often, and every treatment directly follows
// every other one equally often. There are n rows for an even n, 2n for an odd
// one; one row for n = 1, none for less.
func Williams(n int) [][]int {
	if n < 1 {
		return nil
	}
	first := make([]int, n) // 0, 1, n-1, 2, n-2, ...
	for i := 1; i < n; i++ {
		if i%2 == 1 {
			first[i] = (i + 1) / 2
		} else {
			first[i] = n - i/2
		}
	}
	var rows [][]int
	for shift := range n {
		row := make([]int, n)
		for i, v := range first {
			row[i] = (v + shift) % n
		}
		rows = append(rows, row)
	}
	if n%2 == 0 || n == 1 {
		return rows
	}
	for _, row := range rows[:n] {
		mirrored := make([]int, n)
		for i, v := range row {
			mirrored[n-1-i] = v
		}
		rows = append(rows, mirrored)
	}
	return rows
}
