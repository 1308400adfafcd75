package results

import (
	"math"
	"math/rand/v2"

	"medusa/results/stats"
)

// synthetic makes runs whose truth is known.
type synthetic struct {
	blocks   int
	levels   []string
	idle     []float64
	noise    float64 // sd of the log of one trial's cost
	states   bool    // the machine's speed flips by 43 % between mini-blocks
	seed     uint64
	cost     func(level string, idle float64) float64            // truth, us
	touch    func(r *Record)                                     // the last word on a record
	metrics  func(level string, idle float64) map[string]float64 // beside the cost
	repeated func(block int, idle float64) bool                  // mini-blocks with a noisy first attempt
	slope    bool
}

const costColumn = "server_cpu_us_per_request"

// costOfSelect is 8 us, and for select and poll 2 ns more for each idle connection.
func costOfSelect(level string, idle float64) float64 {
	if level == "select" || level == "poll" {
		return 8 + 0.002*idle
	}
	return 8
}

func (s synthetic) run() (Plan, []Record) {
	if s.levels == nil {
		s.levels = []string{"select", "poll", "epoll"}
	}
	if s.idle == nil {
		s.idle = []float64{0, 2000, 8000}
	}
	if s.cost == nil {
		s.cost = costOfSelect
	}
	factors := map[string][]any{}
	for _, l := range s.levels {
		factors["backend"] = append(factors["backend"], l)
	}
	for _, x := range s.idle {
		factors["idle_connections"] = append(factors["idle_connections"], x)
	}
	plan := Plan{
		Suite: "synthetic", Design: Design{Blocks: s.blocks, Compare: "backend", Baseline: "epoll", Seed: 1},
		Metrics: Metrics{Primary: costColumn},
		Grids:   []GridPlan{{Name: "idle", Blocks: s.blocks, Factors: factors, Claims: s.blocks >= MinPairs}},
	}
	if s.slope {
		plan.Metrics.Slope = "idle_connections"
	}
	r := rand.New(rand.NewPCG(s.seed, 77))
	var records []Record
	mini, slow := 0, false
	for block := 1; block <= s.blocks; block++ {
		settings := append([]float64(nil), s.idle...)
		r.Shuffle(len(settings), func(i, j int) { settings[i], settings[j] = settings[j], settings[i] })
		for _, idle := range settings {
			mini++
			rows := stats.Williams(len(s.levels))
			row := rows[mini%len(rows)]
			attempts := 1
			if s.repeated != nil && s.repeated(block, idle) {
				attempts = 2
			}
			for attempt := 1; attempt <= attempts; attempt++ {
				speed := 1.0
				if s.states && r.IntN(3) == 0 {
					slow = !slow
				}
				if slow {
					speed = 1.43
				}
				for position, k := range row {
					level := s.levels[k]
					f := map[string]any{"backend": level, "idle_connections": idle}
					set := map[string]any{"backend": level, "idle_connections": idle, "mode": "closed", "active_connections": 100.0}
					if attempt == 1 {
						plan.Trials = append(plan.Trials, PlannedTrial{Index: len(plan.Trials) + 1, Grid: "idle", Block: block, MiniBlock: mini, Position: position + 1, Role: roleTrial, Level: level, Factors: f, Settings: set})
					}
					rec := Record{
						SchemaVersion: 1, Trial: len(records) + 1, Grid: "idle", Block: block, MiniBlock: mini, Position: position + 1, Attempt: attempt, Role: roleTrial,
						Level: level, Factors: f, Settings: set, Verdict: VerdictValid, Metrics: map[string]float64{},
						Machine: &MachinePart{ProbeBeforeNs: []float64{2e7}, ProbeAfterNs: []float64{2e7}},
						Load:    &LoadReport{Mode: modeClosed},
					}
					rec.Metrics[costColumn] = s.cost(level, idle) * speed * math.Exp(s.noise*r.NormFloat64())
					if s.metrics != nil {
						metrics := s.metrics(level, idle)
						for _, name := range sortedKeys(metrics) {
							rec.Metrics[name] = metrics[name] * math.Exp(0.01*r.NormFloat64())
						}
					}
					if attempt < attempts && position == 0 {
						rec.Verdict, rec.Reasons = VerdictNoisy, []string{"noisy: made so"}
						rec.Metrics[costColumn] *= 3
					}
					if s.touch != nil {
						s.touch(&rec)
					}
					records = append(records, rec)
				}
			}
		}
	}
	return plan, records
}

func (s synthetic) analyse() *Analysis { return Analyse(s.run()) }

// contrastAt finds a contrast.
func (a *Analysis) contrastAt(level string, idle float64) Contrast {
	for _, c := range a.Contrasts {
		if c.Level == level && c.At[0].Level == idle {
			return c
		}
	}
	return Contrast{}
}
