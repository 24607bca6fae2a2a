package main

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"
)

const rootID = 1

// disk is the file system without FUSE: what programs see, what is on the medium, and the list of what lies between.
type disk struct {
	journal bool // how the medium behaves; see doc.go
	mu      struct {
		sync.Mutex
		nodes   map[uint64]*node
		lastID  uint64
		changes []change // of names, not durable, in order
		ops     int      // changing operations since the last crash
		haltAt  int      // 0: never
		halted  bool
	}
}

// node is a file or a directory, twice: as it is seen and as it is on the medium.
type node struct {
	id      uint64
	dir     bool
	mtime   time.Time
	data    []byte
	saved   []byte
	writes  []write // what data has and saved has not, in order
	grown   bool    // the size or the name is new since the last sync
	names   map[string]uint64
	savedIn map[string]uint64 // names on the medium
}

// write is bytes at a position, or, with bytes nil, a new size.
type write struct {
	at    int64
	bytes []byte
}

// change is one operation on names, whole or not at all: create and mkdir set one name, unlink clears one, rename does both.
type change struct{ sets []set }

type slot struct {
	dir  uint64
	name string
}

type set struct {
	slot
	node uint64 // 0: the name is free
}

func newDisk() *disk {
	d := &disk{}
	d.mu.nodes = map[uint64]*node{rootID: newNode(rootID, true)}
	d.mu.lastID = rootID
	return d
}

func newNode(id uint64, dir bool) *node {
	n := &node{id: id, dir: dir, grown: true}
	if dir {
		n.names, n.savedIn = map[string]uint64{}, map[string]uint64{}
	}
	return n
}

// beginLocked counts a changing operation. On a disk that has lost its power nothing changes any more.
func (d *disk) beginLocked() syscall.Errno {
	d.mu.ops++
	if d.mu.haltAt > 0 && d.mu.ops >= d.mu.haltAt {
		d.mu.halted = true
	}
	if d.mu.halted {
		return syscall.EIO
	}
	return 0
}

func (d *disk) lookup(dir uint64, name string) (*node, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	parent := d.mu.nodes[dir]
	if parent == nil || !parent.dir {
		return nil, syscall.ENOTDIR
	}
	n := d.mu.nodes[parent.names[name]]
	if n == nil {
		return nil, syscall.ENOENT
	}
	return n, 0
}

// create makes a file or a directory; a file that is there is returned as it is unless exclusive.
func (d *disk) create(dir uint64, name string, isDir, exclusive bool, now time.Time) (*node, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	parent := d.mu.nodes[dir]
	if parent == nil || !parent.dir {
		return nil, syscall.ENOTDIR
	}
	if n := d.mu.nodes[parent.names[name]]; n != nil {
		if exclusive || isDir || n.dir {
			return nil, syscall.EEXIST
		}
		return n, 0
	}
	if errno := d.beginLocked(); errno != 0 {
		return nil, errno
	}
	d.mu.lastID++
	n := newNode(d.mu.lastID, isDir)
	n.mtime = now
	d.mu.nodes[n.id] = n
	d.changeLocked(set{slot{dir, name}, n.id})
	return n, 0
}

func (d *disk) changeLocked(sets ...set) {
	for _, s := range sets {
		applySet(d.mu.nodes[s.dir].names, s)
	}
	d.mu.changes = append(d.mu.changes, change{sets})
}

func applySet(names map[string]uint64, s set) {
	if s.node == 0 {
		delete(names, s.name)
		return
	}
	names[s.name] = s.node
}

func (d *disk) link(id, dir uint64, name string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	parent, n := d.mu.nodes[dir], d.mu.nodes[id]
	switch {
	case parent == nil || !parent.dir || n == nil:
		return syscall.ENOENT
	case n.dir:
		return syscall.EPERM
	case parent.names[name] != 0:
		return syscall.EEXIST
	}
	if errno := d.beginLocked(); errno != 0 {
		return errno
	}
	d.changeLocked(set{slot{dir, name}, id})
	return 0
}

func (d *disk) remove(dir uint64, name string, isDir bool) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	parent := d.mu.nodes[dir]
	if parent == nil || !parent.dir || parent.names[name] == 0 {
		return syscall.ENOENT
	}
	n := d.mu.nodes[parent.names[name]]
	switch {
	case isDir && !n.dir:
		return syscall.ENOTDIR
	case !isDir && n.dir:
		return syscall.EISDIR
	case isDir && len(n.names) > 0:
		return syscall.ENOTEMPTY
	}
	if errno := d.beginLocked(); errno != 0 {
		return errno
	}
	d.changeLocked(set{slot{dir, name}, 0})
	return 0
}

func (d *disk) rename(from uint64, fromName string, to uint64, toName string, noReplace bool) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	source, target := d.mu.nodes[from], d.mu.nodes[to]
	if source == nil || target == nil || source.names[fromName] == 0 {
		return syscall.ENOENT
	}
	n := d.mu.nodes[source.names[fromName]]
	if old := d.mu.nodes[target.names[toName]]; old != nil {
		switch {
		case noReplace:
			return syscall.EEXIST
		case old == n:
			return 0
		case old.dir && !n.dir:
			return syscall.EISDIR
		case !old.dir && n.dir:
			return syscall.ENOTDIR
		case len(old.names) > 0:
			return syscall.ENOTEMPTY
		}
	}
	if errno := d.beginLocked(); errno != 0 {
		return errno
	}
	n.grown = true
	d.changeLocked(set{slot{from, fromName}, 0}, set{slot{to, toName}, n.id})
	return 0
}

// attr is what the kernel asks of a node.
type attr struct {
	id    uint64
	dir   bool
	size  int64
	mtime time.Time
}

func (d *disk) attr(id uint64) (attr, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.mu.nodes[id]
	if n == nil {
		return attr{}, syscall.ESTALE
	}
	return attr{id, n.dir, int64(len(n.data)), n.mtime}, 0
}

func (d *disk) read(id uint64, at int64, buf []byte) (int, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.mu.nodes[id]
	if n == nil || n.dir {
		return 0, syscall.EBADF
	}
	if at >= int64(len(n.data)) {
		return 0, 0
	}
	return copy(buf, n.data[at:]), 0
}

func (d *disk) write(id uint64, at int64, bytes []byte, now time.Time) syscall.Errno {
	return d.modify(id, write{at, append([]byte{}, bytes...)}, now)
}

func (d *disk) truncate(id uint64, size int64, now time.Time) syscall.Errno {
	return d.modify(id, write{at: size}, now)
}

func (d *disk) modify(id uint64, w write, now time.Time) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.mu.nodes[id]
	if n == nil || n.dir {
		return syscall.EBADF
	}
	if errno := d.beginLocked(); errno != 0 {
		return errno
	}
	before := len(n.data)
	n.data, n.mtime = w.apply(n.data), now
	n.writes = append(n.writes, w)
	n.grown = n.grown || len(n.data) != before
	return 0
}

// apply returns data with the write in it. A gap before it reads as zeros.
func (w write) apply(data []byte) []byte {
	end := int(w.at) + len(w.bytes)
	if len(data) < end {
		data = slices.Grow(data, end-len(data))
		old := len(data)
		data = data[:end]
		clear(data[old:])
	}
	if w.bytes == nil {
		return data[:w.at]
	}
	copy(data[w.at:], w.bytes)
	return data
}

type entry struct {
	name string
	id   uint64
	dir  bool
}

func (d *disk) list(id uint64) ([]entry, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.mu.nodes[id]
	if n == nil || !n.dir {
		return nil, syscall.ENOTDIR
	}
	var entries []entry
	for name, child := range maps.All(n.names) {
		entries = append(entries, entry{name, child, d.mu.nodes[child].dir})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	return entries, 0
}
