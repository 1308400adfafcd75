package httpd_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"medusa/poller/loop"
)

const (
	// atOnce is how many conversations are held at once on sockets.
	atOnce = 200
	// patience bounds what should happen at once.
	patience = 20 * time.Second
)

// onSockets holds the conversations with a server on a backend.
func (r *replays) onSockets(t *testing.T, backend string) {
	l, at := replayServer(t, backend, r.root, loop.MinBuffer, nil)
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	all := r.cuts()
	for start := 0; start < len(all) && !t.Failed(); start += atOnce {
		players := all[start:min(start+atOnce, len(all))]
		playSockets(t, l, at, players)
		r.verify(t, players)
	}
	var players []*player
	for _, v := range r.all {
		players = append(players, newPlayer(v, bytewise))
	}
	playSockets(t, l, at, players)
	r.verify(t, players)
	l.Stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// stage is a batch of conversations on sockets.
type stage struct {
	mu      sync.Mutex
	changed *sync.Cond // something came
	open    int        // conversations not done
}

// playSockets holds conversations with a server, all at once. In each round
// every client sends one piece, and the next round begins when the server has
// read these: so it sees the pieces one by one, and no time is waited for.
func playSockets(t *testing.T, l *loop.Loop, at netip.AddrPort, players []*player) {
	t.Helper()
	s := &stage{open: len(players)}
	s.changed = sync.NewCond(&s.mu)
	timer := time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range players {
			if !c.done {
				c.fail("nothing more happens")
			}
		}
		s.open = 0
		s.changed.Broadcast()
	})
	defer timer.Stop()
	read := bytesRead(l)
	conns := make([]*net.TCPConn, len(players))
	var readers sync.WaitGroup
	for i, c := range players {
		conn, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = conn.(*net.TCPConn)
		readers.Go(func() { s.read(c, conn) })
	}
	for s.round(players, conns, &read) {
		timer.Reset(patience)
		for n := bytesRead(l); n < read; n = bytesRead(l) {
			if s.over() {
				break
			}
			runtime.Gosched()
		}
	}
	for _, conn := range conns {
		// What ends by a reset leaves no TIME_WAIT, of which this would make
		// too many.
		_ = conn.SetLinger(0)
		_ = conn.Close()
	}
	readers.Wait()
}

// round lets every client send a piece that may. It waits for one that may,
// and returns false when all conversations are done. read grows by what was
// sent.
func (s *stage) round(players []*player, conns []*net.TCPConn, read *uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.open > 0 {
		sent := false
		for i, c := range players {
			p, fin, ok := c.next()
			if !ok {
				continue
			}
			// The server may have gone as it should have, or not: the reader
			// says which.
			if n, err := conns[i].Write(p); err == nil {
				*read += uint64(n)
			}
			if fin {
				_ = conns[i].CloseWrite()
			}
			c.sent(fin)
			sent = true
		}
		if sent {
			return true
		}
		s.changed.Wait()
	}
	return false
}

// read takes what comes until the end.
func (s *stage) read(c *player, conn net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		s.mu.Lock()
		was := c.done
		c.receive(buf[:n])
		if errors.Is(err, io.EOF) {
			c.end(nil)
		} else if err != nil {
			c.end(err)
		}
		if c.done && !was && s.open > 0 {
			s.open--
		}
		s.changed.Broadcast()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *stage) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open == 0
}

// bytesRead is how many bytes the server has read from all connections.
func bytesRead(l *loop.Loop) uint64 {
	n := make(chan uint64)
	l.Post(func() { n <- l.Counts().BytesIn })
	return <-n
}
