package servers

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"medusa/servers/httpd"
)

// web is what a Config says of HTTP besides its address, parsed.
type web struct {
	redirects []*httpd.Redirect
	proxies   []upstream
	hosts     []host
}

// upstream is a server that gets the requests below a prefix.
type upstream struct {
	prefix  string
	address netip.AddrPort
}

// host is a virtual host and the directory whose files it serves.
type host struct{ name, dir string }

// parseWeb finds out what is served over HTTP.
func (c *Config) parseWeb() (w web, err error) {
	for _, text := range c.Redirects {
		from, to, ok := strings.Cut(text, "=")
		if !ok {
			return w, fmt.Errorf("redirect %q: give FROM=TO, such as /old=/new", text)
		}
		// Not for ever, and with the request's method.
		r, err := httpd.NewRedirect(from, to, 307)
		if err != nil {
			return w, err
		}
		w.redirects = append(w.redirects, r)
	}
	for _, text := range c.Proxies {
		u, err := parseUpstream(text)
		if err != nil {
			return w, err
		}
		w.proxies = append(w.proxies, u)
	}
	names := map[string][]httpd.Extension{}
	for _, text := range c.Hosts {
		name, dir, ok := strings.Cut(text, "=")
		if _, twice := names[name]; !ok || dir == "" || twice {
			return w, fmt.Errorf("vhost %q: give NAME=DIR, such as example.org=./site, each name once", text)
		}
		names[name] = nil
		w.hosts = append(w.hosts, host{name, dir})
	}
	if _, err := httpd.NewHosts(names, nil); err != nil {
		return w, fmt.Errorf("virtual %w", err)
	}
	files := c.Root != "" || len(c.Hosts) > 0
	serves := files || c.Fixed || c.Delay || len(c.Redirects)+len(c.Proxies) > 0
	switch {
	case c.MaxContent < 0:
		return w, fmt.Errorf("at most %d bytes of content: give 0 (1 MiB) or more", c.MaxContent)
	case c.Listing && !files:
		return w, errors.New("nothing to list: give a root directory or a vhost")
	case c.HTTP != "" && !serves:
		return w, errors.New("nothing to serve over http: give a root directory, a vhost, a proxy, a redirect, delay or the fixed response")
	case c.HTTP == "" && (serves || c.AccessLog != ""):
		return w, errors.New("nowhere to serve http: give an http address")
	}
	return w, nil
}

// parseUpstream reads PREFIX=http://HOST[:PORT].
func parseUpstream(text string) (u upstream, err error) {
	prefix, url, ok := strings.Cut(text, "=")
	authority, plain := strings.CutPrefix(url, "http://")
	if !ok || !plain {
		return u, fmt.Errorf("proxy %q: give PREFIX=http://HOST:PORT, such as /api=http://127.0.0.1:8081", text)
	}
	if err := httpd.CheckPrefix(prefix); err != nil {
		return u, fmt.Errorf("proxy for %w", err)
	}
	authority = strings.TrimSuffix(authority, "/")
	if strings.ContainsAny(authority, "/?#@") {
		return u, fmt.Errorf("proxy %q: requests keep their paths: give http://HOST:PORT alone", text)
	}
	if !strings.Contains(authority[strings.LastIndexByte(authority, ']')+1:], ":") {
		authority += ":80"
	}
	address, err := parseAddress(authority)
	if err != nil {
		return u, fmt.Errorf("proxy to %w", err)
	}
	if strings.HasPrefix(authority, ":") || address.Port() == 0 {
		return u, fmt.Errorf("proxy %q: give the upstream server's address and port", text)
	}
	return upstream{prefix: prefix, address: address}, nil
}
