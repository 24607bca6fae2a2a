package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sordini/sordini/storage/index"
	"github.com/sordini/sordini/storage/producer"
	"github.com/sordini/sordini/storage/vfs"
)

// OpenLog creates a partition's log, or loads and recovers it. Logs may be opened concurrently, each once.
func (d *Dir) OpenLog(p Partition, config LogConfig) (*Log, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	l := &Log{dir: d, partition: p, key: p.key(), name: p.dirName()}
	l.path = d.fs.PathJoin(d.path, l.name)
	l.unstable.Store(-1)
	l.SetConfig(config)
	if _, _, ok := parseDirName(l.name); !ok || len(l.name) > maxNameBytes || strings.ContainsAny(l.name, "/\x00") {
		return nil, fmt.Errorf("open log: %q cannot be a directory name", l.name)
	}
	if err := d.claim(l); err != nil {
		return nil, err
	}
	err := l.load()
	if isDiskFull(err) {
		d.diskFull(err, 0)
		err = fmt.Errorf("%w: %w", ErrDiskFull, err)
	} else if isOutOfFiles(err) {
		err = fmt.Errorf("%w: %w", ErrOutOfFiles, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.mu.opening, l.name)
	if err == nil && d.mu.closed {
		err = ErrClosed
	}
	if err != nil {
		d.mu.halfOpened[l.name] = true
		l.closeFiles()
		return nil, fmt.Errorf("open log %s: %w", l.name, err)
	}
	delete(d.mu.halfOpened, l.name)
	d.mu.logs[l.name] = l
	return l, nil
}

// claim makes sure that a log is opened once. What an opening that failed has left is younger than the sync of the file system at the start.
func (d *Dir) claim(l *Log) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.closed {
		return ErrClosed
	}
	if d.mu.logs[l.name] != nil || d.mu.opening[l.name] {
		return fmt.Errorf("open log %s: it is open already", l.name)
	}
	d.mu.opening[l.name] = true
	l.foundSynced = d.syncedFS && !d.mu.halfOpened[l.name]
	return nil
}

// load brings the log into memory: from its directory, from the index, and by a scan of what the index does
// not vouch for.
func (l *Log) load() error {
	names, err := l.dir.fs.List(l.path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return err
	}
	slices.Sort(names)
	known, err := l.dir.index.Load(l.key)
	lost := err != nil || (l.dir.lostIndex && (known.State == nil || known.State.RecoveryPoint == 0))
	if err != nil {
		if !index.IsCorrupt(err) {
			return err
		}
		l.dir.config.Logger.Error("index entries are damaged, the log is scanned", "log", l.name, "error", err)
		known = index.Loaded{}
	}
	r := recovery{l: l, known: known, lost: lost, producers: producer.NewTable()}
	if missing && known.State != nil {
		if err := r.checkPresent(nil, known.State); err != nil {
			return err // before anything is made in its place
		}
	}
	if err := l.ensureDir(missing); err != nil {
		return err
	}
	if err := r.run(names); err != nil {
		return err
	}
	if r.scanned > 0 {
		l.dir.recovered.logs.Add(1)
		l.dir.recovered.bytes.Add(r.scanned)
	}
	// Only a checkpoint proves that the directory is durable.
	if known.State == nil && !l.foundSynced {
		l.newDir.Store(true)
	}
	if r.cut {
		// What was cut must not come back under what is appended now, and neither must the names of whole segments.
		if err := l.syncCut(); err != nil {
			return err
		}
	}
	if r.scanned > 0 && !l.foundSynced {
		if err := l.syncFound(); err != nil {
			return err
		}
		return l.dir.syncer.sync([]*Log{l})
	}
	return nil
}

// syncFound syncs what recovery found and nobody may have synced, name and bytes: any segment, not only the last ones, because a
// compaction may have been in the middle of the log.
func (l *Log) syncFound() error {
	for _, s := range *l.segments.Load() {
		if s.synced.Load() >= s.size.Load() && !s.newFile.Load() {
			continue
		}
		h, err := s.acquire(&l.dir.files)
		if err != nil {
			return err
		}
		err = h.file.SyncData()
		h.release()
		if err != nil {
			return fmt.Errorf("sync segment %d: %w", s.base, err)
		}
	}
	return l.dir.syncDir(l.path)
}

func (l *Log) syncCut() error {
	if err := l.active().handle.Load().file.SyncData(); err != nil {
		return fmt.Errorf("sync the cut: %w", err)
	}
	return l.dir.syncDir(l.path)
}

// ensureDir makes the log's directory when it is missing, without any sync: the first sync of the log's data makes the directory durable as
// well. One that is there must be this topic's.
func (l *Log) ensureDir(missing bool) error {
	if missing {
		if err := l.dir.mayGrow(l.config.Load()); err != nil {
			return err
		}
		if err := l.dir.fs.MkdirAll(l.path, 0o755); err != nil {
			return err
		}
		return l.writePartitionMeta()
	}
	id, err := readPartitionMeta(l.dir.fs, l.path)
	if errors.Is(err, errNoPartitionFile) {
		return l.writePartitionMeta()
	}
	if err != nil {
		return err
	}
	if id != l.partition.ID {
		return fmt.Errorf("%w: it has %x, the topic is %x", ErrTopicIDMismatch, id, l.partition.ID)
	}
	return nil
}

// writePartitionMeta leaves no half of the file, which would be somebody else's.
func (l *Log) writePartitionMeta() error {
	l.newDir.Store(true)
	path := l.dir.fs.PathJoin(l.path, partitionFile)
	err := vfs.WriteFile(l.dir.fs, path, appendPartitionMeta(nil, l.partition.ID))
	if err != nil {
		_ = l.dir.fs.Remove(path) // where that fails too, the next opening finds half a file and says so
	}
	return err
}

// syncNewLog makes a new log's directory durable: the topic id in it, its entries, and its own entry.
func (d *Dir) syncNewLog(l *Log) error {
	f, err := openLogFile(d.fs, &d.files, d.fs.PathJoin(l.path, partitionFile), false)
	if isOutOfFiles(err) {
		if serr := d.syncFS.SyncFS(); !errors.Is(serr, vfs.ErrUnsupported) {
			return serr
		}
	}
	if err != nil {
		return err
	}
	if err := errors.Join(f.SyncData(), f.Close()); err != nil {
		return err
	}
	if err := d.syncDir(l.path); err != nil {
		return err
	}
	return d.syncDir(d.path)
}

// stop ends appends and reads.
func (l *Log) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed.Store(true)
}

// closeFiles lets go of the segments' files. What the active one had reserved is given back.
func (l *Log) closeFiles() {
	segs := l.segments.Load()
	if segs == nil {
		return
	}
	for _, s := range *segs {
		if h := s.handle.Load(); h != nil && s == l.active() && l.mu.allocated > s.size.Load() {
			_ = h.file.Truncate(s.size.Load())
		}
		s.close(&l.dir.files)
	}
}
