#!/usr/bin/env bash
# Checks that a run folder holds a report that a browser can show: every part
# there, nothing fetched from elsewhere, each figure with its numbers.
# Usage: check-report.sh RUN
set -euo pipefail
run=$1
fail() { echo "check-report: $*" >&2; exit 1; }

for f in suite.yaml plan.json environment.json trials.jsonl report.html; do
	[ -s "$run/$f" ] || fail "$run/$f is missing or empty"
done
html=$run/report.html
for words in "ANSWER" "CAN I BELIEVE IT?" "WHAT THIS DOES NOT SHOW" "MACHINE" "AGAIN" "DATA" "<svg"; do
	grep -q -i -F "$words" "$html" || fail "$html does not have: $words"
done
if grep -q -E '(src|href)="?(https?:)?//' "$html"; then
	fail "$html refers to something outside of it"
fi
figures=0
for svg in "$run"/figures/*.svg; do
	for other in png csv; do
		[ -s "${svg%.svg}.$other" ] || fail "${svg%.svg}.$other is missing or empty"
	done
	figures=$((figures + 1))
done
[ "$figures" -ge 2 ] || fail "$run/figures has $figures figures"
failed=$(grep -c '"verdict":"failed"' "$run/trials.jsonl" || true)
[ "$failed" = 0 ] || fail "$failed trials failed: $(grep -o '"failure":{[^}]*}' "$run/trials.jsonl" | head -n 1)"
for hlog in "$run"/latency/*.hlog; do
	[ -s "$hlog" ] || fail "$run/latency has no histograms"
done
echo "check-report: $run is whole: $(wc -l <"$run/trials.jsonl") trials, $figures figures"
