package filesys

import "io/fs"

// readOnly has the reading methods of a file system and no other.
type readOnly struct{ fsys fs.FS }

// ReadOnly returns a view of fsys that is no WriteFS. What it opens is what fsys
// opens, an *os.File too. Stat and ReadDir are fsys's own if it has them.
func ReadOnly(fsys fs.FS) fs.FS {
	if _, ok := fsys.(readOnly); ok {
		return fsys
	}
	return readOnly{fsys}
}

func (v readOnly) Open(name string) (fs.File, error)          { return v.fsys.Open(name) }
func (v readOnly) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(v.fsys, name) }
func (v readOnly) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(v.fsys, name) }
