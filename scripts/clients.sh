#!/bin/sh
# Puts the HTTP server in front of the clients that this system has (curl, ab,
# wrk, h2load, nginx as a proxy, a browser, Python) and of hostile ones, and
# replays the conversations of servers/httpd/testdata/requests, on every
# backend. Says at the end which clients were not here: peers.sh installs them.
# Usage: clients.sh [PATTERN], of test names, such as 'Curl' or 'Hostile'
exec "$(dirname "$0")/test.sh" -count=1 -run "^Test(Client|Hostile|Replay).*${1:-}" ./servers ./servers/httpd
