package results

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
)

// TestBenchfmtIsRead: every trial that enters is one line that the format's own
// reader understands, with its values, its cell and its machine.
func TestBenchfmtIsRead(t *testing.T) {
	t.Parallel()
	run, err := Open(fixtureFolder)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteBenchfmt(&b, run); err != nil {
		t.Fatal(err)
	}
	a := Analyse(run.Plan, run.Records)
	entered := map[string][]*Record{}
	for r := range a.enteredRecords() {
		key := fmt.Sprintf("Fixture/backend=%s/idle_connections=%s-1", r.Level, LevelText(r.Factors["idle_connections"]))
		entered[key] = append(entered[key], r)
	}
	reader := benchfmt.NewReader(&b, "fixture")
	lines, first := 0, ""
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.Result:
			if lines++; lines == 1 {
				first = string(rec.Name)
			}
			cpu, ok := rec.Value("server-cpu-us/req")
			found := false
			for _, r := range entered[string(rec.Name)] {
				found = found || r.Metrics["server_cpu_us_per_request"] == cpu && rec.Iters == int(r.Load.Requests)
			}
			if !ok || !found {
				t.Errorf("%s has a line of %v us and %d requests that no trial has", rec.Name, cpu, rec.Iters)
			}
			if _, ok := rec.Value("p99-us"); !ok || rec.GetConfig("cpu") != "made up" || rec.GetConfig("kernel") != "6.18.0" || rec.GetConfig("suite") != "fixture" {
				t.Errorf("%s: %+v", rec.Name, rec)
			}
		case *benchfmt.SyntaxError:
			t.Errorf("%v", rec)
		}
	}
	if err := reader.Err(); err != nil {
		t.Fatal(err)
	}
	if lines != 24 || len(entered) != 4 || first != "Fixture/backend=epoll/idle_connections=0-1" {
		t.Errorf("%d lines of %d cells, first %s; want 24 of 4, the baseline first", lines, len(entered), first)
	}
	better := map[string]string{}
	for key, unit := range reader.Units() {
		better[key.Unit+" "+key.Key] = unit.Value
	}
	if better["server-cpu-us/req better"] != "lower" || better["capacity-rps better"] != "higher" || better["events/wait better"] != "" || better["p99-us assume"] != "nothing" {
		t.Errorf("units %v", better)
	}
}

// TestBenchfmtLeavesOutWhatIsHalfKnown: a cell of which one trial knows only a
// bound does not have the column; others have.
func TestBenchfmtLeavesOutWhatIsHalfKnown(t *testing.T) {
	t.Parallel()
	run, err := Open(fixtureFolder)
	if err != nil {
		t.Fatal(err)
	}
	for i := range run.Records {
		if r := &run.Records[i]; r.Level == "select" && r.Block == 3 {
			delete(r.Metrics, "response_p99_us")
			r.Censored = map[string]float64{"response_p99_us": 1e6}
		}
	}
	var b bytes.Buffer
	if err := WriteBenchfmt(&b, run); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if has := strings.Contains(line, "p99-us"); strings.HasPrefix(line, "Bench") && has == strings.Contains(line, "backend=select") {
			t.Errorf("p99-us %v: %s", has, line)
		}
	}
}

func TestBenchUnit(t *testing.T) {
	t.Parallel()
	for column, want := range map[string]string{
		"server_cpu_us_per_request": "server-cpu-us/req", "response_p99_us": "p99-us", "response_ok_p99_us": "response-ok-p99-us",
		"capacity_rps": "capacity-rps", "server_rss_bytes_per_connection": "server-rss-bytes/conn", "accept_failures_per_s": "accept-failures/s",
		"events_per_wait": "events/wait", "ok_share": "ok-share",
	} {
		if got := benchUnit(column); got != want {
			t.Errorf("%s is %s, want %s", column, got, want)
		}
	}
}

// TestBenchName: what a name must not hold is escaped, and a level that ends in
// a number is not taken for GOMAXPROCS.
func TestBenchName(t *testing.T) {
	t.Parallel()
	a := &Analysis{Compare: "path", Plan: Plan{Suite: "demo"}}
	r := &Record{Level: "/fixed/13 bytes-7"}
	if got := a.benchName(&site{factors: []Setting{{"n", 2.0}}}, r); got != "Demo/path=%2Ffixed%2F13%20bytes-7/n=2-1" {
		t.Errorf("name %s", got)
	}
}

// TestBenchstatAgrees: benchstat, from the file that a run has, prints the
// medians, intervals and p that compare calls unpaired, to the last digit.
func TestBenchstatAgrees(t *testing.T) {
	t.Parallel()
	run, err := Open("reference/quick")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), benchFile)
	var b bytes.Buffer
	if err := WriteBenchfmt(&b, run); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "tool", "benchstat", "-col", "/backend", "-filter", ".unit:server-cpu-us/req /grid:idle", "-format", "csv", file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("SKIPPED: nothing is compared, as benchstat cannot be built or run here: %v: %s", err, stderr.Bytes())
	}
	theirs := benchstatRows(t, out)
	c, err := Compare(run, CompareQuery{Where: []Setting{{"grid", "idle"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rows {
		at := AtText(r.At)
		for level, m := range map[string]Median{r.Level: r.Unpaired.Level, r.Baseline: r.Unpaired.Base} {
			if got := theirs[at+" "+level]; math.Abs(got.center-m.Center) > 1e-12*m.Center || got.spread != m.Spread {
				t.Errorf("%s %s: %v ± %s here, benchstat says %v ± %s", level, at, m.Center, m.Spread, got.center, got.spread)
			}
		}
		got := theirs[at+" "+r.Level]
		n := strconv.Itoa(r.Unpaired.Level.N)
		if base := r.Unpaired.Base.N; base != r.Unpaired.Level.N {
			n = fmt.Sprintf("%d+%d", base, r.Unpaired.Level.N) // as benchstat writes samples of two sizes
		}
		if want := fmt.Sprintf("p=%s n=%s", benchP(r.Unpaired.P), n); got.p != want || (got.delta == "~") == r.Unpaired.Different {
			t.Errorf("%s %s: %s, different %v here; benchstat says %s %s", r.Level, at, want, r.Unpaired.Different, got.delta, got.p)
		}
	}
	if len(theirs) != len(c.Rows)+3 {
		t.Errorf("benchstat has %d cells, compare %d and 3 of the baseline", len(theirs), len(c.Rows))
	}
}

type benchstatCell struct {
	center           float64
	spread, delta, p string
}

// benchstatRows reads benchstat's table, keyed by place and level.
func benchstatRows(t *testing.T, out []byte) map[string]benchstatCell {
	t.Helper()
	reader := csv.NewReader(bytes.NewReader(out))
	reader.FieldsPerRecord = -1
	lines, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]benchstatCell{}
	var levels, columns []string
	for _, line := range lines {
		switch {
		case len(line) > 2 && line[0] == "" && levels == nil:
			levels = line
		case len(line) > 2 && line[0] == "":
			columns = line
		case strings.HasPrefix(line[0], "Quick/"):
			_, place, _ := strings.Cut(strings.TrimSuffix(line[0], "-1"), "/grid=idle/")
			level := ""
			var cell benchstatCell
			for i := 1; i < len(line); i++ {
				if i < len(levels) && levels[i] != "" {
					level, cell = levels[i], benchstatCell{}
				}
				switch columns[i] {
				case "CI":
					cell.spread = line[i]
				case "vs base":
					cell.delta = line[i]
				case "P":
					cell.p = line[i]
				default:
					if cell.center, err = strconv.ParseFloat(line[i], 64); err != nil {
						t.Fatal(err)
					}
				}
				rows[place+" "+level] = cell
			}
		}
	}
	return rows
}

// TestExportCSV: one line a record, with its metrics, and what became of it.
func TestExportCSV(t *testing.T) {
	t.Parallel()
	run, err := Open(fixtureFolder)
	if err != nil {
		t.Fatal(err)
	}
	run.Records[3].Censored = map[string]float64{"response_p99_us": 1e6}
	delete(run.Records[3].Metrics, "response_p99_us")
	var b bytes.Buffer
	if err := WriteCSV(&b, run); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1+len(run.Records) {
		t.Fatalf("%d lines of %d records", len(lines), len(run.Records))
	}
	at := map[string]int{}
	for i, name := range lines[0] {
		at[name] = i
	}
	entered := 0
	for i, line := range lines[1:] {
		r := &run.Records[i]
		if line[at["trial"]] != strconv.Itoa(r.Trial) || line[at["level"]] != r.Level || line[at["verdict"]] != r.Verdict || line[at["idle_connections"]] != LevelText(r.Factors["idle_connections"]) {
			t.Errorf("record %d is written as %v", i, line)
		}
		v, err := strconv.ParseFloat(line[at["server_cpu_us_per_request"]], 64)
		if err != nil || math.Abs(v-r.Metrics["server_cpu_us_per_request"]) > 1e-8*v {
			t.Errorf("record %d: %v, %v", i, v, err)
		}
		if line[at["enters"]] == "true" {
			entered++
		}
	}
	if entered != 24 {
		t.Errorf("%d records enter, want 24", entered)
	}
	if got := lines[4]; got[at["response_p99_us"]] != "" || got[at["censored"]] != "response_p99_us > 1000000" {
		t.Errorf("a censored value is written as %q, %q", got[at["response_p99_us"]], got[at["censored"]])
	}
}
