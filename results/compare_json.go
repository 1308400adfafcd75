package results

import (
	"encoding/json"
	"math"
)

// number is a number in JSON: null where there is none, and "inf" where a bound
// is open, as JSON has neither.
type number float64

// MarshalJSON writes null for NaN and "inf" or "-inf" for the infinities.
func (n number) MarshalJSON() ([]byte, error) {
	switch v := float64(n); {
	case math.IsNaN(v):
		return []byte("null"), nil
	case math.IsInf(v, 1):
		return []byte(`"inf"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-inf"`), nil
	default:
		return json.Marshal(v)
	}
}

// listed is a list that JSON writes as [] where it is empty, never as null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// settingsMap is a place as an object.
func settingsMap(at []Setting) map[string]any {
	out := map[string]any{}
	for _, s := range at {
		out[s.Factor] = s.Level
	}
	return out
}

type medianJSON struct {
	N      int    `json:"n"`
	Center number `json:"center"`
	Lo     number `json:"lo"`
	Hi     number `json:"hi"`
	Spread string `json:"spread"`
}

func (m Median) json() medianJSON {
	return medianJSON{m.N, number(m.Center), number(m.Lo), number(m.Hi), m.Spread}
}

type compareRowJSON struct {
	Grid        string         `json:"grid"`
	At          map[string]any `json:"at"`
	Level       string         `json:"level"`
	Baseline    string         `json:"baseline"`
	Pairs       int            `json:"pairs"`
	Missing     []string       `json:"missing,omitempty"`
	Ratio       number         `json:"ratio"`
	Lo          number         `json:"lo"`
	Hi          number         `json:"hi"`
	Coverage    number         `json:"coverage"`
	P           number         `json:"p"`
	PHolm       number         `json:"p_holm"`
	PairSD      number         `json:"pair_sd"`
	Smallest    number         `json:"smallest_effect"`
	Censored    int            `json:"censored_pairs"`
	Outcome     string         `json:"outcome"`
	Floor       string         `json:"floor,omitempty"`
	Within      bool           `json:"within_margin"`
	Starred     bool           `json:"starred"`
	Exploratory bool           `json:"exploratory"`
	Unpaired    struct {
		Level     medianJSON `json:"level"`
		Baseline  medianJSON `json:"baseline"`
		P         number     `json:"p"`
		Disagrees string     `json:"disagrees,omitempty"`
	} `json:"unpaired"`
}

// MarshalJSON writes a comparison as `medusa compare --json` does.
func (c *Comparison) MarshalJSON() ([]byte, error) {
	rows := make([]compareRowJSON, len(c.Rows))
	for i, r := range c.Rows {
		row := compareRowJSON{
			Grid: r.Grid, At: settingsMap(r.At), Level: r.Level, Baseline: r.Baseline, Pairs: r.N, Missing: r.Missing,
			Ratio: number(r.Ratio), Lo: number(r.Lo), Hi: number(r.Hi), Coverage: number(r.Coverage), P: number(r.P), PHolm: number(r.PHolm),
			PairSD: number(r.PairSD), Smallest: number(r.Smallest), Censored: r.Censored, Outcome: string(r.Outcome), Floor: r.Floor, Within: r.Within,
			Starred: r.Starred, Exploratory: !r.Declared,
		}
		row.Unpaired.Level, row.Unpaired.Baseline = r.Unpaired.Level.json(), r.Unpaired.Base.json()
		row.Unpaired.P, row.Unpaired.Disagrees = number(r.Unpaired.P), r.Unpaired.Disagrees
		rows[i] = row
	}
	return json.Marshal(struct {
		SchemaVersion int              `json:"schema_version"`
		By            string           `json:"by"`
		Baseline      string           `json:"baseline"`
		Metric        string           `json:"metric"`
		Unit          string           `json:"unit"`
		Margin        float64          `json:"margin"`
		Looks         int              `json:"looks"`
		Rows          []compareRowJSON `json:"rows"`
		Notes         []string         `json:"notes"`
	}{SchemaVersion, c.By, c.Baseline, c.Column, c.Unit, c.Margin, c.Looks, rows, listed(c.Notes)})
}

type runsRowJSON struct {
	Grid     string         `json:"grid"`
	At       map[string]any `json:"at"`
	Level    string         `json:"level"`
	PairsA   int            `json:"pairs_a"`
	PairsB   int            `json:"pairs_b"`
	Missing  []string       `json:"missing,omitempty"`
	Ratio    number         `json:"ratio"`
	Lo       number         `json:"lo"`
	Hi       number         `json:"hi"`
	Coverage number         `json:"coverage"`
	Smallest number         `json:"smallest_effect"`
	Censored int            `json:"censored_pairs"`
	Floor    string         `json:"floor,omitempty"`
	Outcome  string         `json:"outcome"`
	Raw      number         `json:"raw_ratio_unpaired"`
}

// MarshalJSON writes a comparison of two runs as `medusa compare --json` does.
func (c *RunsComparison) MarshalJSON() ([]byte, error) {
	rows := make([]runsRowJSON, len(c.Rows))
	for i, r := range c.Rows {
		rows[i] = runsRowJSON{
			r.Grid, settingsMap(r.At), r.Level, r.NA, r.NB, r.Missing, number(r.Ratio), number(r.Lo), number(r.Hi), number(r.Coverage),
			number(r.Smallest), r.Censored, r.Floor, string(r.Outcome), number(r.Raw),
		}
	}
	return json.Marshal(struct {
		SchemaVersion int           `json:"schema_version"`
		A             string        `json:"a"`
		B             string        `json:"b"`
		Anchor        string        `json:"anchor"`
		Metric        string        `json:"metric"`
		Unit          string        `json:"unit"`
		Margin        float64       `json:"margin"`
		Differences   []Difference  `json:"differences"`
		Rows          []runsRowJSON `json:"rows"`
		Notes         []string      `json:"notes"`
	}{SchemaVersion, c.A, c.B, c.Anchor, c.Column, c.Unit, c.Margin, listed(c.Differences), rows, listed(c.Notes)})
}
