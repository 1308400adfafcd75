package loadgen

import "fmt"

// Expected exceedances that a quantile needs: with fewer than drawnFrom it is
// not given, with fewer than publishedFrom it is drawn open.
const (
	publishedFrom = 100
	drawnFrom     = 30
)

// standing is what may be said of a quantile.
type standing uint8

const (
	published standing = iota
	drawnOpen          // 30 to 99 expected exceedances
	missing            // fewer: null, with the reason
	censored           // falls among failures: only known to be at least the timeout
)

// judge applies the publication rule to the quantile q, in thousandths, of n
// requests of which failed failed. rank is the rank of the quantile, from 1,
// among the n-failed survivors in ascending order, as failures are later than
// all; it is 0 for missing and censored. It is the only place of this rule.
func judge(n, failed uint64, q uint64) (s standing, rank uint64, reason string) {
	exceed := n * (1000 - q) // in thousandths
	if exceed < drawnFrom*1000 {
		need := (drawnFrom*1000 + (1000 - q) - 1) / (1000 - q)
		return missing, 0, fmt.Sprintf("%d requests; %d are needed for %d expected exceedances", n, need, drawnFrom)
	}
	if (n-failed)*1000 < q*n {
		return censored, 0, ""
	}
	rank = max((q*n+999)/1000, 1)
	if exceed < publishedFrom*1000 {
		return drawnOpen, rank, ""
	}
	return published, rank, ""
}

// quantiles are those that a report has, by name and in thousandths.
var quantiles = []struct {
	name string
	q    uint64
}{{"p50", 500}, {"p90", 900}, {"p99", 990}, {"p999", 999}}
