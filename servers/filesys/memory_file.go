package filesys

import (
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"syscall"
	"time"
)

// Open opens a file or a directory for reading.
func (m *Memory) Open(name string) (fs.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.named("open", name)
	if err != nil {
		return nil, err
	}
	n.users++
	file := memoryFile{fs: m, node: n, name: name}
	if n.mode.IsDir() {
		return &memoryDir{memoryFile: file, list: n.list()}, nil
	}
	return &memoryReader{file}, nil
}

// Stat describes a file or a directory.
func (m *Memory) Stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.named("stat", name)
	if err != nil {
		return nil, err
	}
	return n.info(name), nil
}

// ReadDir returns the whole directory sorted by name.
func (m *Memory) ReadDir(name string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.named("readdir", name)
	if err == nil && !n.mode.IsDir() {
		err = &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return nil, err
	}
	return n.list(), nil
}

// named is find with the errors of the interface.
func (m *Memory) named(op, name string) (*node, error) {
	err := error(fs.ErrInvalid)
	if validPath(name) {
		var n *node
		if n, err = m.find(name); err == nil {
			return n, nil
		}
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: err}
}

// memoryInfo describes a node as it was.
type memoryInfo struct {
	name     string
	size     int64
	mode     fs.FileMode
	modified time.Time
}

func (i *memoryInfo) Name() string       { return i.name }
func (i *memoryInfo) Size() int64        { return i.size }
func (i *memoryInfo) Mode() fs.FileMode  { return i.mode }
func (i *memoryInfo) ModTime() time.Time { return i.modified }
func (i *memoryInfo) IsDir() bool        { return i.mode.IsDir() }
func (i *memoryInfo) Sys() any           { return nil }

func (n *node) info(name string) fs.FileInfo {
	return &memoryInfo{name: path.Base(name), size: int64(len(n.data)), mode: n.mode, modified: n.modified}
}

func (n *node) list() []fs.DirEntry {
	var list []fs.DirEntry
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		list = append(list, fs.FileInfoToDirEntry(n.children[name].info(name)))
	}
	return list
}

// resize gives a file a size in bytes; what is new is zero.
func (m *Memory) resize(n *node, size int64) error {
	if old := int64(cap(n.data)); size > old {
		if size-old > m.space {
			return syscall.ENOSPC
		}
		// Doubling makes many small writes cheap; it takes no more than there is.
		grown := make([]byte, len(n.data), min(max(size, 2*old), old+m.space))
		copy(grown, n.data)
		n.data = grown
		m.space -= int64(cap(grown)) - old
	}
	if old := len(n.data); size > int64(old) {
		n.data = n.data[:size]
		clear(n.data[old:])
	} else {
		n.data = n.data[:size]
	}
	if size == 0 {
		m.space += int64(cap(n.data))
		n.data = nil
	}
	n.modified = m.wall()
	return nil
}

// memoryFile is what open files and directories have in common.
type memoryFile struct {
	fs     *Memory
	node   *node // nil when closed
	name   string
	offset int64
}

// lock takes the file system's lock for an operation on the file, unless it is
// closed.
func (f *memoryFile) lock(op string) error {
	f.fs.mu.Lock()
	if f.node == nil {
		f.fs.mu.Unlock()
		return f.failed(op, fs.ErrClosed)
	}
	return nil
}

func (f *memoryFile) failed(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.name, Err: err}
}

func (f *memoryFile) Stat() (fs.FileInfo, error) {
	if err := f.lock("stat"); err != nil {
		return nil, err
	}
	defer f.fs.mu.Unlock()
	return f.node.info(f.name), nil
}

func (f *memoryFile) Close() error {
	if err := f.lock("close"); err != nil {
		return err
	}
	defer f.fs.mu.Unlock()
	f.node.users--
	f.fs.forget(f.node)
	f.node = nil
	return nil
}

func (f *memoryFile) Seek(offset int64, whence int) (int64, error) {
	if err := f.lock("seek"); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		offset += int64(len(f.node.data))
	default:
		return 0, f.failed("seek", fs.ErrInvalid)
	}
	if offset < 0 {
		return 0, f.failed("seek", fs.ErrInvalid)
	}
	f.offset = offset
	return offset, nil
}

// memoryReader is a file that is open for reading.
type memoryReader struct{ memoryFile }

func (f *memoryReader) Read(p []byte) (int, error) {
	if err := f.lock("read"); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	n := copy(p, f.node.data[min(f.offset, int64(len(f.node.data))):])
	f.offset += int64(n)
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// ReadAt implements io.ReaderAt.
func (f *memoryReader) ReadAt(p []byte, off int64) (int, error) {
	if err := f.lock("read"); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	if off < 0 {
		return 0, f.failed("read", fs.ErrInvalid)
	}
	n := copy(p, f.node.data[min(off, int64(len(f.node.data))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// memoryDir is an open directory: as it was when it was opened.
type memoryDir struct {
	memoryFile
	list []fs.DirEntry
}

func (f *memoryDir) Read([]byte) (int, error) { return 0, f.failed("read", syscall.EISDIR) }

func (f *memoryDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if err := f.lock("readdir"); err != nil {
		return nil, err
	}
	defer f.fs.mu.Unlock()
	if n <= 0 || n > len(f.list) {
		if n > 0 && len(f.list) == 0 {
			return nil, io.EOF
		}
		n = len(f.list)
	}
	portion := f.list[:n:n]
	f.list = f.list[n:]
	return portion, nil
}

// memoryWriter is a file that is open for writing.
type memoryWriter struct {
	memoryFile
	atEnd bool
}

// Write writes all of p or, if the file system has no room for it, nothing.
func (f *memoryWriter) Write(p []byte) (int, error) {
	if err := f.lock("write"); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	if f.atEnd {
		f.offset = int64(len(f.node.data))
	}
	if len(p) == 0 {
		return 0, nil
	}
	end := f.offset + int64(len(p))
	if end < 0 { // beyond what an int64 holds
		return 0, f.failed("write", syscall.EFBIG)
	}
	if err := f.fs.resize(f.node, max(end, int64(len(f.node.data)))); err != nil {
		return 0, f.failed("write", err)
	}
	copy(f.node.data[f.offset:], p)
	f.offset = end
	return len(p), nil
}

// Truncate implements WriteFile.
func (f *memoryWriter) Truncate(size int64) error {
	if err := f.lock("truncate"); err != nil {
		return err
	}
	defer f.fs.mu.Unlock()
	if size < 0 {
		return f.failed("truncate", fs.ErrInvalid)
	}
	if err := f.fs.resize(f.node, size); err != nil {
		return f.failed("truncate", err)
	}
	return nil
}
