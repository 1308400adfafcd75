package experiments

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"medusa/control"
	"medusa/experiments/peers"
	"medusa/results"
)

// peerArgs are the arguments of the process that runs a server of another
// program. The server is encoded: a shell between here and there (ssh) would
// take its braces and quotes for its own.
func peerArgs(spec peers.Spec, v values, address netip.Addr, cpus, own []int) ([]string, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	a := []string{"peer", base64.RawURLEncoding.EncodeToString(text), "--control", "stdio", "--address", address.String(), "--nofile", whole(v.number("nofile"))}
	if len(cpus) > 0 {
		a = append(a, "--cpu", cpuList(cpus))
	}
	if len(own) > 0 {
		a = append(a, "--own-cpu", cpuList(own))
	}
	return a, nil
}

// filesPrefix begins the paths of files that a trial makes: /files/N has N
// bytes, the same as /fixed/N.
const filesPrefix = "/files/"

// serverCommand returns the arguments of the trial's server, and makes the
// files that it serves.
func (t *trial) serverCommand(address netip.Addr, cpus []int) ([]string, error) {
	path := t.set.text("path")
	spec, peer := t.peers[t.set.text("backend")]
	if peer && spec.Path != "" {
		path = spec.Path
		t.set["path"] = path
	}
	if spec.Ready == "" {
		spec.Ready = path
	}
	args := serverArgs(t.set, address, cpus)
	if peer {
		var own []int
		if t.host.Pin && len(t.host.CPUs) > 1 {
			own = []int{t.host.loadCPU()}
		}
		var err error
		if args, err = peerArgs(spec, t.set, address, cpus, own); err != nil {
			return nil, err
		}
	}
	size, file := peers.FixedSize(path, filesPrefix)
	if fixed, ok := peers.FixedSize(path, "/fixed/"); ok && peer {
		// Who cannot reply from memory has a file of the same bytes.
		size, file = fixed, true
	}
	if file {
		if via := t.bench.server.via; len(via) > 0 && contains(elsewhere, filepath.Base(via[0])) {
			return nil, fmt.Errorf("the file %s is made on this machine, and %s starts the server on another", path, strings.Join(via, " "))
		}
		var err error
		if t.root, err = makeFile(path, size); err != nil {
			return nil, err
		}
		args = append(args, "--root", t.root)
	}
	return args, nil
}

// makeFile makes a folder with one file that everybody may read.
func makeFile(path string, size int) (root string, err error) {
	if root, err = os.MkdirTemp("", "medusa-files-"); err != nil {
		return "", err
	}
	file := filepath.Join(root, filepath.FromSlash(path))
	err = errors.Join(os.Chmod(root, 0o755), os.MkdirAll(filepath.Dir(file), 0o755))
	if err == nil {
		err = os.WriteFile(file, peers.Body(size), 0o644)
	}
	if err != nil {
		os.RemoveAll(root)
		return "", err
	}
	return root, nil
}

// removeFiles removes what makeFile made.
func (t *trial) removeFiles() {
	if t.root != "" {
		os.RemoveAll(t.root)
	}
}

// peerPart is what a record keeps of a server of another program; nil for
// medusa's own.
func peerPart(p *control.Peer) *results.Peer {
	if p == nil {
		return nil
	}
	out := &results.Peer{Version: p.Version, Command: p.Command}
	for _, f := range p.Files {
		out.Files = append(out.Files, results.PeerFile(f))
	}
	return out
}
