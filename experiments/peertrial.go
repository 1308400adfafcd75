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
	"medusa/loadgen"
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

// fileChunk is how much of a file is made at a time. It is a multiple of the text
// that fixed bodies repeat.
const fileChunk = 26 << 16

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
	size, file := peers.FileSize(path, filesPrefix)
	if fixed, ok := peers.FixedSize(path, "/fixed/"); ok && peer {
		// Who cannot reply from memory has a file of the same bytes.
		size, file = fixed, true
	}
	files := map[string]int{}
	if file {
		files[path] = size
	}
	for path, size := range ftpFiles(t.set) {
		files[path], file = size, true
	}
	if slow := t.set.text("slow_path"); t.set.number("slow_connections") > 0 {
		if size, ok := peers.FileSize(slow, filesPrefix); ok {
			files[slow], file = size, true
		}
	}
	if size, ok := t.set.faultFile(); ok {
		files[t.set.text("fault_path")], file = size, true
	}
	ftp := t.set.text("protocol") == "ftp" // which has a root, if only to store in
	if !peer && !file && !ftp {
		return args, nil
	}
	if via := t.bench.server.via; len(via) > 0 && contains(elsewhere, filepath.Base(via[0])) {
		if file && !peer || strings.HasPrefix(path, filesPrefix) {
			return nil, fmt.Errorf("the file %s is made on this machine, and %s starts the server on another", path, strings.Join(via, " "))
		}
		return args, nil
	}
	// The folder is removed by this process, which outlives those that it
	// kills.
	var err error
	parent := memoryFolder(t.set.fileBytes(files))
	if _, ok := t.set.faultFile(); ok { // which may have to be dropped from memory
		parent = diskFolder()
	}
	if t.folder, err = readableFolder(parent); err != nil {
		return nil, err
	}
	if peer {
		args = append(args, "--temp", t.folder)
	}
	if file || ftp {
		root := filepath.Join(t.folder, rootFolder)
		if err := os.Mkdir(root, 0o755); err != nil {
			return nil, err
		}
		for path, size := range files {
			if err := makeFile(root, path, size); err != nil {
				return nil, err
			}
		}
		args = append(args, "--root", root)
	}
	return args, nil
}

// fileBytes is what a trial's files take, with those that are stored.
func (v values) fileBytes(files map[string]int) (sum int64) {
	for _, n := range files {
		sum += int64(n)
	}
	if v.text("transfer") == loadgen.Store {
		sum += int64(max(v.number("store_bytes"), loadgen.DefaultStoreBytes) * v.number("active_connections"))
	}
	return sum
}

// rootFolder, in the folder of a trial, is what its server serves.
const rootFolder = "root"

// readableFolder makes a temporary folder that a server which gives up its
// privileges can read: in memory where there is room for that, so that no disk is
// written to beside the trial.
func readableFolder(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "medusa-trial-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// makeFile makes a folder with one file, for a path of the load.
func makeFile(root, path string, size int) error {
	file := filepath.Join(root, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	body := peers.Body(min(size, fileChunk))
	for left := size; left > 0 && err == nil; left -= len(body) {
		_, err = f.Write(body[:min(left, len(body))])
	}
	if err == nil {
		err = f.Sync() // what is dirty cannot be dropped from the page cache, and is no trial's business
	}
	return errors.Join(err, f.Close())
}

// removeFolder removes what serverCommand made.
func (t *trial) removeFolder() {
	if t.folder != "" {
		os.RemoveAll(t.folder)
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
