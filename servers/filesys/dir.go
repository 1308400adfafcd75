// Package filesys is the filesystem object that the protocols share.
package filesys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

var (
	// ErrDirectory: the name is a directory's.
	ErrDirectory = errors.New("is a directory")
	// ErrNotRegular: the name is that of a pipe, a device or a socket.
	ErrNotRegular = errors.New("is not a regular file")
)

// Dir is a directory tree. Names in it are slash-separated and relative to it;
// neither dots nor symbolic links lead out of it.
type Dir struct{ root *os.Root }

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

// Open opens a regular file for reading and describes it. It never waits for
// the other end of a pipe or device, and what it describes is what it opened:
// the file's name may be another's by now. Errors are an *fs.PathError, around
// ErrDirectory or ErrNotRegular where that is the matter.
func (d *Dir) Open(name string) (*os.File, fs.FileInfo, error) {
	f, err := d.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = &fs.PathError{Op: "open", Path: name, Err: ErrDirectory}
	case !info.Mode().IsRegular():
		err = &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	default:
		return f, info, nil
	}
	_ = f.Close() // nothing was written
	return nil, nil, err
}
