package httpd

import (
	"fmt"

	"medusa/poller/loop"
)

// retryAfter is after how many seconds a client that was refused may try again: as
// soon as the field can say.
const retryAfter = 1

// Refusal is what a client gets for whom there is no connection: 503 (RFC 9110
// section 15.6.4), whatever it asks, as nobody reads it. It has no Date, which a
// 5xx need not have (section 6.6.1), so that it can be made once.
func Refusal() []byte {
	const body = "503 Service Unavailable\n"
	return fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nServer: medusa\r\nContent-Type: %s\r\n"+
		"Retry-After: %d\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", textPlain, retryAfter, len(body), body)
}

// Idle says whether the connection may be closed to make a place: no request is on
// its way, not even a part of one.
func (h *conn) Idle(*loop.Conn) bool {
	return h.exchange == nil && h.body == nil && !h.inHead && !h.more && !h.closing && !h.awaited
}

var _ loop.Idler = (*conn)(nil)
