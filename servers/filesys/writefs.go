package filesys

import (
	"io"
	"io/fs"
	"os"
	"strings"
)

// WriteFS is a file system that can be changed. Names are those of fs.ValidPath,
// but need not be UTF-8. Errors are an *fs.PathError, of Rename an *os.LinkError,
// around the system's error: errors.Is finds fs.ErrNotExist, fs.ErrExist (for a
// directory that is not empty, too), fs.ErrPermission, fs.ErrInvalid (a name,
// flag or mode that is not allowed), syscall.ENOTDIR, EISDIR, ENOSPC, and
// ErrNotRegular.
//
// Modes are permission bits, 0 to 0o777: neither setuid nor sticky.
type WriteFS interface {
	fs.FS

	// OpenFile opens a regular file for writing. The flag is os.O_WRONLY and any
	// of os.O_CREATE, O_EXCL (with O_CREATE), O_TRUNC, O_APPEND: with O_APPEND
	// each Write goes to the end, wherever that is by then. A new file has perm,
	// less the process's umask where there is one.
	OpenFile(name string, flag int, perm fs.FileMode) (WriteFile, error)

	// Rename gives what is called oldname the name newname. A file of that name
	// is replaced by a file at once, so that it is missing at no time
	// (rename(2)); a directory of that name is not (fs.ErrExist), even if empty.
	Rename(oldname, newname string) error

	// Remove removes a file, a symbolic link or an empty directory. Files that
	// are open stay readable.
	Remove(name string) error

	// Mkdir makes a directory; the one above must be there.
	Mkdir(name string, perm fs.FileMode) error

	// Chmod sets the permission bits.
	Chmod(name string, mode fs.FileMode) error
}

// WriteFile is a regular file that is open for writing. *os.File is one.
type WriteFile interface {
	io.Writer
	io.Seeker // moves where the next Write goes, unless opened with O_APPEND

	// Truncate cuts the file, or lengthens it by zeros, to size bytes. It does
	// not move where the next Write goes.
	Truncate(size int64) error

	Stat() (fs.FileInfo, error)

	// Close may be where a failure to write comes to light.
	Close() error
}

// validPath reports whether a name is as fs.ValidPath has it but for the
// encoding: the names on a disk are bytes, and a listing shows those that are
// no UTF-8 too.
func validPath(name string) bool { return fs.ValidPath(strings.ToValidUTF8(name, "_")) }

// checkOpenFile returns fs.ErrInvalid unless OpenFile's arguments are allowed.
func checkOpenFile(name string, flag int, perm fs.FileMode) error {
	const access, optional = os.O_RDONLY | os.O_WRONLY | os.O_RDWR, os.O_CREATE | os.O_EXCL | os.O_TRUNC | os.O_APPEND
	if !validPath(name) || flag&access != os.O_WRONLY || flag&^(access|optional) != 0 ||
		flag&os.O_EXCL != 0 && flag&os.O_CREATE == 0 || perm&^fs.ModePerm != 0 {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// checkEntry returns fs.ErrInvalid unless the name is one that a directory can
// hold, so not the root's, and the mode has only permission bits.
func checkEntry(op, name string, mode fs.FileMode) error {
	if !validPath(name) || name == "." || mode&^fs.ModePerm != 0 {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

// checkRename returns fs.ErrInvalid unless both names can be renamed.
func checkRename(oldname, newname string) error {
	if checkEntry("", oldname, 0) != nil || checkEntry("", newname, 0) != nil {
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: fs.ErrInvalid}
	}
	return nil
}

// OpenFile implements WriteFS.
func (d *Dir) OpenFile(name string, flag int, perm fs.FileMode) (WriteFile, error) {
	if err := checkOpenFile(name, flag, perm); err != nil {
		return nil, err
	}
	f, err := d.open(name, flag, perm)
	if err != nil {
		return nil, err // not a nil *os.File, which would be a WriteFile
	}
	return f, nil
}

// Rename implements WriteFS.
func (d *Dir) Rename(oldname, newname string) error {
	if err := checkRename(oldname, newname); err != nil {
		return err
	}
	return d.root.Rename(oldname, newname)
}

// Remove implements WriteFS.
func (d *Dir) Remove(name string) error {
	if err := checkEntry("remove", name, 0); err != nil {
		return err
	}
	return d.root.Remove(name)
}

// Mkdir implements WriteFS.
func (d *Dir) Mkdir(name string, perm fs.FileMode) error {
	if err := checkEntry("mkdir", name, perm); err != nil {
		return err
	}
	return d.root.Mkdir(name, perm)
}

// Chmod implements WriteFS.
func (d *Dir) Chmod(name string, mode fs.FileMode) error {
	if err := checkEntry("chmod", name, mode); err != nil {
		return err
	}
	return d.root.Chmod(name, mode)
}
