package httpd_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// player is the client's side of a conversation, without a connection: what to
// send next, and what to make of what comes.
type player struct {
	v     *conversation
	cut   int
	sends []send

	got     []byte
	parsed  int // bytes of got that are whole replies
	left    []byte
	matched int // of v.replies
	finSent bool
	probed  bool
	known   bool // the probe was answered
	done    bool
	wrong   []string
}

func newPlayer(v *conversation, cut int) *player {
	return &player{v: v, cut: cut, sends: v.plan(cut)}
}

// probe is the request that shows that a connection goes on.
const probe = "GET /fixed/7 HTTP/1.1\r\nHost: probe\r\n\r\n"

// next says what to send now, if anything, and whether FIN follows it.
func (c *player) next() (p []byte, fin, ok bool) {
	switch {
	case c.done || c.finSent:
	case len(c.sends) > 0:
		if c.sends[0].after > c.matched {
			break
		}
		return c.sends[0].bytes, c.v.fin && len(c.sends) == 1, true
	case c.v.fin:
		return nil, true, true
	case c.v.kept && c.matched == len(c.v.replies) && !c.probed:
		return []byte(probe), false, true
	case c.known:
		return nil, true, true
	}
	return nil, false, false
}

// sent is called when what next said is on its way.
func (c *player) sent(fin bool) {
	c.finSent = fin
	if len(c.sends) > 0 {
		c.sends = c.sends[1:]
	} else if !fin {
		c.probed = true
	}
}

// receive takes what came.
func (c *player) receive(p []byte) {
	if c.done {
		return
	}
	c.got = append(c.got, p...)
	c.parse(false)
}

// end takes the end of the connection: the server's FIN if err is nil.
func (c *player) end(err error) {
	if c.done {
		return
	}
	c.parse(true)
	switch {
	case c.done:
		return
	case err != nil:
		c.fail("the connection ended with %v", err)
	case c.parsed < len(c.got):
		c.fail("the connection ended inside of a response: %.200q", c.got[c.parsed:])
	case c.skip() < len(c.v.replies):
		c.fail("the server closed after %d of %d responses", c.matched, len(c.v.replies))
	case c.v.kept && !c.known:
		c.fail("the server closed; this connection was to be kept")
	}
	c.done = true
}

// fail ends the conversation as a bad one.
func (c *player) fail(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
	c.done = true
}

// skip passes over replies that may be left out, and returns the number of
// those that have come or been passed over.
func (c *player) skip() int {
	for c.matched < len(c.v.replies) && c.v.replies[c.matched].maybe {
		c.matched++
	}
	return c.matched
}

func (c *player) parse(ended bool) {
	for !c.done && c.parsed < len(c.got) {
		bare := false
		for i := c.matched; i < len(c.v.replies); i++ {
			if e := c.v.replies[i]; !e.maybe {
				bare = e.head
				break
			}
		}
		p := c.got[c.parsed:]
		r, err := nextReply(p, bare, ended)
		switch {
		case err == errPart:
			if c.matched == len(c.v.replies) && (!c.probed || c.known) {
				c.fail("after the last response comes %.200q", p)
			}
			return
		case err != nil:
			c.fail("%v", err)
			return
		}
		c.parsed += r.size
		c.judge(&r, p[:r.size])
	}
}

// judge compares a reply to the next one expected.
func (c *player) judge(r *reply, raw []byte) {
	for c.matched < len(c.v.replies) {
		e := c.v.replies[c.matched]
		c.matched++
		if e.maybe {
			if r.status == e.status {
				return // not part of what is compared
			}
			continue
		}
		c.left = append(c.left, undated(raw)...)
		for _, w := range e.check(r) {
			c.fail("line %d: %s", e.line, w)
		}
		return
	}
	if c.probed && !c.known && r.status == 200 && string(r.body) == "Hello, " {
		c.known = true
		return
	}
	c.fail("after the last response comes %.200q", raw)
}

var boundary = regexp.MustCompile(`boundary="?([0-9A-Za-z'()+_,./:=?-]{1,70})"?\r\n`)

// undated is a reply without its date.
func undated(raw []byte) []byte {
	const name = "\r\nDate: "
	start := bytes.Index(raw, []byte(name))
	if start < 0 {
		return raw
	}
	start += len(name)
	end := start + max(bytes.IndexByte(raw[start:], '\r'), 0)
	if _, err := time.Parse(http.TimeFormat, string(raw[start:end])); err != nil {
		return raw
	}
	return append(append(raw[:start:start], '*'), raw[end:]...)
}

// transcript is what came, without what may differ from time to time: dates,
// replies that may be left out, and the boundaries of multipart bodies.
func (c *player) transcript() string {
	p := c.left
	if bytes.Contains(p, []byte("multipart/byteranges")) {
		for _, m := range boundary.FindAllSubmatch(p, -1) {
			p = bytes.ReplaceAll(p, m[1], []byte("*"))
		}
	}
	return string(p)
}

// complaint is what was wrong, in words, or "".
func (c *player) complaint() string {
	if len(c.wrong) == 0 {
		return ""
	}
	how := fmt.Sprintf("cut before byte %d", c.cut)
	switch c.cut {
	case whole:
		how = "sent whole"
	case bytewise:
		how = "sent byte by byte"
	}
	return fmt.Sprintf("%s, %s: %s\ngot %.2000q", c.v.name, how, strings.Join(c.wrong, "; "), c.got)
}
