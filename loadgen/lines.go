package loadgen

import (
	"errors"
	"fmt"
	"strings"
)

// This file is what a Spec says of its lines: how fast they are read, how much
// the kernel holds of them, and how many requests they have.

// maxReceiveBuffer bounds SO_RCVBUF, in bytes: what the kernel takes is doubled.
const maxReceiveBuffer = 1 << 29

// goingOn and goingOff end the requests of connections that have so many: the
// last says so to the server, which closes first and keeps the port, and has as
// many bytes as the others, that requests can be told from bytes. White space
// before a value is no part of it (RFC 9110 section 5.5).
const (
	goingOn  = "Connection: keep-alive\r\n"
	goingOff = "Connection:      close\r\n"
)

// each is how many requests an active connection has; 0: any number.
func (s Spec) each() int {
	if s.NoKeepAlive {
		return 1
	}
	return s.PerConnection
}

// brief says that connections are opened for requests and have so many only.
func (s Spec) brief() bool { return s.each() > 0 }

// open is how many connections are open at once, at most.
func (s Spec) open() int {
	n := s.Connections + s.Idle + s.Slow
	if s.isFTP() {
		n += s.Connections // for data
		if s.FTP.active() {
			n += s.Connections // and to listen for it
		}
	}
	return n
}

// lineRate is the rate of an active connection, of which slot is the place, or of
// an idle one (-1), whose replies nobody measures.
func (s Spec) lineRate(slot int) int64 {
	if slot < 0 {
		return 0
	}
	return s.ReadRate
}

// lastRequest is the last one of a connection that has more than one; nil where
// it does not differ from the others.
func (s Spec) lastRequest() []byte {
	t, err := s.parse()
	if err != nil || t.echo > 0 || s.isFTP() || s.each() < 2 {
		return nil
	}
	return t.get(goingOff)
}

// slowRequest asks for what the clients on slow lines download.
func (s Spec) slowRequest() ([]byte, error) {
	t, err := s.parse()
	if err != nil {
		return nil, err
	}
	if s.SlowPath != "" {
		t.path = s.SlowPath
	}
	return t.get(""), nil
}

// checkLines is the part of Check that is about lines.
func (s Spec) checkLines() error {
	switch {
	case s.PerConnection < 0 || s.PerConnection > 1e9:
		return fmt.Errorf("--requests-per-connection %d: give a number from 1 to 1000000000, or 0 for any", s.PerConnection)
	case s.PerConnection > 1 && s.NoKeepAlive:
		return fmt.Errorf("--requests-per-connection %d and --no-keep-alive: a connection for each request has one", s.PerConnection)
	case s.PerConnection > 0 && s.Depth > 1:
		return fmt.Errorf("--depth %d and --requests-per-connection: give one of them, what is on its way when a connection ends would be lost", s.Depth)
	case s.PerConnection > 0 && s.Assign == AssignTurn:
		return errors.New("--assign turn and --requests-per-connection: clients that change their connections have none of their own")
	case s.ReadRate < 0 || s.ReadRate > maxByteRate:
		return fmt.Errorf("--read-rate %d: give 1 to %d bytes/s, or 0 for as fast as can be", s.ReadRate, int64(maxByteRate))
	case s.ReceiveBuffer < 0 || s.ReceiveBuffer > maxReceiveBuffer:
		return fmt.Errorf("--receive-buffer %d: give up to %d bytes, or 0 for the system's", s.ReceiveBuffer, maxReceiveBuffer)
	case s.SlowReceiveBuffer < 0 || s.SlowReceiveBuffer > maxReceiveBuffer:
		return fmt.Errorf("--slow-receive-buffer %d: give up to %d bytes, or 0 for the system's", s.SlowReceiveBuffer, maxReceiveBuffer)
	case s.Slow < 0 || s.Slow > maxConnections:
		return fmt.Errorf("--slow %d: give a number from 0 to %d", s.Slow, maxConnections)
	case s.Slow == 0 && s.Of <= 1 && (s.SlowRate != 0 || s.SlowPath != "" || s.SlowReceiveBuffer != 0):
		return errors.New("--slow-rate, --slow-path and --slow-receive-buffer are of slow connections: give --slow N as well")
	case s.Slow == 0:
		return nil
	case !strings.HasPrefix(s.URL, "http://"):
		return fmt.Errorf("--slow %d: only http has slow connections; give an http URL", s.Slow)
	case s.SlowRate < 1 || s.SlowRate > maxByteRate:
		return fmt.Errorf("--slow-rate %d: give the 1 to %d bytes/s that each of the --slow connections is read at", s.SlowRate, int64(maxByteRate))
	case s.SlowPath != "" && (s.SlowPath[0] != '/' || strings.ContainsAny(s.SlowPath, "\r\n \x00")):
		return fmt.Errorf("--slow-path %q: give a path that begins with / and has no space or control character", s.SlowPath)
	case s.Leave > 0:
		return errors.New("--slow and --leave: give one of them, a slow client does not wait for a place")
	}
	return nil
}
