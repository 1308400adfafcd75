package results

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// describe writes a figure's title, its subtitle (what the figure must carry
// wherever it is copied to) and its caption, from the meanings of its columns.
func (c *chart) describe(run *Run, f Figure, x Column, ys []Column, series []Series) {
	c.title = f.Title
	if c.title == "" {
		c.title = defaultTitle(f)
	}
	c.subtitle = strings.Join(append(origin(run, f, series), whereText(f.Where)...), " · ")
	c.caption = capital(defaultTitle(f))
	if f.RatioTo != "" {
		c.caption += ", formed between trials that ran back to back"
	}
	if len(f.Facet) > 0 {
		c.caption += ", a panel for each " + strings.Join(f.Facet, " and ")
	}
	c.caption += "."
	for _, column := range append(ys, x) {
		c.caption += " " + column.Name + ": " + column.Meaning + "."
	}
}

// defaultTitle says what stands against what.
func defaultTitle(f Figure) string {
	y := spoken(f.Y[0])
	if f.Kind == kindStacked {
		y = "what became of requests"
	}
	for _, name := range f.Y[1:] {
		if f.Kind != kindStacked {
			y += ", " + spoken(name)
		}
	}
	if f.RatioTo != "" {
		y += " as a ratio to " + ratioBase(f)
	}
	return capital(y) + " by " + spoken(f.X)
}

// ratioBase is what the ratios of a figure are to.
func ratioBase(f Figure) string {
	if f.RatioTo == Best {
		return "the best level of each place, chosen on odd blocks and compared on even ones"
	}
	return f.RatioTo
}

// origin says where a figure's numbers come from.
func origin(run *Run, f Figure, series []Series) []string {
	parts := machineShort(run.Environment.Before)
	parts = append(parts, run.Plan.Suite)
	most := 0
	for _, s := range series {
		for _, pt := range s.Points {
			most = max(most, pt.N)
		}
	}
	if most > 0 {
		parts = append(parts, countOf(most, "block", "blocks"))
	}
	return parts
}

// machineShort is a machine in a few words.
func machineShort(m Machine) []string {
	var parts []string
	if m.CPUModel != "" {
		parts = append(parts, strings.Join(strings.Fields(m.CPUModel), " "))
	} else if m.Arch != "" {
		parts = append(parts, m.Arch)
	}
	if m.CPUs > 0 {
		parts = append(parts, countOf(m.CPUs, "CPU", "CPUs"))
	}
	if kernel, _, _ := strings.Cut(m.Kernel, " "); kernel != "" {
		name := map[string]string{"linux": "Linux", "darwin": "macOS, Darwin", "freebsd": "FreeBSD"}[m.OS]
		if name == "" {
			name = m.OS
		}
		parts = append(parts, strings.TrimSpace(name+" "+kernel))
	}
	return parts
}

// whereText writes conditions in a fixed order.
func whereText(where map[string]any) []string {
	var out []string
	for _, k := range sortedKeys(where) {
		out = append(out, k+"="+LevelText(where[k]))
	}
	return out
}

// label writes the axis labels: names and units, and the scale where it is not
// plain.
func (c *chart) label(f Figure, x Column, ys []Column) {
	c.x.label = axisLabel(x.Name, x.Unit)
	if c.x.names == nil {
		levels := levelScale(c.x.kind, c.x.levels)
		switch {
		case len(c.x.levels) == 0 && strings.HasPrefix(c.x.kind, "log"), levels.kind == "log", levels.kind == "log2":
			c.x.label += ", log scale"
		case levels.kind == "even":
			c.x.label += ", levels evenly spaced"
		case levels.kind == "log1p":
			c.x.label += fmt.Sprintf(", spaced by log(1 + x/%s)", plainNumber(levels.knee))
		}
	}
	if f.Kind == kindStacked {
		c.y.label = "share of requests (%)"
		return
	}
	c.y.label = axisLabel(ys[0].Name, ys[0].Unit)
	if len(ys) > 1 {
		c.y.label = unitText(ys[0].Unit)
	}
	if c.ratio {
		c.y.label = joinWords(f.Y) + ", ratio to " + ratioBase(f)
	}
	if c.y.kind == "log" || c.y.kind == "log2" {
		c.y.label += ", log scale"
	}
	c.y.label = strings.TrimPrefix(c.y.label, ", ")
	if better := ys[0].Better; better != Neither && !c.ratio {
		c.y.label += " – " + string(better) + " is better"
	}
}

// howToRead tells a reader who has not seen such a figure where to look.
func (c *chart) howToRead() string {
	have := c.seen()
	var s []string
	switch {
	case !have.points:
		s = append(s, "No trial enters here: every one was set aside, so there is no median, no line and no claim.")
	case c.kind == kindHeat:
		return c.readHeat()
	case c.kind == kindStacked:
		return "Each bar is all requests of the trials at one level (medians over blocks): what is not in the lowest part was refused, late or lost. Parts that are 0 everywhere are left out."
	case c.ratio:
		s = append(s, "1 is "+c.baseline+" itself; the grey band is ± 5 %, inside which a difference counts as none. Where a bar crosses 1, this run cannot tell both apart.")
	case c.kind == kindDots:
		s = append(s, "One row a level; the bar is the interval, the small dots are blocks.")
	default:
		s = append(s, "Follow one line from left to right: what it does between its marks was not measured. Marks of one level of x stand side by side so that they can be told apart.")
	}
	if have.intervals && !c.ratio {
		s = append(s, "Two bars that overlap do not make two backends equal: they were run in pairs, and the table of contrasts compares those pairs. A bar shorter than its mark is hidden by it.")
	}
	if have.saturated {
		s = append(s, "A hollow mark called saturated is a server that could not keep up: the number depends on how long one waits, and no line passes through it.")
	}
	if have.unsteady || have.unsteadyDots {
		s = append(s, "What is hollow and unsteady enters like the rest: inside its window the response changed its level, so that its number stands for no single state.")
	}
	if have.censored {
		s = append(s, "A triangle lies at the timeout: so many requests failed that the true value is at least that.")
	}
	if have.floor && c.wakes() {
		s = append(s, "The grey band is how long this machine needs to wake a sleeping CPU and be woken by it, at the same quantile.")
	}
	if have.nearFloor {
		s = append(s, fmt.Sprintf("Hatched marks lie under %d times that: the machine's waking is a large part of them.", nearFloor))
	}
	if len(have.excluded) > 0 {
		s = append(s, "Grey marks were measured and do not enter ("+joinWords(sortedKeys(have.excluded))+").")
	}
	if have.points && !have.intervals {
		s = append(s, fmt.Sprintf("With fewer than %d blocks there is no interval, and no claim rests on this figure.", MinPairs))
	}
	return strings.Join(s, " ")
}

// plotCommand is the command that draws a figure again, given in the run's own
// folder.
func plotCommand(f Figure, compare, out string) string {
	args := []string{"medusa", "plot", "."}
	add := func(flag, value string) {
		switch {
		case value == "":
		case strings.HasPrefix(value, "-"): // alone it would be read as a flag
			args = append(args, shellWord(flag+"="+value))
		default:
			args = append(args, flag, shellWord(value))
		}
	}
	add("--x", f.X)
	for _, y := range f.Y {
		add("--y", y)
	}
	by := f.By
	if by == "" {
		by = compare
	}
	add("--by", by)
	for _, facet := range f.Facet {
		add("--facet", facet)
	}
	for _, w := range whereText(f.Where) {
		add("--where", w)
	}
	add("--ratio-to", f.RatioTo)
	for _, level := range f.Strip {
		add("--strip", level)
	}
	add("--grid", f.Grid)
	for _, option := range []struct{ flag, value, plain string }{
		{"--kind", f.Kind, kindLines}, {"--xscale", f.XScale, "linear"}, {"--yscale", f.YScale, "linear"},
	} {
		if option.value != option.plain {
			add(option.flag, option.value)
		}
	}
	for _, x := range sortedKeys(f.Marks) {
		// A mark that is no number is not drawn, and no command takes it.
		if _, err := strconv.ParseFloat(x, 64); err == nil {
			add("--marks", x+"="+f.Marks[x])
		}
	}
	add("--floor", f.Floor)
	add("--title", f.Title)
	add("--out", out)
	return strings.Join(args, " ")
}

// shellWord quotes a word for a POSIX shell where it must be.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_=./:,%+@", r)
	}
	if s != "" && !slices.ContainsFunc([]rune(s), func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
