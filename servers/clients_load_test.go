package servers_test

import (
	"strings"
	"testing"

	"medusa/servers/httpd"
)

// loads are the load generators of others, with what they say when all is
// well and what they must not say.
var loads = []struct {
	name, program string
	args          []string
	requests      uint64 // 0: as many as fit into a time
	keeps         bool   // connections are few
	says          []string
	not           []string
}{
	{"ab", "ab", []string{"-q", "-n", "300", "-c", "10"}, 300, false, []string{"Complete requests:      300\n", "Failed requests:        0\n"}, []string{"Non-2xx"}},
	{"ab -k", "ab", []string{"-q", "-k", "-n", "1000", "-c", "10"}, 1000, true, []string{"Complete requests:      1000\n", "Failed requests:        0\n", "Keep-Alive requests:    1000\n"}, []string{"Non-2xx"}},
	{"wrk", "wrk", []string{"-t", "1", "-c", "20", "-d", "1"}, 0, true, []string{"Requests/sec:"}, []string{"Socket errors", "Non-2xx"}},
	{"h2load --h1", "h2load", []string{"--h1", "-n", "1000", "-c", "10"}, 1000, true, []string{"1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout"}, nil},
	{"h2load --h1, pipelined", "h2load", []string{"--h1", "-n", "1000", "-c", "10", "-m", "8"}, 1000, true, []string{"1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout"}, nil},
}

// TestClientLoad: load generators count no error.
func TestClientLoad(t *testing.T) {
	root := webRoot(t)
	for _, l := range loads {
		t.Run(l.name, func(t *testing.T) {
			path := program(t, l.program)
			onEach(t, func(t *testing.T, backend string) {
				for _, target := range []string{"/fixed/13", "/a.txt", "/text.txt"} {
					if l.requests == 0 && target != "/a.txt" {
						continue // it takes a second
					}
					s := open(t, backend, root, httpd.Config{})
					out, err := run(t, path, append(l.args, s.url(target))...)
					if err != nil {
						t.Fatalf("%s: %v\n%s", target, err, out)
					}
					for _, words := range l.says {
						if !strings.Contains(out, words) {
							t.Errorf("%s: it does not say %q:\n%s", target, words, out)
						}
					}
					for _, words := range l.not {
						if strings.Contains(out, words) {
							t.Errorf("%s: it says %q:\n%s", target, words, out)
						}
					}
					s.alone(ownFiles)
					var requests uint64
					s.do(func() { requests = s.http.Requests() })
					accepted := s.counts().Accepted
					if requests < max(l.requests, 1) || l.keeps && accepted > 30 || !l.keeps && accepted < l.requests {
						t.Errorf("%s: the server saw %d requests on %d connections", target, requests, accepted)
					}
				}
			})
		})
	}
}
