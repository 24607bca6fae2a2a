package storage

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"github.com/sordini/sordini/storage/vfs"
)

// Found is a partition's directory on disk.
type Found struct {
	// Partition has a zero ID when the directory has no readable partition.metadata.
	Partition
	// Open: the log is open.
	Open bool
}

// LogNames lists the names of the partition directories below path, which may be missing. It changes nothing.
func LogNames(fsys vfs.FS, path string) ([]string, error) {
	names, err := fsys.List(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list data directory: %w", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		_, _, ok := parseDirName(name)
		return !ok
	})
	slices.Sort(names)
	return names, nil
}

// Logs lists the partition directories on disk, by name, so that the broker can delete what the metadata
// does not know.
func (d *Dir) Logs() ([]Found, error) {
	names, err := LogNames(d.fs, d.path)
	if err != nil {
		return nil, err
	}
	var found []Found
	for _, name := range names {
		topic, partition, _ := parseDirName(name)
		id, err := readPartitionMeta(d.fs, d.fs.PathJoin(d.path, name))
		if err != nil && !errors.Is(err, errNoPartitionFile) {
			d.config.Logger.Error("partition directory is not readable", "name", name, "error", err)
			continue
		}
		d.mu.Lock()
		open := d.mu.logs[name] != nil
		d.mu.Unlock()
		found = append(found, Found{Partition: Partition{Topic: topic, ID: id, Index: partition}, Open: open})
	}
	return found, nil
}

// Log returns an open log, or nil.
func (d *Dir) Log(topic string, partition int32) *Log {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.logs[Partition{Topic: topic, Index: partition}.dirName()]
}

// DeleteLog removes a partition's log, whether it is open or only on disk: from the index first, then its
// directory's name, and after file.delete.delay.ms its files. A log that is not there is no error. It refuses
// when the directory belongs to another topic id.
func (d *Dir) DeleteLog(p Partition) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	name := p.dirName()
	d.mu.Lock()
	l, opening := d.mu.logs[name], d.mu.opening[name]
	if opening || d.mu.closed {
		d.mu.Unlock()
		return fmt.Errorf("delete log %s: it is being opened or closed", name)
	}
	if l != nil && l.partition.ID != p.ID {
		d.mu.Unlock()
		return fmt.Errorf("delete log %s: %w", name, ErrTopicIDMismatch)
	}
	delete(d.mu.logs, name)
	d.mu.opening[name] = true // nobody opens it meanwhile
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.mu.opening, name)
	}()
	if err := d.deleteLog(p, l); err != nil {
		return fmt.Errorf("delete log %s: %w", name, err)
	}
	return nil
}

func (d *Dir) deleteLog(p Partition, l *Log) error {
	path := d.fs.PathJoin(d.path, p.dirName())
	delayMs := int64(0)
	if l != nil {
		l.stop()
		l.deleted.Store(true)
		l.upkeep.Lock()
		defer l.upkeep.Unlock()
		delayMs = l.config.Load().FileDeleteDelayMs
	} else if id, err := readPartitionMeta(d.fs, path); err == nil && id != p.ID {
		return ErrTopicIDMismatch
	}
	err := d.forgetPartition(p)
	if err != nil && !isDiskFull(err) {
		return err
	}
	// On a full disk the index forgets the partition when its files have made room. Until then nothing is wrong: nobody has its topic id
	// again.
	forgotten := err == nil
	if d.DiskFull() {
		delayMs = 0
	}
	if l != nil {
		for _, s := range *l.segments.Load() {
			s.removed.Store(true)
			s.close(&d.files)
		}
	}
	return d.moveAway(path, deletedName(p, hex.EncodeToString(p.ID[:])), delayMs, func() {
		d.checkRoom()
		if forgotten {
			return
		}
		if err := d.forgetPartition(p); err != nil {
			d.config.Logger.Warn("the index keeps what it has of a deleted log", "log", p.dirName(), "error", err)
		}
	})
}

func (d *Dir) forgetPartition(p Partition) error {
	b := d.index.NewBatch()
	b.DeletePartition(p.key())
	return b.Commit(true)
}

// moveAway renames a directory, so that the name is free at once, and removes it later. What a crash leaves
// is found when the directory is next opened.
func (d *Dir) moveAway(path, name string, delayMs int64, removed func()) error {
	to := d.fs.PathJoin(d.path, name)
	err := d.fs.Rename(path, to)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
		// The partition was here before, and its directory of then still waits for its removal.
		if err := d.fs.RemoveAll(to); err != nil {
			return err
		}
		err = d.fs.Rename(path, to)
	}
	if errors.Is(err, fs.ErrNotExist) {
		d.work.add(removed)
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.syncDir(d.path); err != nil {
		d.fail(err)
		return d.failure()
	}
	d.work.addAfter(delayMs, func() {
		if err := d.fs.RemoveAll(to); err != nil {
			d.config.Logger.Warn("deleted log is not removed", "path", to, "error", err)
			return
		}
		removed()
	})
	return nil
}
