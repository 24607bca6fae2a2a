package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/sordini/sordini/storage/vfs"
)

// A full disk is a state of a directory and no failure: what finds no room is refused, reads go on, and writes work again when there is
// room. The state begins with the first write that finds none, and ends when a look at the disk says that there is enough beyond the
// reserve.
//
// The reserve is a file of blocks that nobody uses. The index and vital logs, without which nothing could be deleted, take its place when
// they find no room. Until it can be made again, what is left on the disk is theirs, and everybody else is refused without being let near it.

const (
	reserveFile  = ".reserve"
	reserveBytes = 4 << 20
	// probeFile takes, for a moment, the room that must be there before the disk counts as not full any more.
	probeFile = ".reserve.probe"
	// roomMargin is that room, beside what the largest write did not find: the state is not to end and begin with every write.
	roomMargin = 4 << 20
	// indexMargin is what a commit to the index may need at the most: a new write-ahead log and a table as large as it.
	indexMargin = 1 << 20
	// roomCheckMs is how often a full disk is looked at.
	roomCheckMs = 1000
)

// room is what a directory knows of its disk.
type room struct {
	full  atomic.Bool
	spent atomic.Bool // the reserve is not there

	// disk is held while room is taken or given back, so that a look at the disk is nobody's full disk.
	disk struct {
		sync.Mutex
		reserved bool
	}
	mu struct {
		sync.Mutex
		needed    int64 // the largest write that found no room
		scheduled bool  // a look at the disk is due
	}
}

// DiskFull says whether a write found no room, and the disk has been full since.
func (d *Dir) DiskFull() bool { return d.room.full.Load() }

// diskFull notes that there was no room for so many bytes. It is said once until there is room again.
func (d *Dir) diskFull(cause error, needed int64) {
	r := &d.room
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.needed = max(r.mu.needed, needed)
	if r.full.Swap(true) {
		return
	}
	d.config.Logger.Error("disk is full", "error", cause)
	if !r.mu.scheduled {
		r.mu.scheduled = true
		d.work.addAfter(roomCheckMs, d.recheckRoom)
	}
}

func (d *Dir) recheckRoom() {
	d.checkRoom()
	r := &d.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.scheduled = r.full.Load() && d.failure() == nil; r.mu.scheduled {
		d.work.addAfter(roomCheckMs, d.recheckRoom)
	}
}

// checkRoom ends the state when the reserve can be made again, and enough is left beyond it.
func (d *Dir) checkRoom() {
	r := &d.room
	if !r.full.Load() || d.failure() != nil {
		return
	}
	r.disk.Lock()
	defer r.disk.Unlock()
	r.mu.Lock()
	needed := r.mu.needed
	r.mu.Unlock()
	if d.reserveLocked() != nil {
		return
	}
	if err := d.take(probeFile, roomMargin+needed); isDiskFull(err) {
		return
	}
	if d.dropProbe() != nil {
		return // what it takes is not there for others, and the next look would find room in it
	}
	r.mu.Lock()
	r.mu.needed = 0
	r.mu.Unlock()
	r.spent.Store(false)
	if !r.full.Swap(false) {
		return
	}
	d.config.Logger.Info("there is room on the disk again")
	if d.config.OnRoom != nil {
		d.work.add(d.config.OnRoom)
	}
}

func (d *Dir) dropProbe() error {
	err := d.fs.Remove(d.fs.PathJoin(d.path, probeFile))
	if errors.Is(err, fs.ErrNotExist) { // the file system cannot reserve blocks
		return nil
	}
	return err
}

// reserve makes the reserve when the directory is opened. Where it does not fit, the disk counts as full from the beginning.
func (d *Dir) reserve() {
	d.room.disk.Lock()
	defer d.room.disk.Unlock()
	if err := d.dropProbe(); err != nil { // a crash may have left one
		d.config.Logger.Warn("a file that takes room could not be removed; remove it", "file", d.fs.PathJoin(d.path, probeFile), "error", err)
	}
	if err := d.reserveLocked(); err != nil {
		d.room.spent.Store(true)
		d.diskFull(fmt.Errorf("keep a reserve of %d bytes: %w", reserveBytes, err), 0)
	}
}

// reserveLocked returns only that there is no room. A file system that cannot reserve blocks is one without a reserve.
func (d *Dir) reserveLocked() error {
	if d.room.disk.reserved {
		return nil
	}
	err := d.take(reserveFile, reserveBytes)
	d.room.disk.reserved = err == nil
	if isDiskFull(err) {
		return err
	}
	return nil
}

// take reserves blocks in a file. What is not there as a whole is not taken at all: somebody may need it meanwhile.
func (d *Dir) take(name string, n int64) error {
	path := d.fs.PathJoin(d.path, name)
	_, err := d.fs.Stat(path)
	if err != nil && !d.hasRoom(n) { // a file that is there has its blocks
		return syscall.ENOSPC
	}
	f, err := d.fs.OpenLogFile(path, true)
	if err != nil {
		return err
	}
	err = f.Allocate(0, n)
	if err = errors.Join(err, f.Close()); err == nil {
		return nil
	}
	if removed := d.fs.Remove(path); removed != nil {
		return errors.Join(err, removed)
	}
	return err
}

// hasRoom asks the file system, and believes in room where it does not say.
func (d *Dir) hasRoom(n int64) bool {
	free, err := vfs.Available(d.fs, d.path)
	return err != nil || free >= n
}

// releaseReserve gives the reserve to the index or to a vital log, and everything else that is left too. It says whether there was one.
func (d *Dir) releaseReserve(cause error) bool {
	r := &d.room
	r.disk.Lock()
	defer r.disk.Unlock()
	r.spent.Store(true)
	d.diskFull(cause, 0)
	if !r.disk.reserved {
		return false
	}
	r.disk.reserved = false
	return d.fs.Remove(d.fs.PathJoin(d.path, reserveFile)) == nil
}

// mayGrow refuses everybody but vital logs while the reserve is gone.
func (d *Dir) mayGrow(config *LogConfig) error {
	if d.room.spent.Load() && !config.Vital {
		return fmt.Errorf("%w: what is left of it is reserved", ErrDiskFull)
	}
	return nil
}

// indexRoom is asked before the index is opened, commits or makes a table. Once it has begun, a disk that is full to the last block would be its
// end.
func (d *Dir) indexRoom() error {
	if d.room.spent.Load() && !d.hasRoom(indexMargin) {
		return fmt.Errorf("%w: %w", ErrDiskFull, syscall.ENOSPC)
	}
	return nil
}

// ReserveFS is the directory's file system for what the broker cannot be without: a write that finds no room gets that of the reserve.
func (d *Dir) ReserveFS() vfs.FS {
	return vfs.OnDiskFull(d.fs, func() { d.releaseReserve(errors.New("there is no room for the metadata")) })
}

// saySmallFiles tells, once, that segments end early.
func (d *Dir) saySmallFiles(size int64, segmentBytes int32) {
	if !d.smallFiles.Swap(true) {
		d.config.Logger.Warn("this process may not have files as large as segments (ulimit -f): segments end earlier", "refused_size", size, "segment_bytes", segmentBytes)
	}
}
