package filesys

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Memory is a WriteFS in memory, for tests and demonstrations. It is an
// fs.StatFS and fs.ReadDirFS too; its files are io.ReaderAt and io.Seeker. As on
// a disk, a file that is removed or replaced stays as it is for those who have
// it open. Permission bits are kept, not enforced, and there is no umask. The
// methods, of open files too, are safe for concurrent use.
type Memory struct {
	wall func() time.Time

	mu    sync.Mutex
	space int64 // bytes still free
	root  *node
}

var (
	_ fs.StatFS    = (*Memory)(nil)
	_ fs.ReadDirFS = (*Memory)(nil)
	_ WriteFS      = (*Memory)(nil)
)

// nodeCost is what a file or directory counts for besides its content and name:
// more than it takes, so that many empty ones are bounded too.
const nodeCost = 512

// node is a file or a directory.
type node struct {
	mode     fs.FileMode
	modified time.Time
	data     []byte
	children map[string]*node // of a directory
	users    int              // open files
	linked   bool             // it has a name
}

// NewMemory makes a file system with an empty root directory for size bytes:
// contents, names and 512 for each file and directory. When it is full, writing
// fails with syscall.ENOSPC. The clock is that of the times of modification; if
// it is nil, files have none.
func NewMemory(size int64, wall func() time.Time) *Memory {
	if wall == nil {
		wall = func() time.Time { return time.Time{} }
	}
	m := &Memory{wall: wall, space: size}
	m.root = &node{mode: fs.ModeDir | 0o755, modified: wall(), children: map[string]*node{}, linked: true}
	return m
}

// find returns the node of a valid name.
func (m *Memory) find(name string) (*node, error) {
	n := m.root
	if name == "." {
		return n, nil
	}
	for element := range strings.SplitSeq(name, "/") {
		if n.children == nil {
			return nil, syscall.ENOTDIR
		}
		if n = n.children[element]; n == nil {
			return nil, syscall.ENOENT
		}
	}
	return n, nil
}

// parent returns the directory that a valid name is in, and the name in it.
func (m *Memory) parent(name string) (*node, string, error) {
	dir, err := m.find(path.Dir(name))
	if err == nil && dir.children == nil {
		err = syscall.ENOTDIR
	}
	return dir, path.Base(name), err
}

// link gives n a name in dir.
func (m *Memory) link(dir *node, name string, n *node) {
	dir.children[name] = n
	dir.modified = m.wall()
	n.linked = true
}

// unlink takes the name from the node that has it.
func (m *Memory) unlink(dir *node, name string) {
	n := dir.children[name]
	delete(dir.children, name)
	dir.modified = m.wall()
	n.linked = false
	m.space += int64(len(name))
	m.forget(n)
}

// forget gives back the room of a node that nobody can reach any more.
func (m *Memory) forget(n *node) {
	if !n.linked && n.users == 0 {
		m.space += nodeCost + int64(cap(n.data))
		n.data = nil
	}
}

// create makes a node.
func (m *Memory) create(dir *node, name string, mode fs.FileMode) (*node, error) {
	cost := nodeCost + int64(len(name))
	if m.space < cost {
		return nil, syscall.ENOSPC
	}
	m.space -= cost
	n := &node{mode: mode, modified: m.wall()}
	if mode.IsDir() {
		n.children = map[string]*node{}
	}
	m.link(dir, name, n)
	return n, nil
}

// OpenFile implements WriteFS.
func (m *Memory) OpenFile(name string, flag int, perm fs.FileMode) (WriteFile, error) {
	if err := checkOpenFile(name, flag, perm); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.openNode(name, flag, perm)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	n.users++
	return &memoryWriter{memoryFile{fs: m, node: n, name: name}, flag&os.O_APPEND != 0}, nil
}

func (m *Memory) openNode(name string, flag int, perm fs.FileMode) (*node, error) {
	dir, base, err := m.parent(name)
	if err != nil {
		return nil, err
	}
	n := dir.children[base]
	if name == "." {
		n = m.root
	}
	switch {
	case n == nil && flag&os.O_CREATE == 0:
		return nil, syscall.ENOENT
	case n == nil:
		return m.create(dir, base, perm)
	case flag&os.O_EXCL != 0:
		return nil, syscall.EEXIST
	case n.mode.IsDir():
		return nil, syscall.EISDIR
	case flag&os.O_TRUNC != 0:
		return n, m.resize(n, 0)
	}
	return n, nil
}

// Rename implements WriteFS.
func (m *Memory) Rename(oldname, newname string) error {
	if err := checkRename(oldname, newname); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.rename(oldname, newname); err != nil {
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: err}
	}
	return nil
}

func (m *Memory) rename(oldname, newname string) error {
	from, oldbase, err := m.parent(oldname)
	if err != nil {
		return err
	}
	to, newbase, err := m.parent(newname)
	if err != nil {
		return err
	}
	n, replaced := from.children[oldbase], to.children[newbase]
	switch {
	case n == nil:
		return syscall.ENOENT
	case replaced != nil && replaced.mode.IsDir():
		return syscall.EEXIST
	case n == replaced:
		return nil
	case strings.HasPrefix(newname, oldname+"/"):
		return syscall.EINVAL
	case m.space+int64(len(oldbase)) < int64(len(newbase)):
		return syscall.ENOSPC
	case replaced != nil && n.mode.IsDir():
		return syscall.ENOTDIR
	}
	if replaced != nil {
		m.unlink(to, newbase)
	}
	delete(from.children, oldbase)
	from.modified = m.wall()
	m.space += int64(len(oldbase)) - int64(len(newbase))
	m.link(to, newbase, n)
	return nil
}

// Remove implements WriteFS.
func (m *Memory) Remove(name string) error {
	return m.change("remove", name, 0, func(dir *node, base string) error {
		switch n := dir.children[base]; {
		case n == nil:
			return syscall.ENOENT
		case len(n.children) > 0:
			return syscall.ENOTEMPTY
		}
		m.unlink(dir, base)
		return nil
	})
}

// Mkdir implements WriteFS.
func (m *Memory) Mkdir(name string, perm fs.FileMode) error {
	return m.change("mkdir", name, perm, func(dir *node, base string) error {
		if dir.children[base] != nil {
			return syscall.EEXIST
		}
		_, err := m.create(dir, base, fs.ModeDir|perm)
		return err
	})
}

// Chmod implements WriteFS.
func (m *Memory) Chmod(name string, mode fs.FileMode) error {
	return m.change("chmod", name, mode, func(dir *node, base string) error {
		n := dir.children[base]
		if n == nil {
			return syscall.ENOENT
		}
		n.mode = n.mode.Type() | mode
		return nil
	})
}

// change calls what changes the directory that the name is in.
func (m *Memory) change(op, name string, mode fs.FileMode, what func(dir *node, base string) error) error {
	if err := checkEntry(op, name, mode); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parent(name)
	if err == nil {
		err = what(dir, base)
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}
