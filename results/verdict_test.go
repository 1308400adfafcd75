package results

import (
	"slices"
	"strings"
	"testing"
)

// change is one thing done to a sound trial.
type change func(r *Record)

// one sets the same value in both speed probes of CPU 1.
func probes(before, after float64) change {
	return func(r *Record) { r.Machine.ProbeBeforeNs[1], r.Machine.ProbeAfterNs[1] = before, after }
}

// waited sets CPU pressure and run delay, on a machine whose certificate has 1 %
// of the first and 0.1 % of the second.
func waited(psi, runDelay float64) change {
	return func(r *Record) {
		m := r.Machine
		m.CPUs, m.PSISomeShare, m.RunDelayShare = 2, &psi, &runDelay
		m.PSIQuietShare, m.RunDelayQuietShare = p(0.01), p(0.001)
	}
}

// others sets what other programs used, of all CPUs.
func others(share float64) change { return func(r *Record) { r.Machine.ForeignShare = &share } }

// shifted moves the second half of the series.
func shifted(points int, by float64) change {
	return func(r *Record) {
		l := r.Load
		each := l.Requests / uint64(points)
		l.Series = nil
		for i := range points {
			median := 300e3 + 100*float64(i*7%10)
			if i >= points/2 {
				median *= 1 + by
			}
			l.Series = append(l.Series, SeriesPoint{Count: each, P50: int64(median)})
		}
	}
}

// slowStart makes the first fifth of the series half as slow again: halves of
// it have the same median.
func slowStart(points int) change {
	return func(r *Record) {
		shifted(points, 0)(r)
		for i := range points / 5 {
			r.Load.Series[i].P50 += r.Load.Series[i].P50 / 2
		}
	}
}

// restless has 20 points that jump by half, four of ten in the first half of
// the window and six in the second: the medians of the halves lie far apart, and
// chance does that often.
func restless(r *Record) {
	shifted(20, 0)(r)
	for i := range r.Load.Series {
		if i%5 < 2 || i >= 10 && i%5 == 2 {
			r.Load.Series[i].P50 += r.Load.Series[i].P50 / 2
		}
	}
}

// answered makes so many requests of the window fail by kind; at both ends the
// life-long counts say the same.
func unanswered(n uint64, kind string) change {
	return func(r *Record) {
		l := r.Load
		l.Requests -= n
		l.Errors[kind] = n
		l.Response.Failed = n
		l.TotalAnswered -= n
	}
}

// TestVerdictRules has for each rule a trial that trips this rule alone, and
// one that only just does not.
func TestVerdictRules(t *testing.T) {
	t.Parallel()
	for _, rule := range []struct {
		name, mode string
		trips      change
		verdict    string
		reason     string // part of the one reason
		near       change
	}{
		{"process died", "open",
			func(r *Record) { r.Failure = &Failure{Stage: "window", Reason: "the server was killed (signal 9)"} },
			VerdictFailed, "window: the server was killed",
			func(r *Record) {}},
		{"no server part", "open",
			func(r *Record) { r.Server = nil },
			VerdictFailed, "the server said nothing",
			func(r *Record) { r.Server.UsableFDs = 0 }},
		{"no report", "open",
			func(r *Record) { r.Load = nil },
			VerdictFailed, "the generator reported nothing",
			func(r *Record) { r.Load.Reasons = nil }},
		{"closed loop without an answer", modeClosed,
			func(r *Record) { r.Load.Requests = 0; r.Load.Errors["refused"] = 20_000 },
			VerdictFailed, "no request was answered well (20000 refused)",
			unanswered(19_999, "refused")},

		{"answers that the server did not count", "open",
			func(r *Record) { r.Server.End.Requests-- },
			VerdictInconsistent, "the generator saw",
			func(r *Record) { r.Server.End.Requests--; r.Load.TotalAnswered-- }}, // one cut off on its way there
		{"requests that nobody sent", "open",
			func(r *Record) { r.Server.End.Requests++ },
			VerdictInconsistent, "the generator sent",
			func(r *Record) { r.Load.TotalAnswered-- }}, // one cut off on its way back
		{"bytes lost on the way to the server", "open",
			func(r *Record) { r.Server.End.BytesIn-- },
			VerdictInconsistent, "nothing was cut off",
			func(r *Record) { r.Server.End.BytesIn--; r.Load.Fate["reset"] = 1 }},
		{"bytes lost on the way back", "open",
			func(r *Record) { r.Server.End.BytesOut++ },
			VerdictInconsistent, "nothing was cut off",
			func(r *Record) { r.Server.End.BytesOut++; unanswered(1, "short")(r) }},
		{"bytes from nowhere at the server", "open",
			func(r *Record) { r.Server.End.BytesIn++; r.Load.Fate["reset"] = 1 },
			VerdictInconsistent, "the server received",
			func(r *Record) { r.Load.Fate["reset"] = 1 }},
		{"bytes from nowhere at the generator", "open",
			func(r *Record) { r.Load.TotalBytesIn++; r.Load.Fate["reset"] = 1 },
			VerdictInconsistent, "the server sent",
			func(r *Record) { r.Load.Fate["unserved"] = 1 }},
		{"Little's law", "open",
			func(r *Record) { r.Load.MeanInFlight *= 1.011 },
			VerdictInconsistent, "Little's law",
			func(r *Record) { r.Load.MeanInFlight *= 1.009 }},
		{"descriptors left", "open",
			func(r *Record) { r.Server.End.Full.OpenFDs += 3 },
			VerdictInconsistent, "descriptors",
			func(r *Record) { r.Server.End.Full.OpenFDs += 2 }},
		{"connections left", "open",
			func(r *Record) { r.Server.End.Connections = 1 },
			VerdictInconsistent, "1 connections",
			func(r *Record) { r.Server.After.Connections = 1 }},
		{"a counter ran backwards", "open",
			func(r *Record) { r.Server.After.Waits = r.Server.Before.Waits - 1 },
			VerdictInconsistent, "counter of waits ran backwards",
			func(r *Record) { r.Server.After.Waits = r.Server.Before.Waits }},
		{"snapshots missing", "open",
			func(r *Record) { r.Server.End = nil },
			VerdictInconsistent, "cannot be compared",
			func(r *Record) { r.Server.Filled = nil }},
		{"more sent than scheduled", "open",
			func(r *Record) { r.Load.Sent++ },
			VerdictInconsistent, "were sent",
			func(r *Record) { r.Load.Sent--; r.Load.Requests--; r.Load.Errors["timeout"]++ }},
		{"a request without an end", "open",
			func(r *Record) { r.Load.Requests-- },
			VerdictInconsistent, "19999 answered well and 0 failed",
			func(r *Record) { r.Load.Requests--; r.Load.Errors["status"]++ }},

		{"probe edges apart", "open", probes(20e6, 21.02e6), VerdictNoisy, "speed probe 1 differs by 5.1 %", probes(20e6, 20.98e6)},
		{"steal", "open",
			func(r *Record) { r.Machine.StealShare = p(0.0051) },
			VerdictNoisy, "stole",
			func(r *Record) { r.Machine.StealShare = p(0.0049) }},
		{"foreign CPU", "open",
			func(r *Record) { r.Machine.ForeignShare = p(0.021) },
			VerdictNoisy, "other programs",
			func(r *Record) { r.Machine.ForeignShare = p(0.019) }},

		{"CPU pressure", "open",
			func(r *Record) { waited(0.031, 0)(r); others(0.011)(r) },
			VerdictNoisy, "waited for a CPU (PSI) in 3.1 % of the window, and other programs used a CPU for 2.2 %; 3.0 % are allowed",
			func(r *Record) { waited(0.029, 0)(r); others(0.011)(r) }},
		{"CPU pressure of others", "open",
			func(r *Record) { waited(0.5, 0)(r); others(0.0101)(r) },
			VerdictNoisy, "PSI",
			func(r *Record) { waited(0.5, 0)(r); others(0.0099)(r) }}, // which is 1.98 % of a CPU
		{"CPU pressure without a certificate", "open",
			func(r *Record) { waited(0.5, 0)(r); others(0.015)(r) },
			VerdictNoisy, "PSI",
			func(r *Record) { waited(0.5, 0)(r); others(0.015)(r); r.Machine.PSIQuietShare = nil }},
		{"run delay", "open",
			func(r *Record) { waited(0, 0.0211)(r); others(0.015)(r) },
			VerdictNoisy, "(run delay) in 2.1 % of the window, and other programs used a CPU for 3.0 %; 2.1 % are allowed",
			func(r *Record) { waited(0, 0.0209)(r); others(0.015)(r) }},
		{"run delay of threads that wait for each other", "open",
			func(r *Record) { waited(0, 0.9)(r); others(0.015)(r) },
			VerdictNoisy, "run delay",
			func(r *Record) { waited(0, 0.9)(r); others(0.015)(r); r.Server.Engine = "threads" }},
		{"the most foreign program", "open",
			func(r *Record) { r.Machine.ForeignShare, r.Machine.ForeignMost = p(0.3), "sh (pid 7) 24.1 %" },
			VerdictNoisy, "30.0 % of the CPUs, sh (pid 7) 24.1 % alone; 2 % are allowed",
			func(r *Record) { r.Machine.ForeignMost = "sh (pid 7) 1.9 %" }},

		{"sockets of others came", "open",
			func(r *Record) { *r.Machine.SocketsAfter += 101 },
			VerdictNoisy, "TCP sockets",
			func(r *Record) { *r.Machine.SocketsAfter += 100 }},
		{"sockets of others went", "open",
			func(r *Record) { r.Machine.SocketsBefore = p(*r.Machine.SocketsAfter + 101) },
			VerdictNoisy, "TCP sockets",
			func(r *Record) { r.Machine.SocketsBefore = p(*r.Machine.SocketsAfter + 100) }},

		{"lag above 50 us", "open",
			func(r *Record) { r.Load.Lag.P99 = p(int64(61e3)) }, // response p99 600 us
			VerdictClientLimited, "lag p99 is 61 us; 60 us",
			func(r *Record) { r.Load.Lag.P99 = p(int64(59e3)) }},
		{"lag above 50 us of a fast server", "open",
			func(r *Record) { r.Load.Response.P50 = p(int64(80e3)); r.Load.Lag.P50 = p(int64(51e3)) },
			VerdictClientLimited, "lag p50 is 51 us; 50 us",
			func(r *Record) { r.Load.Response.P50 = p(int64(80e3)); r.Load.Lag.P50 = p(int64(49e3)) }},
		{"lag of a published quantile only", "open",
			func(r *Record) { r.Load.Lag.P90 = p(int64(1e6)) },
			VerdictClientLimited, "lag p90",
			func(r *Record) { r.Load.Lag.P999 = p(int64(1e6)) }}, // 20 exceedances: not published
		{"busy generator", "open",
			func(r *Record) { r.Load.BusyShare = 0.71 },
			VerdictClientLimited, "busy for 71 %",
			func(r *Record) { r.Load.BusyShare = 0.69 }},
		{"unsent while free", "open",
			func(r *Record) { unanswered(21, "timeout")(r); r.Load.SentLate = 21; r.Load.Sent -= 21 },
			VerdictClientLimited, "21 of 20000 scheduled",
			func(r *Record) { unanswered(20, "timeout")(r); r.Load.SentLate = 20; r.Load.Sent -= 20 }},
		{"closed loop is never client-limited", "open",
			func(r *Record) { r.Load.BusyShare = 0.99 },
			VerdictClientLimited, "busy",
			func(r *Record) { r.Load.Mode = modeClosed; r.Load.BusyShare = 0.99 }},

		{"the generator's own account of itself", "open",
			func(r *Record) {
				r.Load.Verdict, r.Load.Reasons = VerdictClientLimited, []string{"3 durations were negative"}
			},
			VerdictClientLimited, "by the generator's own account: 3 durations were negative",
			func(r *Record) { r.Load.Reasons = []string{"noted"} }},
		{"the generator's own account of the queue", "open",
			func(r *Record) { r.Load.Verdict = VerdictSaturated },
			VerdictSaturated, "by the generator's own account",
			func(r *Record) { r.Load.Mode = modeClosed; r.Load.Verdict = VerdictSaturated }},

		{"unanswered", "open", unanswered(201, "timeout"), VerdictSaturated, "19799 of 20000", unanswered(200, "timeout")},
		{"never sent", "open",
			func(r *Record) { unanswered(201, "timeout")(r); r.Load.Sent -= 201 },
			VerdictSaturated, "19799 of 20000",
			func(r *Record) { unanswered(200, "timeout")(r); r.Load.Sent -= 200 }},
		{"queue grows", "open",
			func(r *Record) { r.Load.QueueStart, r.Load.QueueEnd = 3, 3+425 }, // 3 x sqrt(20,000) = 424.3
			VerdictSaturated, "the queue grew from 3 to 428",
			func(r *Record) { r.Load.QueueStart, r.Load.QueueEnd = 3, 3+424 }},
		{"closed loop saturates by design", "open", unanswered(300, "timeout"), VerdictSaturated, "of 20000",
			func(r *Record) { unanswered(300, "timeout")(r); r.Load.Mode = modeClosed }},

		{"unsteady", "open", shifted(100, 0.11), VerdictUnsteady, "moved by 10 %", shifted(100, 0.09)},
		{"unsteady halves", "open", shifted(20, 0.2), VerdictUnsteady, "moved by 18 %", shifted(20, 0.09)},
		{"unsteady closed loop", modeClosed, shifted(50, 0.5), VerdictUnsteady, "moved by", shifted(4, 0.5)},
		{"unsteady anywhere, from 50 windows on", "open", slowStart(50), VerdictUnsteady, "moved by", slowStart(40)},
		{"unsteady beyond chance", "open", shifted(20, 0.5), VerdictUnsteady, "moved by 40 %", restless},
		{"unsteady needs requests", "open", shifted(1000, 0.5), VerdictUnsteady, "moved by",
			func(r *Record) { shifted(1000, 0.5)(r); thin(r, 19) }},

		{"no steal", "open",
			func(r *Record) { r.Machine.StealShare = nil },
			VerdictUnverified, "steal",
			func(r *Record) { r.Machine.PSISomeShare = nil }}, // without a certificate no rule needs it
		{"no run delay", "open",
			func(r *Record) { r.Machine.RunDelayQuietShare = p(0.0) },
			VerdictUnverified, "run delay",
			func(r *Record) { r.Machine.RunDelayShare = p(0.0) }},
		{"no CPU pressure", "open",
			func(r *Record) { r.Machine.PSIQuietShare, r.Machine.PSISomeShare = p(0.0), nil },
			VerdictUnverified, "CPU pressure",
			func(r *Record) { r.Machine.PSISomeShare = nil }},
		{"no probe", "open",
			func(r *Record) { r.Machine.ProbeBeforeNs = nil },
			VerdictUnverified, "the speed probe",
			func(r *Record) { r.Machine.ListenOverflows = nil }},
		{"no foreign CPU", "open",
			func(r *Record) { r.Machine.ForeignShare = nil },
			VerdictUnverified, "foreign CPU",
			func(r *Record) { r.Machine.SynRetrans = nil }},
	} {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			r := soundRecord(rule.mode)
			if verdict, reasons := TrialVerdict(r); verdict != VerdictValid || len(reasons) > 0 {
				t.Fatalf("the sound trial is %s %q", verdict, reasons)
			}
			rule.near(r)
			if verdict, reasons := TrialVerdict(r); verdict != VerdictValid || len(reasons) > 0 {
				t.Errorf("near miss: %s %q, want valid", verdict, reasons)
			}
			r = soundRecord(rule.mode)
			rule.trips(r)
			verdict, reasons := TrialVerdict(r)
			if verdict != rule.verdict || len(reasons) != 1 || !strings.HasPrefix(reasons[0], rule.verdict+": ") || !strings.Contains(reasons[0], rule.reason) {
				t.Errorf("%s %q, want %s and one reason with %q", verdict, reasons, rule.verdict, rule.reason)
			}
		})
	}
}

// thin leaves so many requests in each point of the series.
func thin(r *Record, requests uint64) {
	for i := range r.Load.Series {
		r.Load.Series[i].Count = requests
	}
}

func TestVerdictPrecedence(t *testing.T) {
	t.Parallel()
	r := soundRecord("open")
	// Trips the rules from the weakest to the strongest: each takes over and
	// the reasons of all before stay.
	for i, step := range []struct {
		verdict string
		change  change
	}{
		{VerdictUnverified, func(r *Record) { r.Machine.ForeignShare = nil }},
		{VerdictUnsteady, shifted(100, 0.4)},
		{VerdictSaturated, unanswered(5000, "timeout")},
		{VerdictClientLimited, func(r *Record) { r.Load.BusyShare = 0.9 }},
		{VerdictNoisy, func(r *Record) { r.Machine.StealShare = p(0.2) }},
		{VerdictInconsistent, func(r *Record) { r.Load.MeanInFlight = 0 }},
	} {
		step.change(r)
		verdict, reasons := TrialVerdict(r)
		if verdict != step.verdict || len(reasons) != i+1 || !strings.HasPrefix(reasons[0], step.verdict+": ") {
			t.Errorf("after %s: %s %q", step.verdict, verdict, reasons)
		}
	}
	r.Failure = &Failure{Stage: "stop", Reason: "the server did not end"}
	if verdict, reasons := TrialVerdict(r); verdict != VerdictFailed || len(reasons) != 1 {
		t.Errorf("a failed trial is %s %q; nothing else of it can be judged", verdict, reasons)
	}
}

// TestRunVerdictsCompareWithTheMedian: the one rule that needs all trials.
func TestRunVerdictsCompareWithTheMedian(t *testing.T) {
	t.Parallel()
	var records []Record
	for _, probe := range []float64{20e6, 20e6, 20e6, 21.9e6, 22.1e6, 17.9e6, 18.1e6} {
		r := soundRecord("open")
		probes(probe, probe)(r)
		Derive(r)
		records = append(records, *r)
	}
	saturatedToo := soundRecord("open")
	unanswered(5000, "timeout")(saturatedToo)
	probes(30e6, 30e6)(saturatedToo)
	Derive(saturatedToo)
	dead := soundRecord("open")
	probes(30e6, 30e6)(dead)
	dead.Failure = &Failure{Stage: "fill", Reason: "it hung"}
	Derive(dead)
	blind := soundRecord("open")
	blind.Machine = nil
	Derive(blind)
	records = append(records, *saturatedToo, *dead, *blind)

	var got []string
	for _, a := range RunVerdicts(records) {
		got = append(got, a.Verdict)
	}
	want := []string{
		VerdictValid, VerdictValid, VerdictValid, VerdictValid, VerdictNoisy, VerdictNoisy, VerdictValid,
		VerdictNoisy, VerdictFailed, VerdictUnverified,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if a := RunVerdicts(records)[7]; len(a.Reasons) != 2 || !strings.HasPrefix(a.Reasons[0], "noisy: speed probe 1 took 50") || !strings.HasPrefix(a.Reasons[1], "saturated: ") {
		t.Errorf("reasons %q, want both rules", a.Reasons)
	}
	if records[7].Verdict != VerdictSaturated {
		t.Errorf("the record was changed to %s", records[7].Verdict)
	}
}

// TestRunVerdictsKeepForeignVerdicts: a verdict that another program recorded
// without reasons is not lost.
func TestRunVerdictsKeepForeignVerdicts(t *testing.T) {
	t.Parallel()
	r := soundRecord("open")
	r.Verdict, r.Reasons = VerdictNoisy, nil
	if a := RunVerdicts([]Record{*r})[0]; a.Verdict != VerdictNoisy || len(a.Reasons) != 1 {
		t.Errorf("%+v", a)
	}
}
