package peers

import (
	"io"
	"net"
	"testing"
	"time"
)

// Both floors reply once, whatever pieces the request comes in, and close first.
// The one that closes in stages takes what the client still sends; to the other
// it is a reset.
func TestChurnFloors(t *testing.T) {
	if _, err := Find("cc"); err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	text, err := shipped.ReadFile("floor/churn.c")
	if err != nil {
		t.Fatal(err)
	}
	source := File{"floor/churn.c", string(text)}
	const want = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"
	for _, way := range []string{"close", "staged"} {
		ready := begin(t, "floor-"+way, func(c *Config) {
			c.Command, c.Source = []string{"{program}", "{address}", "{port}", way}, &source
		}).ready()
		for _, pieces := range [][]string{{"GET / HTTP/1.1\r\n\r\n"}, {"GET / HTTP/1.1\r", "\n\r", "\n"}} {
			c, err := net.Dial("tcp", ready.HTTP)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(patience))
			for _, piece := range pieces {
				if _, err := io.WriteString(c, piece); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Millisecond) // so that pieces stay pieces; the reply is the same without
			}
			if got, err := io.ReadAll(c); err != nil || string(got) != want {
				t.Errorf("%s: %q, %v", way, got, err)
			}
			_, _ = io.WriteString(c, "more")
			reset := false
			for range 20 { // a reset takes its time
				if _, err := io.WriteString(c, "more"); err != nil {
					reset = true
					break
				}
				time.Sleep(time.Millisecond)
			}
			if reset != (way == "close") {
				t.Errorf("%s: reset %v", way, reset)
			}
			c.Close()
		}
	}
}
