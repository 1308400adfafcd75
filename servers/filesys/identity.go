package filesys

import (
	"encoding/binary"
	"hash/fnv"
	"io"
	"io/fs"
	"syscall"
	"time"
)

const (
	// granularity is the coarsest clock that a file's time of modification comes
	// from: FAT's, 2 s. (ext3, HFS+ and UFS1 have 1 s, newer ones the system's tick.)
	granularity = 2 * time.Second

	// hashLimit is how large a file without a time may be to get a Tag.
	hashLimit = 1 << 20
)

// identity is what a file is known by without reading it.
type identity struct {
	dev, inode    uint64 // 0 where the file system has none
	size          int64
	mode          fs.FileMode
	mtime         int64 // seconds since 1970
	mtimeNano     int
	ctime         int64 // st_ctim: sees a time of modification that was set back
	ctimeNano     int64
	withoutMtime  bool
	withoutInodes bool
}

func identify(info fs.FileInfo) identity {
	mtime := info.ModTime()
	id := identity{
		size: info.Size(), mode: info.Mode(),
		mtime: mtime.Unix(), mtimeNano: mtime.Nanosecond(), withoutMtime: mtime.IsZero(),
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		id.withoutInodes = true
		return id
	}
	id.dev, id.inode = uint64(st.Dev), uint64(st.Ino)
	id.ctime, id.ctimeNano = changed(st)
	return id
}

// tag makes Entry.Tag from an identity. The time of change is left out: a chmod
// or a hard link leaves the content as it is.
func (id identity) tag(settled bool) uint64 {
	if id.withoutMtime {
		return 0
	}
	b := make([]byte, 0, 48)
	b = binary.LittleEndian.AppendUint64(b, id.dev)
	b = binary.LittleEndian.AppendUint64(b, id.inode)
	b = binary.LittleEndian.AppendUint64(b, uint64(id.size))
	b = binary.LittleEndian.AppendUint64(b, uint64(id.mtime))
	b = binary.LittleEndian.AppendUint32(b, uint32(id.mtimeNano))
	if !settled {
		b = append(b, 1)
	}
	h := fnv.New64a()
	_, _ = h.Write(b) // never fails
	return max(h.Sum64(), 1)
}

// contentTag makes Entry.Tag from size bytes of content; 0 if there are more or
// fewer.
func contentTag(r io.Reader, size int64) (uint64, error) {
	h := fnv.New64a()
	n, err := io.Copy(h, io.LimitReader(r, size+1))
	if err != nil || n != size {
		return 0, err
	}
	return max(h.Sum64(), 1), nil
}
