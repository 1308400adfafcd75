package experiments

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	"medusa/experiments/peers"
	"medusa/results"
)

// Server is a server of another program that a suite gives a name. The name
// may then stand wherever the name of a backend may.
type Server struct {
	peers.Spec
	at place
}

var (
	serverKeys  = []string{"command", "config", "source", "ready", "path", "stop", "needs", "version"}
	stopSignals = []string{"TERM", "INT", "QUIT"}
	serverName  = regexp.MustCompile(`^[a-z][a-z0-9._-]*$`)
)

// maxSpec bounds a server with the files that it is configured with, in bytes:
// it is an argument of a command, which Linux bounds by 128 KiB
// (execve(2), MAX_ARG_STRLEN), and is encoded for that.
const maxSpec = 64 << 10

// readServers reads the servers of a suite: name: {command: [...], ...}.
func (s *Suite) readServers(p place) error {
	pairs, err := p.pairs("servers")
	if err != nil {
		return err
	}
	for _, e := range pairs {
		if !serverName.MatchString(e.key) || e.key == "here" {
			return e.at.fail("a server's name is a word of a-z, 0-9, '.', '_' and '-', not %q", e.key)
		}
		server, err := s.readServer(e)
		if err != nil {
			return err
		}
		s.Servers = append(s.Servers, server)
	}
	return nil
}

func (s *Suite) readServer(e pair) (Server, error) {
	server := Server{Spec: peers.Spec{Name: e.key}, at: e.at}
	pairs, err := e.value.pairs("the server " + e.key)
	if err != nil {
		return server, err
	}
	for _, k := range pairs {
		if !contains(serverKeys, k.key) {
			return server, k.unknown("key of a server", serverKeys...)
		}
		if err := s.readServerKey(&server.Spec, k); err != nil {
			return server, err
		}
	}
	if len(server.Command) == 0 {
		return server, e.at.fail("the server %s needs a command", e.key)
	}
	text, err := json.Marshal(server.Spec)
	if err != nil {
		return server, e.at.locate(err)
	}
	if len(text) > maxSpec {
		return server, e.at.fail("the server %s has %d bytes with its files; %d are the most", e.key, len(text), maxSpec)
	}
	return server, nil
}

func (s *Suite) readServerKey(spec *peers.Spec, k pair) (err error) {
	words := func(into *[]string) error {
		if *into, err = k.value.texts(k.key); err != nil {
			return err
		}
		for _, w := range *into {
			if err := peers.CheckWords(w); err != nil {
				return k.value.locate(err)
			}
		}
		return nil
	}
	path := func(into *string) error {
		if *into, err = k.value.text(k.key); err == nil && !strings.HasPrefix(*into, "/") {
			err = k.value.fail("%s must begin with /, not %q", k.key, *into)
		}
		return err
	}
	switch k.key {
	case "command":
		return words(&spec.Command)
	case "version":
		return words(&spec.Version)
	case "needs":
		spec.Needs, err = k.value.texts(k.key)
	case "ready":
		return path(&spec.Ready)
	case "path":
		return path(&spec.Path)
	case "stop":
		if spec.Stop, err = k.value.text(k.key); err == nil && !contains(stopSignals, spec.Stop) {
			err = k.value.fail("stop must be %s, not %q", orList(stopSignals), spec.Stop)
		}
	case "source":
		var name string
		if name, err = k.value.text(k.key); err == nil {
			spec.Source = &peers.File{}
			*spec.Source, err = s.readPeerFile(k.value, name)
		}
	case "config":
		var names []string
		if names, err = k.value.texts(k.key); err != nil {
			return err
		}
		base := map[string]bool{}
		for _, name := range names {
			f, err := s.readPeerFile(k.value, name)
			if err != nil {
				return err
			}
			if base[filepath.Base(name)] {
				return k.value.fail("two files of one server are called %s", filepath.Base(name))
			}
			base[filepath.Base(name)] = true
			spec.Config = append(spec.Config, f)
		}
	}
	return err
}

// readPeerFile reads a file that a server names: from the folder peers beside
// the suite's file, or else of those that are shipped.
func (s *Suite) readPeerFile(at place, name string) (peers.File, error) {
	if !fs.ValidPath(name) {
		return peers.File{}, at.fail("%q is no relative path without . and ..", name)
	}
	if s.Dir != "" {
		text, err := os.ReadFile(filepath.Join(s.Dir, results.PeersFolder, filepath.FromSlash(name)))
		if err == nil {
			return peers.File{Name: name, Text: string(text)}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return peers.File{}, at.locate(err)
		}
	}
	text, err := fs.ReadFile(peers.Shipped(), name)
	if err != nil {
		var known []string
		_ = fs.WalkDir(peers.Shipped(), ".", func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				known = append(known, path)
			}
			return nil
		})
		return peers.File{}, at.fail("there is no file %s in the folder %s beside the suite, and none is shipped; the nearest is %q", name, results.PeersFolder, results.Nearest(name, known))
	}
	return peers.File{Name: name, Text: string(text)}, nil
}

// PeerFiles are the files that the suite's servers name: a run folder keeps
// them, so that its suite can be run again from there.
func (s *Suite) PeerFiles() map[string][]byte {
	files := map[string][]byte{}
	for _, server := range s.Servers {
		for _, f := range server.Files() {
			files[results.PeersFolder+"/"+f.Name] = []byte(f.Text)
		}
	}
	return files
}

// withServers adds a suite's servers to what a machine can serve with.
func (s *Suite) withServers(h Host) (Host, error) {
	h.Peers = nil
	for _, server := range s.Servers {
		if _, err := h.backend(server.Name); err == nil {
			return h, server.at.fail("%s is a backend of medusa: give the server another name", server.Name)
		}
	}
	for _, server := range s.Servers {
		h.Peers = append(h.Peers, BackendInfo{Name: server.Name, Why: h.lacks(server.Needs)})
	}
	h.Generators = nil
	for _, g := range s.Generators {
		h.Generators = append(h.Generators, BackendInfo{Name: g.Name, Why: h.lacks(g.Needs)})
	}
	return h, nil
}

// lacks is why what needs these programs cannot be run on this machine; ""
// when it can.
func (h Host) lacks(needs []string) string {
	if peers.Missing != "" {
		return peers.Missing
	}
	find := h.Program
	if find == nil {
		find = peers.Find
	}
	for _, name := range needs {
		if _, err := find(name); err != nil {
			return err.Error() + " (scripts/peers.sh installs it)"
		}
	}
	return ""
}

// isPeer says whether a name is that of a server of another program.
func (h Host) isPeer(name string) bool {
	return slices.ContainsFunc(h.Peers, func(b BackendInfo) bool { return b.Name == name })
}

// ownOnly are settings that only medusa's own servers honour.
var ownOnly = []string{"ring_without", "in_bytes", "out_bytes", "buffers", "file_io", "cold_files", "transfer", "data_connection", "mix", "store_bytes", "congestion", "message_bytes", "accepts_per_turn", "defer_accept_s", "fd_base",
	"on_full", "max_connections", "head_timeout_s", "idle_timeout_s"}

// cannot is why a server of another program cannot do what a cell asks for; ""
// when it can.
func (h Host) cannot(v values) string {
	name := v.text("backend")
	if !h.isPeer(name) {
		return ""
	}
	var not []string
	for _, setting := range ownOnly {
		if v.has(setting) && v[setting] != nothing {
			not = append(not, setting)
		}
	}
	if v.text("server_wait") == "poll" {
		not = append(not, "server_wait: poll")
	}
	if v.serverProcesses() > 1 {
		not = append(not, "server_processes")
	}
	if v.on("settle_memory") {
		not = append(not, "settle_memory")
	}
	if p := v.text("protocol"); p != "http" {
		not = append(not, "protocol: "+p)
	}
	if len(not) == 0 {
		return ""
	}
	sort.Strings(not)
	return name + " is another program: it cannot be asked for " + strings.Join(not, ", ")
}
