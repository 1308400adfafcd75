package results

import (
	"fmt"
	"slices"
	"strings"

	"medusa/results/stats"
)

// tableView is a table of the report. Notes below it explain what has no value.
type tableView struct {
	ID, Title string
	Wide      bool // it may leave the column of text
	Head      []headView
	Rows      []rowView
	Notes     []string
}

// headView is a column's head: its name, its unit, what it means.
type headView struct {
	Name, Unit, Meaning string
	Text                bool // left aligned
	Extra               bool // left out on a telephone
}

// rowView is a row of cells, or (Group set) a head over the rows that follow.
type rowView struct {
	Group string
	Cells []cellView
	Quiet bool // the baseline
}

// cellView is a value, with something smaller after it.
type cellView struct {
	Main, Small string
	Swatch      string // a colour before it; "" for none
	Text        bool
	Class       string
	Extra       bool // under a head that is Extra
}

// valueText writes a measured value: more than three digits none of them has.
func valueText(v float64, unit string) string {
	switch {
	case !finite(v):
		return "–"
	case unit == "share":
		return significantDigits(100*v, 3) + " %"
	case unit == "bytes" && v >= 10240:
		return threeDigits(v/1024) + " KiB"
	}
	return threeDigits(v)
}

// pointCell writes a median with its interval.
func pointCell(pt Point, ok bool, unit string) cellView {
	if !ok || !finite(pt.Y) {
		return cellView{Main: "–"}
	}
	c := cellView{Main: valueText(pt.Y, unit)}
	if pt.Censored {
		c.Main = "> " + c.Main
	}
	if pt.Interval && !pt.Censored {
		hi := valueText(pt.Hi, unit)
		if pt.HiCensored {
			hi = "> " + hi
		}
		if lo := valueText(pt.Lo, unit); lo != hi {
			c.Small = "(" + lo + " to " + hi + ")"
		}
	}
	if pt.Open {
		c.Small = strings.TrimSpace(c.Small + " few exceedances")
	}
	return c
}

// swatch is a level's colour as CSS.
func swatch(a *Analysis, level string) string {
	c := lookOf(level, levelPlace(a, a.Compare, level, 0)).color
	return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
}

func columnHead(a *Analysis, name string) headView {
	c, err := a.Plan.LookupColumn(name)
	if err != nil {
		return headView{Name: name}
	}
	return headView{Name: spoken(name), Unit: unitText(c.Unit), Meaning: c.Name + ": " + c.Meaning}
}

func columnUnit(a *Analysis, name string) string {
	c, err := a.Plan.LookupColumn(name)
	if err != nil {
		return ""
	}
	return c.Unit
}

// frontSites is how many settings the front page's table shows at most.
const frontSites = 4

// frontTable compares the levels where the suite's claim lies; nil when no
// trial enters there.
func frontTable(a *Analysis) *tableView {
	var places []*site
	for _, p := range a.sites {
		if p.grid.Claims && p.grid.Slope == nil && p.matches(a.Plan.Metrics.PrimaryAt) {
			places = append(places, p)
		}
	}
	claims := len(places) > 0
	if !claims {
		places = slices.Clone(a.sites)
	}
	all := len(places)
	if c, _ := find(a.Primary, registry); c.ByMode && all > 0 {
		// The cost under saturation and that at a fixed rate are not compared.
		first, _ := places[0].level("mode")
		places = slices.DeleteFunc(places, func(p *site) bool { mode, _ := p.level("mode"); return mode != first })
	}
	var columns []string
	for _, name := range []string{a.Primary, "syscalls_per_request", "events_per_wait", "response_p50_us"} {
		if !slices.Contains(columns, name) && a.hasValue(places, name) {
			columns = append(columns, name)
		}
	}
	if !slices.Contains(columns, a.Primary) {
		return nil
	}
	if n := len(places); n > frontSites {
		kept := make([]*site, 0, frontSites)
		for i := range frontSites {
			kept = append(kept, places[i*(n-1)/(frontSites-1)])
		}
		places = kept
	}
	t := &tableView{ID: "front", Head: []headView{{Name: spoken(a.Compare), Text: true}, columnHead(a, a.Primary)}}
	if claims {
		t.Head = append(t.Head, headView{Name: "against " + a.Baseline, Meaning: "ratio over pairs of trials that ran back to back, with its interval"})
	}
	for _, name := range columns[1:] {
		head := columnHead(a, name)
		head.Extra = true
		t.Head = append(t.Head, head)
	}
	if claims {
		t.Head = append(t.Head, headView{Name: "verdict", Text: true})
	}
	starred := false
	for _, p := range places {
		if len(places) > 1 {
			name := siteText(p)
			if places[0].grid != places[len(places)-1].grid {
				name = p.grid.Name + ", " + strings.ToLower(name[:1]) + name[1:]
			}
			t.Rows = append(t.Rows, rowView{Group: name})
		}
		for _, level := range a.levels(p.grid) {
			if !p.plans(level) {
				continue
			}
			row := rowView{Quiet: level == a.Baseline, Cells: []cellView{{Main: level, Text: true, Swatch: swatch(a, level)}}}
			for i, name := range columns {
				pt, ok := a.Cell(p.grid.Name, p.at(), level, name)
				pt.Interval = false // two intervals side by side would be compared by eye
				cell := pointCell(pt, ok, columnUnit(a, name))
				cell.Extra = i > 0
				row.Cells = append(row.Cells, cell)
				if i == 0 && claims {
					row.Cells = append(row.Cells, ratioCell(a, p, level))
				}
			}
			if claims {
				c := contrastAt(a, p, level)
				row.Cells = append(row.Cells, verdictCell(a, c, level))
				starred = starred || c != nil && c.Starred
			}
			t.Rows = append(t.Rows, row)
		}
	}
	t.Notes = append(t.Notes, "Medians over blocks. Ratios, with their intervals, are of pairs: they are not quotients of the medians beside them.")
	if !claims {
		t.Notes = []string{fmt.Sprintf("Medians over fewer than %d blocks: no interval, no comparison.", MinPairs)}
	}
	if starred {
		t.Notes = append(t.Notes, fmt.Sprintf("* holds with all %d contrasts corrected together (Holm, 5 %%).", len(a.Contrasts)))
	}
	if left := all - len(places); left > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%s more below.", countOf(left, "setting", "settings")))
	}
	return t
}

// siteText names the setting of a site in words.
func siteText(p *site) string {
	at := p.at()
	if len(at) == 0 {
		return p.grid.Name
	}
	return capital(strings.Join(circumstances(at), ", "))
}

// levelWords is a level with thousands separated.
func levelWords(v any) string {
	if f, ok := levelNumber(v); ok {
		return plainNumber(f)
	}
	return LevelText(v)
}

// contrastAt finds a level's contrast at a place; nil for the baseline.
func contrastAt(a *Analysis, p *site, level string) *Contrast {
	for i := range a.Contrasts {
		c := &a.Contrasts[i]
		if c.Grid == p.grid.Name && c.Level == level && AtText(c.At) == AtText(p.at()) {
			return c
		}
	}
	return nil
}

func ratioCell(a *Analysis, p *site, level string) cellView {
	if level == a.Baseline {
		return cellView{Main: "1"}
	}
	c := contrastAt(a, p, level)
	if c == nil || !finite(c.Ratio) {
		return cellView{Main: "–"}
	}
	return ratioView(*c)
}

// ratioView writes a contrast's ratio, and its interval where it has one.
func ratioView(c Contrast) cellView {
	if c.Coverage == 0 {
		return cellView{Main: threeDigits(c.Ratio) + "x"}
	}
	main, small, found := strings.Cut(ratioText(c.Ratio, c.Lo, c.Hi), " (")
	if found {
		small = "(" + small
	}
	return cellView{Main: main, Small: small}
}

func verdictCell(a *Analysis, c *Contrast, level string) cellView {
	if level == a.Baseline {
		return cellView{Main: "baseline", Text: true}
	}
	if c == nil {
		return cellView{Main: "no pair", Text: true}
	}
	cell := cellView{Main: string(c.Outcome), Text: true, Class: outcomeClass(c.Outcome)}
	if c.Starred {
		cell.Main += " *"
	}
	switch {
	case c.N < a.leastPairs():
		cell.Small = fmt.Sprintf("%s, %d are needed", countOf(c.N, "clean pair", "clean pairs"), a.leastPairs())
	case c.Floor != "":
		cell.Small = "under what waking a CPU scatters by"
	case c.Outcome == stats.NotResolved && finite(c.Smallest):
		cell.Small = fmt.Sprintf("this run could find %s %%", significantDigits(100*c.Smallest, 2))
	case c.Within && c.Outcome != stats.Same:
		cell.Small = "by less than 5 %"
	}
	return cell
}

func outcomeClass(o stats.Outcome) string {
	return map[stats.Outcome]string{stats.Faster: "good", stats.Slower: "bad", stats.Same: "same"}[o]
}
