package results

import (
	"fmt"
	"slices"
	"strings"
)

// cellTables list every cell of every grid with the columns that the suite
// reports and that have a value there.
func cellTables(a *Analysis) []tableView {
	var out []tableView
	for i := range a.Plan.Grids {
		out = append(out, a.cellTable(&a.Plan.Grids[i]))
	}
	return out
}

func (a *Analysis) cellTable(g *GridPlan) tableView {
	t := tableView{ID: "cells-" + fileName(g.Name), Wide: true, Title: fmt.Sprintf("Grid %s: %s × %s", g.Name,
		countOf(g.Cells, "cell", "cells"), countOf(g.Blocks, "block", "blocks"))}
	t.Head = []headView{{Name: spoken(a.Compare), Text: true}, {Name: "trials", Meaning: "trials that enter"}}
	var sites []*site
	for _, p := range a.sites {
		if p.grid == g {
			sites = append(sites, p)
		}
	}
	if len(sites) == 0 {
		return t
	}
	var columns []string
	empty := map[string][]string{}
	for _, name := range a.gridColumns(g) {
		if a.hasValue(sites, name) {
			columns = append(columns, name)
			t.Head = append(t.Head, columnHead(a, name))
			continue
		}
		why := a.whyMissing(sites[0], sites[0].minis[0].planned[0], name)
		empty[why] = append(empty[why], name)
	}
	why := absences{}
	for _, text := range sortedKeys(empty) {
		why.notes = append(why.notes, "No value here: "+joinWords(empty[text])+" ("+text+").")
	}
	for _, p := range sites {
		t.Rows = append(t.Rows, rowView{Group: siteText(p)})
		for _, level := range a.levels(g) {
			if p.plans(level) {
				t.Rows = append(t.Rows, a.cellRow(p, level, columns, &why))
			}
		}
	}
	t.Notes = why.notes
	return t
}

// gridColumns are the columns that the suite reports, and those of the figures
// that show the grid.
func (a *Analysis) gridColumns(g *GridPlan) []string {
	columns := append([]string{a.Primary}, a.Plan.Metrics.Also...)
	if g.Slope != nil {
		columns = slices.Clone(g.Slope.Y)
	}
	for _, f := range a.Plan.Figures {
		_, varies := g.Factors[f.X]
		if f.Grid != g.Name && (f.Grid != "" || !varies) {
			continue
		}
		for _, name := range f.Y {
			if !slices.Contains(columns, name) {
				columns = append(columns, name)
			}
		}
	}
	survivors := slices.ContainsFunc(columns, func(name string) bool { return strings.HasPrefix(name, "response_ok_") })
	if survivors && !slices.Contains(columns, "ok_share") {
		columns = append(columns, "ok_share")
	}
	return columns
}

// hasValue says whether any cell of some sites has a value in a column.
func (a *Analysis) hasValue(sites []*site, column string) bool {
	for _, p := range sites {
		for _, level := range a.levels(p.grid) {
			if pt, ok := a.Cell(p.grid.Name, p.at(), level, column); ok && finite(pt.Y) {
				return true
			}
		}
	}
	return false
}

// cellRow is one cell: its medians, each with its interval.
func (a *Analysis) cellRow(p *site, level string, columns []string, why *absences) rowView {
	row := rowView{Cells: []cellView{{Main: level, Text: true, Swatch: swatch(a, level)}, {}}}
	most := 0
	for _, name := range columns {
		pt, ok := a.Cell(p.grid.Name, p.at(), level, name)
		if most = max(most, pt.N); pt.Saturated {
			row.Cells[1].Small = "saturated"
		}
		cell := pointCell(pt, ok, columnUnit(a, name))
		if !ok || !finite(pt.Y) {
			cell.Small = why.mark(name, a.whyMissing(p, level, name))
		}
		row.Cells = append(row.Cells, cell)
	}
	row.Cells[1].Main = fmt.Sprint(most)
	return row
}

// whyMissing is why a cell has no value: what most of its trials say.
func (a *Analysis) whyMissing(p *site, level, column string) string {
	why, most := "no trial was run", 0
	count := map[string]int{}
	for _, m := range p.minis {
		for _, at := range m.attempts {
			r := at.byLevel[level]
			if r == nil {
				continue
			}
			text := "its trials are " + r.Verdict
			if enters(r.Verdict, false) {
				text = r.Why(column)
			}
			if count[text]++; text != "" && count[text] > most {
				why, most = text, count[text]
			}
		}
	}
	return why
}

// absences letters why values are missing, for the notes below a table.
type absences struct {
	notes []string
	texts []string
}

// mark returns the letter of a reason.
func (r *absences) mark(column, why string) string {
	text := column + ": " + why
	i := slices.Index(r.texts, text)
	if i < 0 {
		i = len(r.texts)
		r.texts = append(r.texts, text)
		r.notes = append(r.notes, letter(i)+" "+text)
	}
	return letter(i)
}

// letter numbers notes: a to z, then aa, ab and so on.
func letter(i int) string {
	if i < 26 {
		return string(rune('a' + i))
	}
	return letter(i/26-1) + letter(i%26)
}

// contrastTable lists every contrast of the primary metric; nil without any.
func contrastTable(a *Analysis) *tableView {
	if len(a.Contrasts) == 0 {
		return nil
	}
	t := &tableView{ID: "contrasts", Title: "Every contrast of " + a.Primary + " to " + a.Baseline, Head: []headView{
		{Name: spoken(a.Compare), Text: true}, {Name: "pairs"}, {Name: "ratio", Meaning: "Hodges-Lehmann estimate over the log ratios of pairs, with its exact signed-rank interval"},
		{Name: "coverage", Meaning: "of the interval, exact"}, {Name: "p", Meaning: "exact sign-flip test, two-sided"}, {Name: "p, Holm", Meaning: "corrected over all contrasts"},
		{Name: "p, Wilcoxon", Meaning: "a second opinion, uncorrected"}, {Name: "with every trial", Meaning: "the ratio when noisy and client-limited trials enter too"}, {Name: "verdict", Text: true},
	}}
	at := "\x00"
	for i, c := range a.Contrasts {
		if here := c.Grid + " " + AtText(c.At); here != at {
			at = here
			t.Rows = append(t.Rows, rowView{Group: capital(strings.Join(circumstances(c.At), ", "))})
		}
		row := rowView{Cells: []cellView{{Main: c.Level, Text: true, Swatch: swatch(a, c.Level)}, {Main: fmt.Sprint(c.N)}, {Main: "–"}, {Main: "–"},
			{Main: valueText(c.P, "")}, {Main: valueText(c.PHolm, "")}, {Main: valueText(c.PWilcoxon, "")}, {Main: "–"}, verdictCell(a, &a.Contrasts[i], c.Level)}}
		if finite(c.Ratio) {
			row.Cells[2] = ratioView(c)
		}
		if c.Coverage > 0 {
			row.Cells[3].Main = fixed(100*c.Coverage, 1) + " %"
		}
		if kept := a.KeptContrasts[i]; finite(kept.Ratio) {
			row.Cells[7] = ratioView(kept)
		}
		t.Rows = append(t.Rows, row)
		if len(c.Missing) > 0 {
			t.Notes = append(t.Notes, fmt.Sprintf("%s %s misses pairs: %s.", c.Level, AtText(c.At), strings.Join(c.Missing, ", ")))
		}
	}
	return t
}

func atWords(at []Setting) string {
	parts := make([]string, len(at))
	for i, s := range at {
		parts[i] = spoken(s.Factor) + " " + levelWords(s.Level)
	}
	return strings.Join(parts, ", ")
}

// slopeTable lists every slope; nil without any.
func slopeTable(a *Analysis) *tableView {
	if len(a.Slopes) == 0 {
		return nil
	}
	families := slopeFamilies(a.Slopes)
	title := fmt.Sprintf("Growth of %s with %s", a.Slopes[0].Column, a.Slopes[0].Factor)
	if len(families) > 1 {
		title = "Every slope"
	}
	t := &tableView{ID: "slopes", Title: title, Head: []headView{
		{Name: spoken(a.Compare), Text: true}, {Name: "blocks"}, {Name: "for each one more", Meaning: "least squares inside each block, then Hodges-Lehmann over blocks, with the exact signed-rank interval"},
		{Name: "p", Meaning: "exact sign-flip test that the slope is 0"}, {Name: "p, Holm", Meaning: "corrected over the slopes of one metric"}, {Name: "verdict", Text: true},
	}}
	at := [2]string{}
	for _, s := range a.Slopes {
		if here := [2]string{s.Column, s.Factor}; len(families) > 1 && here != at {
			at = here
			t.Rows = append(t.Rows, rowView{Group: capital(spoken(s.Column)) + " for each one more of " + s.Factor})
		}
		scale, unit := slopeUnit(abs(s.Estimate), columnUnit(a, s.Column))
		cell := cellView{Main: "–"}
		if s.Coverage > 0 {
			main, small, _ := strings.Cut(slopeText(s, scale, spaced(unit)), " (")
			cell = cellView{Main: main, Small: "(" + small}
		} else if finite(s.Estimate) {
			cell = cellView{Main: quantity(s.Estimate, columnUnit(a, s.Column))}
		}
		verdict := cellView{Main: string(s.Outcome), Text: true}
		if s.Starred {
			verdict.Main += " *"
		}
		name := s.Level
		if len(s.At) > 0 {
			name += ", " + atWords(s.At)
		}
		t.Rows = append(t.Rows, rowView{Cells: []cellView{{Main: name, Text: true, Swatch: swatch(a, s.Level)}, {Main: fmt.Sprint(s.N)}, cell,
			{Main: valueText(s.P, "")}, {Main: valueText(s.PHolm, "")}, verdict}})
		if len(s.Missing) > 0 {
			t.Notes = append(t.Notes, fmt.Sprintf("%s misses blocks: %s.", name, strings.Join(s.Missing, ", ")))
		}
	}
	return t
}

// verdictView are the trials of one verdict.
type verdictView struct {
	Verdict, Meaning string
	Count            int
	Trials           []trialView // none for valid ones: there is nothing to say
}

type trialView struct {
	Number        int
	Cell, Attempt string
	Reasons       []string
}

var verdictMeanings = map[string]string{
	VerdictValid:         "no rule fired",
	VerdictSaturated:     "the server could not keep up: a result, shown with a mark of its own",
	VerdictClientLimited: "the generator could not keep up: set aside, shown in grey",
	VerdictNoisy:         "the machine was disturbed: its mini-block was repeated; set aside, shown in grey",
	VerdictUnsteady:      "the window has no single level: it enters, and is listed",
	VerdictInconsistent:  "both ends disagree on what happened: never used",
	VerdictUnverified:    "this system cannot supply a signal that a rule needs: it enters, and is listed",
	VerdictFailed:        "a process died, hung or refused: no result",
}

func verdictViews(a *Analysis) []verdictView {
	by := map[string]*verdictView{}
	for _, v := range verdictOrder {
		by[v] = &verdictView{Verdict: v, Meaning: verdictMeanings[v]}
	}
	for i := range a.Records {
		r := &a.Records[i]
		v := by[r.Verdict]
		if v == nil {
			continue
		}
		v.Count++
		if r.Verdict == VerdictValid {
			continue
		}
		t := trialView{Number: r.Trial, Cell: cellName(a, r), Reasons: r.Reasons}
		if r.Attempt > 1 {
			t.Attempt = fmt.Sprintf("attempt %d", r.Attempt)
		}
		v.Trials = append(v.Trials, t)
	}
	var out []verdictView
	for _, name := range verdictOrder {
		if by[name].Count > 0 {
			out = append(out, *by[name])
		}
	}
	return out
}

// cellName names a trial's cell and block.
func cellName(a *Analysis, r *Record) string {
	s := r.Level
	if r.Role != roleTrial {
		s = r.Role + " probe, " + s
	}
	if at := atWords(settingsOf(r.Factors, a.Compare)); at != "" {
		s += ", " + at
	}
	if len(a.Plan.Grids) > 1 {
		s = r.Grid + ": " + s
	}
	return fmt.Sprintf("%s, block %d", s, r.Block)
}

// failureView is a trial without a result.
type failureView struct {
	Number                   int
	Cell, Stage, Reason      string
	ServerStderr, LoadStderr string
}

func failureViews(a *Analysis) []failureView {
	var out []failureView
	for i := range a.Records {
		r := &a.Records[i]
		if r.Failure == nil {
			continue
		}
		out = append(out, failureView{Number: r.Trial, Cell: cellName(a, r), Stage: r.Failure.Stage, Reason: r.Failure.Reason,
			ServerStderr: strings.TrimSpace(r.Failure.ServerStderr), LoadStderr: strings.TrimSpace(r.Failure.LoadStderr)})
	}
	return out
}
