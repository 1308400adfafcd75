#!/bin/sh
# Runs go test, and says at the end what was skipped because something is not
# here, and why: go test alone keeps that to itself. scripts/peers.sh installs
# the clients and servers that tests need.
# Usage: test.sh ARGUMENTS-OF-GO-TEST
cd "$(dirname "$0")/.." || exit 1
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

# Packages are shown as they end; everything is kept.
{ ${GO:-go} test -v "$@" 2>&1; echo $? >"$out/status"; } | tee "$out/log" |
	grep -E '^(ok|FAIL|panic:|---? FAIL)|^[^ ]*\.go:[0-9]+:[0-9]+:'
status=$(cat "$out/status")
if [ "$status" != 0 ]; then
	echo "test: it failed; its output without what passed:"
	grep -v -E '^ *(=== (RUN|PAUSE|CONT|NAME)|--- PASS)' "$out/log"
fi
if grep -q 'SKIPPED: ' "$out/log"; then
	echo "test: SKIPPED:"
	grep -o 'SKIPPED: .*' "$out/log" | sed 's/^SKIPPED: /  /' | sort | uniq -c
fi
exit "$status"
