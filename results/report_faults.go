package results

import (
	"fmt"
	"math"
	"slices"
)

// faultTables tell what faults did: a row for each fault, a column for each level
// that is compared. None where no trial had a fault.
func faultTables(run *Run, a *Analysis) []tableView {
	if !slices.ContainsFunc(run.Records, func(r Record) bool { return r.Fault.disturbs() }) {
		return nil
	}
	tables := []tableView{
		a.faultTable("during", "What the others saw in the time planned for a fault: the slowest hundredth of their replies", "fault_p99_ms", "fault_ok_share"),
		a.faultTable("after", "How long the others still felt it when it had ended", "fault_recovery_ms", ""),
		a.faultTable("server", "Until the server had let go of every connection of the fault", "server_recovery_ms", ""),
	}
	tables[0].Notes = []string{"Milliseconds, medians over blocks, of requests meant to start in the time planned for the fault; how long it lasted is the column fault_lasted_ms; below them the share of the others' requests that was answered, where it was not all. Where the fault's part of a window has under 10,000 requests, the quantile has few exceedances: the figure and the table of every cell mark it."}
	tables[1].Notes = []string{"Milliseconds, medians over blocks, in steps of a hundredth of the window; 0: they felt nothing any more."}
	tables[2].Notes = []string{"Milliseconds, medians over blocks. Peers that vanished are let go by the server's own patience (idle_timeout_s).", leakText(run)}
	for i := range tables {
		if len(tables[i].Rows) == 0 {
			tables[i].Head, tables[i].Notes[0] = nil, "No trial with a fault could be used."
		}
	}
	return tables
}

// fewCame: where a smaller share of a fault's clients came than this, its row says
// so.
const fewCame = 0.95

// faultTable is one column of the records in all places.
func (a *Analysis) faultTable(id, title, column, share string) tableView {
	t := tableView{ID: "fault-" + id, Title: title, Head: []headView{{Name: "fault", Text: true}}}
	var levels []string
	for i := range a.Plan.Grids {
		for _, level := range a.levels(&a.Plan.Grids[i]) {
			if !slices.Contains(levels, level) {
				levels = append(levels, level)
				t.Head = append(t.Head, headView{Name: level})
			}
		}
	}
	for _, p := range a.sites {
		kind, _ := p.level("fault")
		name := LevelText(kind)
		if n, ok := p.level("fault_connections"); ok && name != FaultNone && name != "server-stopped" {
			name += ", " + levelWords(n)
		}
		if others := AtText(p.at(a.faultFactors(p.grid)...)); others != "" {
			name += ", " + others
		}
		row := rowView{Quiet: kind == FaultNone, Cells: []cellView{{Main: name, Text: true}}}
		measured, came := false, math.Inf(1)
		for _, level := range levels {
			cell := cellView{Main: "–"}
			if p.plans(level) {
				if opened := a.medianPoint(p, level, "fault_opened"); finite(opened.Y) {
					came = min(came, opened.Y)
				}
				pt := a.medianPoint(p, level, column)
				pt.Interval, pt.Open = false, false // so many in a row cannot be read; the notes have it
				cell = pointCell(pt, true, columnUnit(a, column))
				if share != "" {
					if ok := a.medianPoint(p, level, share); finite(ok.Y) && ok.Y < 1 {
						cell.Small = valueText(ok.Y, "share")
					}
				}
			}
			measured = measured || cell.Main != "–"
			row.Cells = append(row.Cells, cell)
		}
		if n, ok := p.settings["fault_connections"].(float64); ok && came < fewCame*n {
			row.Cells[0].Small = thousands(came) + " came where fewest did"
		}
		if measured {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// faultFactors are the factors of a grid that say what the fault is: those whose
// levels go with another fault, or with other numbers of it.
func (a *Analysis) faultFactors(g *GridPlan) (names []string) {
	for factor := range g.Factors {
		said := map[any]string{}
		for _, p := range a.sites {
			if p.grid != g {
				continue
			}
			level, _ := p.level(factor)
			kind, _ := p.level("fault")
			n, _ := p.level("fault_connections")
			text := LevelText(kind) + " " + LevelText(n)
			if was, seen := said[level]; seen && was != text {
				said[level] = "several"
				continue
			}
			said[level] = text
		}
		different := map[string]bool{}
		for _, text := range said {
			different[text] = true
		}
		if !different["several"] && len(different) == len(said) && len(said) > 1 {
			names = append(names, factor)
		}
	}
	return names
}

// leakText says whether any server was left with something.
func leakText(run *Run) string {
	trials, leaked, unknown := 0, 0, 0
	for i := range run.Records {
		r := &run.Records[i]
		if r.Fault == nil || r.Failure != nil {
			continue
		}
		connections, known := r.Value("leaked_connections")
		fds, alsoKnown := r.Value("leaked_fds")
		switch {
		case connections > 0 || fds > descriptorSlack:
			leaked++
		case !known || !alsoKnown:
			unknown++
		}
		trials++
	}
	beside := ""
	if unknown > 0 {
		beside = fmt.Sprintf(" Of %s more it is not known.", countOf(unknown, "trial", "trials"))
		trials -= unknown
	}
	switch {
	case trials == 0:
		return "Whether anything leaked is not known."
	case leaked == 0:
		return fmt.Sprintf("Nothing leaked: in each of %s the server had as many connections and descriptors when all clients had gone as at its start.%s", countOf(trials, "trial", "trials"), beside)
	}
	return fmt.Sprintf("In %d of %s the server was left with connections or descriptors of clients that had gone; these trials are inconsistent.%s", leaked, countOf(trials, "trial", "trials"), beside)
}
