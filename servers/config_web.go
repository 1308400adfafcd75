package servers

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"medusa/servers/httpd"
)

// web is what a Config says of HTTP besides its address, parsed.
type web struct {
	elsewhere []elsewhere // the longest path first
	hosts     []host
}

// proxies is how many there are.
func (w *web) proxies() (n int) {
	for _, e := range w.elsewhere {
		if e.redirect == nil {
			n++
		}
	}
	return n
}

// elsewhere is what requests for a path, and those below it, get from somewhere
// else: a redirect, or the answer of another server.
type elsewhere struct {
	said     string // on the command line
	prefix   string // clean
	redirect *httpd.Redirect
	upstream netip.AddrPort // if redirect is nil
}

// host is a virtual host and the directory whose files it serves.
type host struct{ name, dir string }

// parseWeb finds out what is served over HTTP.
func (c *Config) parseWeb() (w web, err error) {
	for _, text := range c.Redirects {
		e, err := parseRedirect(text)
		if err == nil {
			err = w.add(e)
		}
		if err != nil {
			return w, err
		}
	}
	for _, text := range c.Proxies {
		e, err := parseProxy(text)
		if err == nil {
			err = w.add(e)
		}
		if err != nil {
			return w, err
		}
	}
	slices.SortStableFunc(w.elsewhere, func(a, b elsewhere) int { return len(b.prefix) - len(a.prefix) })
	names := map[string][]httpd.Extension{}
	for _, text := range c.Hosts {
		name, dir, ok := strings.Cut(text, "=")
		if !ok || dir == "" {
			return w, fmt.Errorf("vhost %q: give NAME=DIR, such as example.org=./site", text)
		}
		for _, h := range w.hosts {
			if h.name == name {
				return w, fmt.Errorf("vhost %q: vhost %q is for that host", text, h.name+"="+h.dir)
			}
		}
		names[name] = nil
		w.hosts = append(w.hosts, host{name, dir})
	}
	if _, err := httpd.NewHosts(names, nil); err != nil {
		return w, fmt.Errorf("vhosts: %w", err)
	}
	files := c.Root != "" || len(c.Hosts) > 0
	// What is for HTTP alone. The root may be FTP's.
	own := len(c.Hosts) > 0 || c.Listing || c.Fixed || c.Delay || len(c.Redirects)+len(c.Proxies) > 0
	switch {
	case c.MaxContent < 0:
		return w, fmt.Errorf("at most %d bytes of content: give 0 (1 MiB) or more", c.MaxContent)
	case c.Listing && !files:
		return w, errors.New("nothing to list: give a root directory or a vhost")
	case c.HTTP != "" && !files && !own:
		return w, errors.New("nothing to serve over http: give a root directory, a vhost, a proxy, a redirect, delay or the fixed response")
	case c.HTTP == "" && (own || c.AccessLog != "" || c.Root != "" && c.FTP.Address == ""):
		return w, errors.New("nowhere to serve http: give an http address")
	}
	return w, nil
}

// add refuses a path that is elsewhere already.
func (w *web) add(e elsewhere) error {
	for _, other := range w.elsewhere {
		if other.prefix == e.prefix {
			return fmt.Errorf("%s: %s is for that path", e.said, other.said)
		}
	}
	w.elsewhere = append(w.elsewhere, e)
	return nil
}

// parseRedirect reads FROM=TO.
func parseRedirect(text string) (e elsewhere, err error) {
	from, to, ok := strings.Cut(text, "=")
	if !ok {
		return e, fmt.Errorf("redirect %q: give FROM=TO, such as /old=/new", text)
	}
	e.said = fmt.Sprintf("redirect %q", text)
	if e.prefix, err = httpd.CleanPrefix(from); err != nil {
		return e, fmt.Errorf("redirect from %w", err)
	}
	// Not for ever, and with the request's method.
	e.redirect, err = httpd.NewRedirect(from, to, 307)
	return e, err
}

// parseProxy reads PREFIX=http://HOST[:PORT].
func parseProxy(text string) (e elsewhere, err error) {
	prefix, url, ok := strings.Cut(text, "=")
	authority, plain := strings.CutPrefix(url, "http://")
	if !ok || !plain {
		return e, fmt.Errorf("proxy %q: give PREFIX=http://HOST:PORT, such as /api=http://127.0.0.1:8081", text)
	}
	e.said = fmt.Sprintf("proxy %q", text)
	if e.prefix, err = httpd.CleanPrefix(prefix); err != nil {
		return e, fmt.Errorf("proxy for %w", err)
	}
	authority = strings.TrimSuffix(authority, "/")
	if strings.ContainsAny(authority, "/?#@") {
		return e, fmt.Errorf("proxy %q: requests keep their paths: give http://HOST:PORT alone", text)
	}
	if !strings.Contains(authority[strings.LastIndexByte(authority, ']')+1:], ":") {
		authority += ":80"
	}
	if e.upstream, err = parseAddress(authority); err != nil {
		return e, fmt.Errorf("proxy to %w", err)
	}
	if strings.HasPrefix(authority, ":") || e.upstream.Port() == 0 {
		return e, fmt.Errorf("proxy %q: give the upstream server's address and port", text)
	}
	return e, nil
}
