package results

import (
	"fmt"
	"slices"
)

// peersText says which servers are other programs, and by how much the number
// of their requests may be wrong; "" without any.
func (a *Analysis) peersText() string {
	var names []string
	worst := 0.0
	for i := range a.Records {
		r := &a.Records[i]
		if !r.countedByLoad() || !enters(r.Verdict, false) {
			continue
		}
		if !slices.Contains(names, r.Server.Backend) {
			names = append(names, r.Server.Backend)
		}
		if n, bound, why := r.ServedByLoad(); why == "" {
			worst = max(worst, bound/n)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return fmt.Sprintf("%s %s no requests: figures for each are over those that the generator saw answered, of which at most %s %% (in one trial) lie outside of the snapshots; that both ends agree is checked of medusa's own servers only",
		joinWords(names), map[bool]string{true: "counts", false: "count"}[len(names) == 1], significantDigits(100*worst, 2))
}
