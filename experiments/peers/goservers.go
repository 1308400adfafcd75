package peers

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

// GoServers are the servers that Go programs have at hand, by name.
var GoServers = map[string]GoServer{
	"fasthttp": {serveFastHTTP, func() string {
		return "fasthttp " + moduleVersion("github.com/valyala/fasthttp") + ", " + runtime.Version()
	}},
	"nethttp": {serveNetHTTP, func() string { return "net/http of " + runtime.Version() }},
}

// GoServer is one of them: it answers /fixed/N with N bytes and other paths
// with files below a root, as a program does that was written in an hour. Its
// GOMAXPROCS is the number of CPUs that the process may run on, which is Go's
// own choice.
type GoServer struct {
	Serve   func(l net.Listener, root string) error
	Version func() string
}

// ServeGo listens and serves until it is told to end.
func ServeGo(signals <-chan os.Signal, name string, at netip.AddrPort, root string) error {
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- GoServers[name].Serve(l, root) }()
	select {
	case <-signals:
		l.Close()
		return nil
	case err := <-failed:
		return fmt.Errorf("%s: %w", name, err)
	}
}

const (
	fixedPrefix = "/fixed/"
	fixedMost   = 1 << 20
	fixedText   = "Hello, World!"
)

// Body is N bytes of the text that every server of a comparison replies with.
func Body(n int) []byte {
	return []byte(strings.Repeat(fixedText, n/len(fixedText)+1)[:n])
}

// FixedSize is the N of a path such as /fixed/N, with this prefix.
func FixedSize(path, prefix string) (n int, ok bool) { return sizeOf(path, prefix, fixedMost) }

// FileSize is the N of the path of a file that a trial makes, as /files/N.
func FileSize(path, prefix string) (n int, ok bool) { return sizeOf(path, prefix, fileMost) }

// fileMost bounds the files that a trial makes, in bytes.
const fileMost = 1 << 30

func sizeOf(path, prefix string, most int) (n int, ok bool) {
	digits, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 0 && n <= most
}

func serveNetHTTP(l net.Listener, root string) error {
	body := Body(fixedMost)
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(root)))
	mux.HandleFunc("GET "+fixedPrefix, func(w http.ResponseWriter, r *http.Request) {
		n, ok := FixedSize(r.URL.Path, fixedPrefix)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(body[:n]) // the client has gone
	})
	err := http.Serve(l, mux)
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func serveFastHTTP(l net.Listener, root string) error {
	body := Body(fixedMost)
	files := (&fasthttp.FS{Root: root, AcceptByteRange: true}).NewRequestHandler()
	s := &fasthttp.Server{Handler: func(c *fasthttp.RequestCtx) {
		n, ok := FixedSize(string(c.Path()), fixedPrefix)
		if !ok {
			files(c)
			return
		}
		c.SetContentType("text/plain")
		_, _ = c.Write(body[:n]) // into memory
	}}
	return s.Serve(l)
}

// moduleVersion is the version of a module that this program was built with.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == path {
				return m.Version
			}
		}
	}
	return "of an unknown version"
}
