package servers

import (
	"fmt"
	"os"

	"medusa/servers/filesys"
	"medusa/servers/httpd"
)

// site is a directory whose files are served.
type site struct {
	dir   *filesys.Dir
	cache *filesys.Cache
}

// openSites opens the directories and the access log, which are closed by
// closeWeb.
func (s *server) openSites(w web) (err error) {
	open := func(path string) (*site, error) {
		dir, err := filesys.Open(path)
		if err != nil {
			return nil, err
		}
		opened := &site{dir: dir}
		s.sites = append(s.sites, opened)
		return opened, nil
	}
	if s.cfg.Root != "" {
		if s.root, err = open(s.cfg.Root); err != nil {
			return err
		}
	}
	for _, h := range w.hosts {
		opened, err := open(h.dir)
		if err != nil {
			return fmt.Errorf("vhost %s: %w", h.name, err)
		}
		s.hosts = append(s.hosts, opened)
	}
	if s.cfg.AccessLog != "" {
		// Appending, so that a file that is cut while it is written to (by
		// logrotate with copytruncate, say) gets no hole.
		if s.logFile, err = os.OpenFile(s.cfg.AccessLog, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640); err != nil {
			err = fmt.Errorf("access log: %w", err)
		}
	}
	return err
}

// closeWeb is called when the loop has ended.
func (s *server) closeWeb() {
	for _, o := range s.sites {
		if o.cache != nil {
			o.cache.Close()
		}
		o.dir.Close()
	}
	for _, home := range s.homes {
		home.Close()
	}
	if s.log != nil {
		s.say(s.log.Close())
	}
	if s.logFile != nil {
		s.say(s.logFile.Close())
	}
}

// say tells the user of something that does not keep the server from serving.
func (s *server) say(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "medusa: %v\n", err)
	}
}

// newHTTP makes the HTTP server. Its chain of extensions: what is generated,
// what is elsewhere, and then files, by host where hosts are given.
func (s *server) newHTTP(w web, listeners int) (*httpd.Server, error) {
	var chain []httpd.Extension
	if s.cfg.Fixed {
		chain = append(chain, httpd.NewFixed())
	}
	if s.cfg.Delay {
		chain = append(chain, httpd.NewDelay())
	}
	upstream := httpd.ProxyOptions{Connections: s.divide(w.proxies())}
	for _, e := range w.elsewhere {
		if e.redirect != nil {
			chain = append(chain, e.redirect)
			continue
		}
		p, err := httpd.NewProxy(s.loop, e.prefix+"/", e.upstream, upstream)
		if err != nil {
			return nil, err
		}
		chain = append(chain, p)
	}
	files := s.files(s.root, listeners)
	if len(w.hosts) > 0 {
		chains := map[string][]httpd.Extension{}
		for i, h := range w.hosts {
			chains[h.name] = s.files(s.hosts[i], listeners)
		}
		hosts, err := httpd.NewHosts(chains, files)
		if err != nil {
			return nil, err
		}
		files = []httpd.Extension{hosts}
	}
	cfg := httpd.Config{
		Extensions:  append(chain, files...),
		IdleTimeout: s.cfg.IdleTimeout,
		HeadTimeout: s.cfg.HeadTimeout,
		Limits:      httpd.Limits{Content: s.cfg.MaxContent},
	}
	if s.logFile != nil {
		s.log = httpd.NewAccessLog(s.loop, s.logFile, s.say)
		cfg.Log = s.log
	}
	return httpd.New(s.loop, cfg), nil
}

// files serves a site, beside so many listeners of the process; nil is none.
func (s *server) files(o *site, listeners int) []httpd.Extension {
	if o == nil {
		return nil
	}
	o.cache = filesys.NewCache(o.dir, filesys.CacheOptions{Wall: s.loop.Wall, Readable: s.loop.Readable, Open: s.openFiles(listeners)})
	return []httpd.Extension{httpd.NewFiles(o.cache, httpd.FilesOptions{Listing: s.cfg.Listing})}
}
