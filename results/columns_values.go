package results

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// levelNumber returns a level or a setting as a number. Levels come from YAML
// (integers of several kinds) and from JSON (float64); both must agree. A
// name that looks like a number is not one.
func levelNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case int32:
		return float64(v), true
	case uint:
		return float64(v), true
	case uint64:
		return float64(v), true
	case uint32:
		return float64(v), true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

// LevelText writes a level as users write it: a name as it is, a number in its
// shortest form without an exponent where that is readable (2000, 0.9), a
// boolean as true or false, anything else as JSON.
func LevelText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	}
	if f, ok := levelNumber(v); ok {
		if f == math.Trunc(f) && math.Abs(f) < 1e15 {
			return strconv.FormatInt(int64(f), 10)
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
