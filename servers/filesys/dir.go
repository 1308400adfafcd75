// Package filesys is the file system object that the protocols share.
//
// What is read is an io/fs file system: a Dir, a Memory, a zip.Reader, an
// embed.FS. What is opened and is an *os.File can be sent by the loop, an
// io.ReaderAt can be read in ranges, anything else only from front to back.
// What a protocol may also write to is a WriteFS. A Cache stands between a
// protocol and a file system.
//
// A directory is read in portions: Open it, assert fs.ReadDirFile, and call
// ReadDir(n) with n > 0 until it says io.EOF. One call costs a Dir about n
// system calls (an lstat for each entry) and the memory of n entries, so n
// bounds how long the loop is held up. The portions are in the order of the
// file system, which for a Dir is none, and whether an entry made or removed
// in between is among them is open. The names are what the file system holds:
// no UTF-8, or with control characters in them, if it wants so. fs.ReadDir
// reads all at once and sorts.
package filesys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// ErrNotRegular: the name is that of a pipe, a device or a socket.
var ErrNotRegular = errors.New("is neither a regular file nor a directory")

// Dir is a directory tree of the system. Names in it are those of fs.ValidPath,
// but need not be UTF-8. Symbolic links are followed, but lead out of it neither
// up nor by an absolute path (os.Root). What is mounted below is part of it.
//
// It is an fs.FS, fs.StatFS, fs.ReadDirFS and WriteFS. The methods are safe for
// concurrent use; all of them wait for the disk.
type Dir struct{ root *os.Root }

var (
	_ fs.StatFS    = (*Dir)(nil)
	_ fs.ReadDirFS = (*Dir)(nil)
	_ WriteFS      = (*Dir)(nil)
	_ WriteFile    = (*os.File)(nil)
)

// Open opens the tree under the directory at path.
func Open(path string) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("root directory: %w", err)
	}
	return &Dir{root: root}, nil
}

// Close lets go of the directory. Files opened in it stay open.
func (d *Dir) Close() error { return d.root.Close() }

// Open opens a regular file or a directory for reading; what it returns is an
// *os.File. It never waits for the other end of a pipe or device: those are
// refused with ErrNotRegular, judged by what was opened and not by what the
// name stood for before. (So a pipe has had a reader for a moment.) Errors are
// an *fs.PathError.
func (d *Dir) Open(name string) (fs.File, error) {
	f, err := d.open(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err // not a nil *os.File, which would be a File
	}
	return f, nil
}

// open opens a regular file or, for reading, a directory.
func (d *Dir) open(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if !validPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	// Root adds O_CLOEXEC. O_NONBLOCK changes nothing for what is let through.
	f, err := d.root.OpenFile(name, flag|syscall.O_NONBLOCK|syscall.O_NOCTTY, perm)
	if err != nil {
		// open(2): a socket; a pipe that nobody reads, for writing; a device
		// without a driver. Sockets are EOPNOTSUPP on the BSDs.
		if errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.EOPNOTSUPP) {
			err = ErrNotRegular
		} else if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = cause.Err
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

// Stat describes what the name stands for, links followed, whatever it is: a
// pipe is described and not refused.
func (d *Dir) Stat(name string) (fs.FileInfo, error) {
	if !validPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	return d.root.Stat(name)
}

// ReadDir returns the whole directory sorted by name; see the package on how to
// read one in portions.
func (d *Dir) ReadDir(name string) ([]fs.DirEntry, error) {
	f, err := d.open(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, err
}
