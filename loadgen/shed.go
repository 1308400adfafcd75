package loadgen

import "medusa/poller/loop"

// sheds says whether a status, as the first on a connection that the server then
// closes, turns the client away: 503 (RFC 9110 section 15.6.4), or 421 as the
// reply of a server of FTP that has no place (RFC 959 section 4.2.2).
func sheds(status int) bool { return status == 503 || status == 421 }

// turnedAway ends a connection that the server has accepted and does not serve.
// An answer that said so is none.
func (c *conn) turnedAway(now loop.Time) {
	if c.whole > 0 {
		c.whole--
	}
	c.g.lose(c, now, Shed, true)
}
