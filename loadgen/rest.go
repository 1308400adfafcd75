package loadgen

// rest is what a generator without active connections does in the window:
// nothing. It shares its CPU with one that measures, so it reads its clocks
// before and says at once all that it would have to wake for. Conclude ends it.
func (g *Generator) rest() {
	g.edge[0] = g.mark()
	g.on(Event{Stage: Measuring, At: g.from})
	g.on(Event{Stage: Measured, At: g.to})
}

// Conclude makes the report of a generator without active connections. It does
// nothing on others, which know themselves when they have ended.
func (g *Generator) Conclude() {
	if g.s.Connections > 0 || g.phase != phaseRun {
		return
	}
	g.edge[1] = g.mark()
	g.finish()
}
