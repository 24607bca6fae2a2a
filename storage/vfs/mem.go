package vfs

import (
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// MemFS is a file system in memory that knows, for every file and directory, what was synced and what was
// only written. CrashClone makes the file system that a crash at this moment may leave.
//
// Pebble's own MemFS does the same, and cannot truncate files; that is why this one exists. One mutex
// guards everything, for it is a test's file system.
type MemFS struct {
	mu    sync.Mutex
	root  *node
	locks map[string]bool
	// capacity is how many bytes of file data fit; 0: no limit.
	capacity, used int64
	noSyncFS       bool
}

// node is a file or a directory. A directory's entries, like a file's data, exist twice.
type node struct {
	dir            bool
	data, synced   []byte
	entries, saved map[string]*node
	allocated      int64 // bytes that are reserved for the file, used or not
	// pending are the changes of entries since saved, in order. File systems with a journal keep the order of
	// such changes, so a crash leaves a beginning of them.
	pending []dirChange
}

// dirChange gives names new nodes, or none (nil), in one step.
type dirChange map[string]*node

// room is what a file takes on the disk.
func (n *node) room() int64 { return max(int64(len(n.data)), n.allocated) }

// change applies a change to a directory.
func (n *node) change(c dirChange) {
	n.pending = append(n.pending, c)
	c.apply(n.entries)
}

func (c dirChange) apply(entries map[string]*node) {
	for name, child := range c {
		if child == nil {
			delete(entries, name)
			continue
		}
		entries[name] = child
	}
}

// NewMemFS returns an empty file system.
func NewMemFS() *MemFS {
	return &MemFS{root: newDirNode(), locks: make(map[string]bool)}
}

func newDirNode() *node {
	return &node{dir: true, entries: make(map[string]*node), saved: make(map[string]*node)}
}

// SetCapacity limits the bytes that all files may hold together. Writes beyond it fail with ENOSPC.
func (m *MemFS) SetCapacity(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.capacity = bytes
}

// Used is how many bytes all files hold.
func (m *MemFS) Used() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// DisableSyncFS makes OpenSyncer's SyncFS unsupported.
func (m *MemFS) DisableSyncFS() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noSyncFS = true
}

func notExist(op, name string) error { return &os.PathError{Op: op, Path: name, Err: os.ErrNotExist} }

func split(name string) []string {
	return strings.FieldsFunc(path.Clean("/"+name), func(r rune) bool { return r == '/' })
}

func (m *MemFS) findLocked(name string) *node {
	n := m.root
	for _, part := range split(name) {
		if n = n.entries[part]; n == nil {
			return nil
		}
	}
	return n
}

// parentLocked returns the directory that holds name, and name's last element.
func (m *MemFS) parentLocked(op, name string) (*node, string, error) {
	parts := split(name)
	if len(parts) == 0 {
		return nil, "", &os.PathError{Op: op, Path: name, Err: os.ErrInvalid}
	}
	dir := m.findLocked(strings.Join(parts[:len(parts)-1], "/"))
	if dir == nil || !dir.dir {
		return nil, "", notExist(op, name)
	}
	return dir, parts[len(parts)-1], nil
}

func (m *MemFS) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parentLocked("create", name)
	if err != nil {
		return nil, err
	}
	m.freeLocked(dir.entries[base])
	n := &node{}
	dir.change(dirChange{base: n})
	return &memFile{fs: m, n: n, name: base}, nil
}

func (m *MemFS) open(name string, create bool) (*memFile, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.findLocked(name)
	if n == nil && create {
		dir, base, err := m.parentLocked("open", name)
		if err != nil {
			return nil, err
		}
		n = &node{}
		dir.change(dirChange{base: n})
	}
	if n == nil {
		return nil, notExist("open", name)
	}
	return &memFile{fs: m, n: n, name: path.Base(name)}, nil
}

func (m *MemFS) Open(name string, _ ...vfs.OpenOption) (vfs.File, error) {
	return fileOrErr(m.open(name, false))
}
func (m *MemFS) OpenDir(name string) (vfs.File, error) { return fileOrErr(m.open(name, false)) }

func (m *MemFS) OpenReadWrite(name string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (vfs.File, error) {
	return fileOrErr(m.open(name, true))
}

func fileOrErr(f *memFile, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (m *MemFS) OpenLogFile(name string, create bool) (File, error) {
	f, err := m.open(name, create)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (m *MemFS) Link(oldname, newname string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.findLocked(oldname)
	if n == nil {
		return notExist("link", oldname)
	}
	dir, base, err := m.parentLocked("link", newname)
	if err != nil {
		return err
	}
	if dir.entries[base] != nil {
		return &os.PathError{Op: "link", Path: newname, Err: os.ErrExist}
	}
	dir.change(dirChange{base: n})
	return nil
}

func (m *MemFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parentLocked("remove", name)
	if err != nil {
		return err
	}
	n := dir.entries[base]
	if n == nil {
		return notExist("remove", name)
	}
	if len(n.entries) > 0 {
		return &os.PathError{Op: "remove", Path: name, Err: os.ErrExist}
	}
	m.freeLocked(n)
	dir.change(dirChange{base: nil})
	return nil
}

func (m *MemFS) RemoveAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, base, err := m.parentLocked("remove", name)
	if err != nil || dir.entries[base] == nil {
		return nil
	}
	m.freeLocked(dir.entries[base])
	dir.change(dirChange{base: nil})
	return nil
}

// freeLocked gives back the room of files that lost their name. Links and open files are not looked at.
func (m *MemFS) freeLocked(n *node) {
	if n == nil {
		return
	}
	m.used -= n.room()
	for _, child := range n.entries {
		m.freeLocked(child)
	}
}

func (m *MemFS) Rename(oldname, newname string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, oldBase, err := m.parentLocked("rename", oldname)
	if err != nil {
		return err
	}
	n := from.entries[oldBase]
	if n == nil {
		return notExist("rename", oldname)
	}
	to, newBase, err := m.parentLocked("rename", newname)
	if err != nil {
		return err
	}
	if over := to.entries[newBase]; over != nil && over != n {
		if len(over.entries) > 0 {
			return &os.PathError{Op: "rename", Path: newname, Err: os.ErrExist}
		}
		m.freeLocked(over)
	}
	if from == to {
		from.change(dirChange{oldBase: nil, newBase: n})
		return nil
	}
	from.change(dirChange{oldBase: nil})
	to.change(dirChange{newBase: n})
	return nil
}

func (m *MemFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := m.Rename(oldname, newname); err != nil {
		return nil, err
	}
	return m.OpenReadWrite(newname, c)
}

func (m *MemFS) MkdirAll(name string, _ os.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	for _, part := range split(name) {
		child := n.entries[part]
		if child == nil {
			child = newDirNode()
			n.change(dirChange{part: child})
		}
		if !child.dir {
			return &os.PathError{Op: "mkdir", Path: name, Err: os.ErrExist}
		}
		n = child
	}
	return nil
}

func (m *MemFS) List(name string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.findLocked(name)
	if n == nil || !n.dir {
		return nil, notExist("list", name)
	}
	names := make([]string, 0, len(n.entries))
	for base := range n.entries {
		names = append(names, base)
	}
	slices.Sort(names)
	return names, nil
}

func (m *MemFS) Stat(name string) (vfs.FileInfo, error) {
	f, err := m.open(name, false)
	if err != nil {
		return nil, err
	}
	return f.Stat()
}

func (m *MemFS) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.findLocked(name)
	if n == nil {
		return notExist("sync", name)
	}
	n.sync()
	return nil
}

type memSyncer struct{ fs *MemFS }

func (m *MemFS) OpenSyncer(string) (Syncer, error) { return memSyncer{m}, nil }
func (memSyncer) Close() error                     { return nil }

func (s memSyncer) SyncFS() error {
	s.fs.mu.Lock()
	defer s.fs.mu.Unlock()
	if s.fs.noSyncFS {
		return ErrUnsupported
	}
	s.fs.root.syncAll()
	return nil
}

type memLock struct {
	fs   *MemFS
	name string
}

func (l memLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	delete(l.fs.locks, l.name)
	return nil
}

func (m *MemFS) LockFile(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[name] {
		return nil, &LockedError{Name: name, PID: os.Getpid()}
	}
	dir, base, err := m.parentLocked("lock", name)
	if err != nil {
		return nil, err
	}
	if dir.entries[base] == nil {
		dir.change(dirChange{base: &node{}})
	}
	m.locks[name] = true
	return memLock{m, name}, nil
}

func (m *MemFS) Lock(name string) (io.Closer, error) { return m.LockFile(name) }
func (m *MemFS) PathBase(p string) string            { return path.Base(p) }
func (m *MemFS) PathJoin(elem ...string) string      { return path.Join(elem...) }
func (m *MemFS) PathDir(p string) string             { return path.Dir(p) }
func (m *MemFS) Unwrap() vfs.FS                      { return nil }

// GetDiskUsage knows as much as SetCapacity has said.
func (m *MemFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.capacity <= 0 {
		return vfs.DiskUsage{}, vfs.ErrUnsupported
	}
	free := uint64(max(m.capacity-m.used, 0))
	return vfs.DiskUsage{AvailBytes: free, TotalBytes: uint64(m.capacity), UsedBytes: uint64(m.capacity) - free}, nil
}
