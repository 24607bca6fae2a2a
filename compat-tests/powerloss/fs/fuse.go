package main

import (
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// forever is how long the kernel may believe names and attributes: nobody but the kernel changes them.
const forever = time.Hour

// server answers the kernel. Node ids are the disk's.
type server struct {
	fuse.RawFileSystem // answers ENOSYS
	disk               *disk
	listings           struct {
		sync.Mutex
		last uint64
		open map[uint64][]entry
	}
}

func newServer(d *disk) *server {
	s := &server{RawFileSystem: fuse.NewDefaultRawFileSystem(), disk: d}
	s.listings.open = map[uint64][]entry{}
	return s
}

func status(errno syscall.Errno) fuse.Status { return fuse.Status(errno) }

func fill(out *fuse.Attr, a attr) {
	out.Ino, out.Size, out.Blocks, out.Blksize = a.id, uint64(a.size), uint64(a.size+511)/512, pageSize
	out.Mode, out.Nlink = fuse.S_IFREG|0o644, 1
	if a.dir {
		out.Mode, out.Nlink = fuse.S_IFDIR|0o755, 2
	}
	out.SetTimes(nil, &a.mtime, &a.mtime)
}

func (s *server) entry(id uint64, out *fuse.EntryOut) fuse.Status {
	a, errno := s.disk.attr(id)
	if errno != 0 {
		return status(errno)
	}
	out.NodeId, out.Generation = id, 1
	fill(&out.Attr, a)
	out.SetEntryTimeout(forever)
	out.SetAttrTimeout(forever)
	return fuse.OK
}

func (s *server) Lookup(_ <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	n, errno := s.disk.lookup(in.NodeId, name)
	if errno != 0 {
		return status(errno)
	}
	return s.entry(n.id, out)
}

func (s *server) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return s.attr(in.NodeId, out)
}

func (s *server) attr(id uint64, out *fuse.AttrOut) fuse.Status {
	a, errno := s.disk.attr(id)
	if errno != 0 {
		return status(errno)
	}
	fill(&out.Attr, a)
	out.SetTimeout(forever)
	return fuse.OK
}

// SetAttr changes the size; modes, owners and times are not kept.
func (s *server) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	if size, ok := in.GetSize(); ok {
		if errno := s.disk.truncate(in.NodeId, int64(size), time.Now()); errno != 0 {
			return status(errno)
		}
	}
	return s.attr(in.NodeId, out)
}

func (s *server) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	n, errno := s.disk.create(in.NodeId, name, true, true, time.Now())
	if errno != 0 {
		return status(errno)
	}
	return s.entry(n.id, out)
}

func (s *server) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	n, errno := s.disk.create(in.NodeId, name, false, in.Flags&syscall.O_EXCL != 0, time.Now())
	if errno != 0 {
		return status(errno)
	}
	if errno := s.empty(n.id, in.Flags); errno != 0 {
		return status(errno)
	}
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	return s.entry(n.id, &out.EntryOut)
}

// empty is O_TRUNC.
func (s *server) empty(id uint64, flags uint32) syscall.Errno {
	a, errno := s.disk.attr(id)
	if errno != 0 || flags&syscall.O_TRUNC == 0 || a.size == 0 {
		return errno
	}
	return s.disk.truncate(id, 0, time.Now())
}

func (s *server) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	return status(s.empty(in.NodeId, in.Flags))
}

func (s *server) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	if errno := s.disk.link(in.Oldnodeid, in.NodeId, name); errno != 0 {
		return status(errno)
	}
	return s.entry(in.Oldnodeid, out)
}

func (s *server) Unlink(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return status(s.disk.remove(in.NodeId, name, false))
}

func (s *server) Rmdir(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return status(s.disk.remove(in.NodeId, name, true))
}

const renameNoReplace = 1

func (s *server) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	if in.Flags&^renameNoReplace != 0 {
		return fuse.EINVAL
	}
	return status(s.disk.rename(in.NodeId, from, in.Newdir, to, in.Flags&renameNoReplace != 0))
}

func (s *server) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	n, errno := s.disk.read(in.NodeId, int64(in.Offset), buf)
	return fuse.ReadResultData(buf[:n]), status(errno)
}

func (s *server) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	if errno := s.disk.write(in.NodeId, int64(in.Offset), data, time.Now()); errno != 0 {
		return 0, status(errno)
	}
	return uint32(len(data)), fuse.OK
}

// Fallocate reserves nothing: there is room. Without FALLOC_FL_KEEP_SIZE it moves the end of the file.
func (s *server) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	const keepSize = 1
	switch in.Mode {
	case keepSize:
		return fuse.OK
	case 0:
		a, errno := s.disk.attr(in.NodeId)
		if end := int64(in.Offset + in.Length); errno == 0 && end > a.size {
			errno = s.disk.truncate(in.NodeId, end, time.Now())
		}
		return status(errno)
	}
	return status(syscall.EOPNOTSUPP)
}

func (s *server) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

func (s *server) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return status(s.disk.syncFile(in.NodeId))
}

func (s *server) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return status(s.disk.syncDir(in.NodeId))
}

// OpenDir takes the listing once, so that removals while it is read disturb nothing.
func (s *server) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	entries, errno := s.disk.list(in.NodeId)
	if errno != 0 {
		return status(errno)
	}
	s.listings.Lock()
	defer s.listings.Unlock()
	s.listings.last++
	out.Fh = s.listings.last
	s.listings.open[out.Fh] = entries
	return fuse.OK
}

func (s *server) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	s.listings.Lock()
	entries := s.listings.open[in.Fh]
	s.listings.Unlock()
	for i := in.Offset; i < uint64(len(entries)); i++ {
		mode := uint32(fuse.S_IFREG)
		if entries[i].dir {
			mode = fuse.S_IFDIR
		}
		if !out.AddDirEntry(fuse.DirEntry{Mode: mode, Name: entries[i].name, Ino: entries[i].id, Off: i + 1}) {
			break
		}
	}
	return fuse.OK
}

func (s *server) ReleaseDir(in *fuse.ReleaseIn) {
	s.listings.Lock()
	defer s.listings.Unlock()
	delete(s.listings.open, in.Fh)
}

func (s *server) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	const blocks = 64 << 30 / pageSize
	out.Bsize, out.Frsize, out.NameLen = pageSize, pageSize, 255
	out.Blocks, out.Bfree, out.Bavail, out.Files, out.Ffree = blocks, blocks, blocks, 1<<20, 1<<20
	return fuse.OK
}
