package results

import (
	"fmt"
	"strings"
)

type quantileLevel struct {
	name  string
	above uint64
}

// quantileLevels are the quantiles of a Dist, with the share above each in
// thousandths: whole numbers, so that 1,000 requests have exactly 100
// exceedances at p90.
var quantileLevels = []quantileLevel{{"p50", 500}, {"p90", 100}, {"p99", 10}, {"p999", 1}}

// at returns the quantile of that name, nil where it is null.
func (d *Dist) at(q string) *int64 {
	switch q {
	case "p50":
		return d.P50
	case "p90":
		return d.P90
	case "p99":
		return d.P99
	case "p999":
		return d.P999
	}
	return nil
}

// reading is one quantile as the publication rule and the failure rule leave it.
type reading struct {
	ns       int64
	censored bool   // ns is a lower bound
	open     bool   // 30 to 99 expected exceedances
	missing  string // why there is none; then the rest is zero
}

// read applies the rules to a quantile. The count of requests decides first:
// with too few of them not even the share of failures is known well enough.
func (d *Dist) read(q string, above uint64, timeoutNs int64) reading {
	exceedances := d.Count * above / 1000
	if d.Count == 0 {
		return reading{missing: "nothing was measured"}
	}
	if exceedances < openExceedances {
		return reading{missing: fmt.Sprintf("%d measured: %d exceedances expected, %d are needed", d.Count, exceedances, openExceedances)}
	}
	open := exceedances < publishedExceedances
	if d.Failed*1000 > d.Count*above {
		bound := timeoutNs
		if own, ok := d.Censored[q]; ok {
			bound = own
		}
		if bound <= 0 {
			return reading{missing: "it falls among failures and their timeout is unknown"}
		}
		return reading{ns: bound, censored: true, open: open}
	}
	v := d.at(q)
	if v == nil {
		if why := d.Missing[q]; why != "" {
			return reading{missing: why}
		}
		return reading{missing: "the generator gave none"}
	}
	return reading{ns: *v, open: open}
}

// load derives what the generator's report says.
func (d derivation) load() {
	l := d.r.Load
	if l == nil {
		for _, c := range registry {
			if c.Kind == Metric && d.r.Missing[c.Name] == "" {
				if _, has := d.r.Metrics[c.Name]; !has {
					d.miss("the generator reported nothing", c.Name)
				}
			}
		}
		return
	}
	for _, dist := range []struct {
		name string
		dist *Dist
	}{
		{"response", &l.Response}, {"response_ok", &l.ResponseOK}, {"service", &l.Service}, {"first_byte", &l.FirstByte},
		{"connect", &l.Connect}, {"admission", &l.Admission}, {"lag", &l.Lag}, {"queue", &l.Queue},
	} {
		d.quantiles(dist.name, dist.dist, l.TimeoutNs)
	}
	d.put("achieved_rps", l.AchievedRate)
	if l.Mode == modeClosed {
		d.put("capacity_rps", l.AchievedRate)
		d.miss("a closed loop intends no rate", "intended_rps")
	} else {
		d.put("intended_rps", l.IntendedRate)
		d.miss("an open loop finds no capacity: it sends at its own rate", "capacity_rps")
	}
	d.put("busy_share", l.BusyShare)
	d.told(l)
	if l.Requests > 0 {
		d.put("reply_bytes", float64(l.BytesReceived)/float64(l.Requests))
	} else {
		d.miss("no request of the window was answered well", "reply_bytes")
	}
	d.shares(l)
}

// told derives latencies as a generator tells them: another program by its own
// rules, medusa the service time.
func (d derivation) told(l *LoadReport) {
	for _, q := range quantileLevels {
		column := "told_" + q.name + "_us"
		if _, ok := find(column, registry); !ok {
			continue
		}
		if l.Peer != nil {
			if ns, ok := l.Told[q.name]; ok {
				d.put(column, float64(ns)/1e3)
			} else {
				d.miss(l.Backend+" does not tell it", column)
			}
			continue
		}
		if got := l.Service.read(q.name, q.above, l.TimeoutNs); got.missing != "" {
			d.miss(got.missing, column)
		} else {
			d.put(column, float64(got.ns)/1e3)
		}
	}
	if l.Peer != nil {
		d.r.Notes = append(d.r.Notes, l.Notes...)
	}
}

// quantiles derives those quantiles of one distribution that are columns.
func (d derivation) quantiles(name string, dist *Dist, timeoutNs int64) {
	for _, q := range quantileLevels {
		got := dist.read(q.name, q.above, timeoutNs)
		for _, unit := range []struct {
			name string
			ns   float64
		}{{"us", 1e3}, {"ms", 1e6}} {
			column := name + "_" + q.name + "_" + unit.name
			if _, ok := find(column, registry); !ok {
				continue
			}
			if got.missing != "" {
				d.miss(got.missing, column)
				continue
			}
			if got.censored {
				d.r.Censored[column] = float64(got.ns) / unit.ns
			} else {
				d.put(column, float64(got.ns)/unit.ns)
			}
			if got.open {
				d.r.Open = append(d.r.Open, column)
			}
		}
	}
}

// shares derives what became of the window's requests. The six shares are
// disjoint and make 1.
func (d derivation) shares(l *LoadReport) {
	columns := []string{"ok_share", "refused_share", "timed_out_share", "unserved_share", "shed_share", "error_share"}
	all := float64(l.Requests + l.failed())
	if all == 0 {
		d.miss("no request belongs to the window", columns...)
		return
	}
	other := l.failed() - l.Errors["refused"] - l.Errors["timeout"] - l.Errors["unserved"] - l.Errors["shed"]
	for i, n := range []uint64{l.Requests, l.Errors["refused"], l.Errors["timeout"], l.Errors["unserved"], l.Errors["shed"], other} {
		d.put(columns[i], float64(n)/all)
	}
}

// failed returns how many requests of the window failed.
func (l *LoadReport) failed() uint64 {
	var n uint64
	for _, count := range l.Errors {
		n += count
	}
	return n
}

// modeClosed is LoadReport.Mode of a closed loop.
const modeClosed = "closed"

// Mode returns "open" or "closed": how the trial's requests were started.
// Without a report it is what was asked for, "" where even that is unknown.
func (r *Record) Mode() string {
	if r.Load != nil && r.Load.Mode != "" {
		return r.Load.Mode
	}
	return r.Text("mode")
}

// OneMode returns an error when a column that means different things in open
// and in closed loops would be shown of both in one axis or table: the cost
// under saturation and the cost at a fixed rate are two questions.
func OneMode(column string, records []Record) error {
	c, ok := find(column, registry)
	if !ok || !c.ByMode {
		return nil
	}
	seen := map[string]bool{}
	for i := range records {
		if mode := records[i].Mode(); mode != "" {
			seen[mode] = true
		}
	}
	if len(seen) < 2 {
		return nil
	}
	var modes []string
	for _, mode := range []string{modeClosed, "open"} {
		if seen[mode] {
			modes = append(modes, mode)
		}
	}
	return fmt.Errorf("%s cannot show %s loops in one axis: under saturation and at a fixed rate it means different things; choose one with --where mode=closed or a facet", column, strings.Join(modes, " and "))
}
