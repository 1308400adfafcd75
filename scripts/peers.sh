#!/usr/bin/env bash
# Installs the servers and clients that tests and suites compare with, from
# Debian. Without them `make test` skips the tests that need them, and says so.
set -euo pipefail

packages=(nginx-light lighttpd apache2-bin apache2-utils wrk nghttp2-client gcc libc6-dev vsftpd curl lftp rclone python3)
missing=()
for p in "${packages[@]}"; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
if [ ${#missing[@]} -eq 0 ]; then
	echo "peers: all are here: ${packages[*]}"
	exit 0
fi
run=()
if [ "$(id -u)" != 0 ]; then run=(sudo); fi
export DEBIAN_FRONTEND=noninteractive
# A policy of 101 keeps apt from starting the servers that it installs.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | "${run[@]}" tee "$policy" >/dev/null
	"${run[@]}" chmod +x "$policy"
	trap '"${run[@]}" rm -f "$policy"' EXIT
fi
"${run[@]}" apt-get update -qq
"${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
