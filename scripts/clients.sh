#!/usr/bin/env bash
# Puts the HTTP server in front of the clients that this system has (curl, ab,
# wrk, h2load, nginx as a proxy, a browser, Python) and of hostile ones, and
# replays the conversations of servers/httpd/testdata/requests, on every
# backend. Says at the end which clients were not here: peers.sh installs them.
# Usage: clients.sh [PATTERN], of test names, such as 'Curl' or 'Hostile'
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
go test -count=1 -v -run "^Test(Client|Hostile|Replay).*${1:-}" ./servers ./servers/httpd >"$out" 2>&1 || status=$?
grep -E '^(--- |    --- (FAIL|SKIP)|        --- (FAIL|SKIP)|ok|FAIL|panic)' "$out" || true
if [ "$status" != 0 ]; then
	echo "clients: it failed; all of its output:" >&2
	cat "$out" >&2
elif grep -q SKIPPED "$out"; then
	echo "clients: not everything was here:"
	grep -h -o 'SKIPPED.*' "$out" | sort | uniq -c
else
	echo "clients: all of them are content"
fi
exit "$status"
