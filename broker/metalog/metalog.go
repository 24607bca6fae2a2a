// Package metalog keeps the controller's log in an ordinary log of storage: the partition __cluster_metadata-0 of the first log directory.
//
// The broker opens it at its start, and import-dir when it makes a directory; controller/quorum reads and writes it. What must always hold:
// entry i is the one batch at offset i-1, and an append is on the disk when it returns.
package metalog

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/sordini/sordini/controller/quorum"
	"github.com/sordini/sordini/protocol/batch"
	"github.com/sordini/sordini/storage"
	"github.com/sordini/sordini/storage/vfs"
)

// Log keeps the quorum's entries in an ordinary log, the partition __cluster_metadata-0: entry i is the batch at offset i-1, with
// the entry's term as leader epoch and its data as the value of the one record. Durability is `batch`: an append is on disk when
// it returns.
type Log struct {
	log   *storage.Log
	clock func() int64
	build batch.Builder
}

// Partition is __cluster_metadata-0. Its topic id is the one that Kafka reserves for it.
var Partition = storage.Partition{Topic: "__cluster_metadata", ID: storage.TopicID{15: 1}}

// Open opens the log in a directory, and makes it in one that has none. clock stamps the batches, in ms.
func Open(dir *storage.Dir, clock func() int64) (*Log, error) {
	log, err := dir.OpenLog(Partition, logConfig())
	if err != nil {
		return nil, fmt.Errorf("open __cluster_metadata in %s: %w", dir.Path(), err)
	}
	return &Log{log: log, clock: clock}, nil
}

// logConfig keeps the metadata for ever (the controller moves the log's start behind its checkpoints), syncs every append, and gets the
// reserve of the directory on a full disk.
func logConfig() storage.LogConfig {
	c := storage.DefaultLogConfig()
	c.Durability, c.Delete, c.SegmentMs = storage.DurabilityBatch, false, math.MaxInt64
	c.SegmentBytes, c.MaxMessageBytes, c.Vital = 64<<20, math.MaxInt32, true
	return c
}

// DirName is the directory of the log within its log directory. The controller keeps its own files there too.
const DirName = "__cluster_metadata-0"

// Exists tells whether a log directory holds metadata: a segment in which something was written. It changes nothing.
func Exists(fsys vfs.FS, logDir string) (bool, error) {
	path := fsys.PathJoin(logDir, DirName)
	names, err := fsys.List(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("list %s: %w", path, err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".log") {
			continue
		}
		info, err := fsys.Stat(fsys.PathJoin(path, name))
		if err != nil {
			return false, err
		}
		if info.Size() > 0 {
			return true, nil
		}
	}
	return false, nil
}

// FirstIndex, LastIndex and the methods below implement quorum.Log.
func (m *Log) FirstIndex() uint64 { return uint64(m.log.LogStartOffset()) + 1 }
func (m *Log) LastIndex() uint64  { return uint64(m.log.LogEndOffset()) }

// Append writes entries that follow LastIndex; those of one term with one write and one sync.
func (m *Log) Append(entries []quorum.Entry) error {
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].Term == entries[0].Term {
			n++
		}
		if err := m.appendTerm(entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

func (m *Log) appendTerm(entries []quorum.Entry) error {
	now := m.clock()
	appends := make([]*storage.Append, len(entries))
	for i, e := range entries {
		m.build.Reset(batch.Options{})
		m.build.Add(now, nil, e.Data, nil)
		b, err := m.build.Build(nil)
		if err != nil {
			return fmt.Errorf("encode metadata entry %d: %w", e.Index, err)
		}
		appends[i] = &storage.Append{Batch: b, Info: batch.Info{Batch: b, MaxTimestamp: now}, Origin: storage.Coordinator}
	}
	if err := m.log.Append(now, int32(entries[0].Term), appends); err != nil {
		return fmt.Errorf("append metadata entry %d: %w", entries[0].Index, err)
	}
	for i, a := range appends {
		if a.Result.Err != nil {
			return fmt.Errorf("append metadata entry %d: %w", entries[i].Index, a.Result.Err)
		}
		if a.Result.BaseOffset != int64(entries[i].Index)-1 {
			return fmt.Errorf("metadata entry %d was written at offset %d", entries[i].Index, a.Result.BaseOffset)
		}
	}
	return nil
}

// Entries reads entries [lo, hi), at least one.
func (m *Log) Entries(lo, hi uint64, maxBytes int) ([]quorum.Entry, error) {
	var entries []quorum.Entry
	size := 0
	for next := lo; next < hi && (len(entries) == 0 || size < maxBytes); {
		raw, err := m.read(next, max(maxBytes-size, 0))
		if err != nil {
			return nil, err
		}
		for len(raw) > 0 && next < hi {
			b, rest, err := batch.Next(raw)
			if err != nil {
				break // torn: the read ended within it
			}
			e, err := decodeEntry(next, b)
			if err != nil {
				return nil, err
			}
			entries = append(entries, e)
			size += len(e.Data)
			next++
			raw = rest
		}
	}
	return entries, nil
}

func decodeEntry(index uint64, b batch.Batch) (quorum.Entry, error) {
	if b.BaseOffset() != int64(index)-1 || !b.ValidCRC() {
		return quorum.Entry{}, fmt.Errorf("%w: batch at offset %d of __cluster_metadata-0, where entry %d should be", quorum.ErrCorrupt, b.BaseOffset(), index)
	}
	for rec, err := range batch.Records(b, len(b)) {
		if err != nil {
			return quorum.Entry{}, fmt.Errorf("%w: entry %d of __cluster_metadata-0: %w", quorum.ErrCorrupt, index, err)
		}
		return quorum.Entry{Index: index, Term: uint64(b.PartitionLeaderEpoch()), Data: rec.Value}, nil
	}
	return quorum.Entry{}, fmt.Errorf("%w: entry %d of __cluster_metadata-0 is empty", quorum.ErrCorrupt, index)
}

func (m *Log) read(index uint64, maxBytes int) ([]byte, error) {
	s, err := m.log.Read(int64(index)-1, maxBytes, m.log.LogEndOffset(), true, nil)
	if err != nil {
		return nil, fmt.Errorf("read metadata entry %d: %w", index, err)
	}
	defer s.Release()
	raw := make([]byte, s.Len())
	if _, err := s.ReadAt(raw, 0); err != nil {
		return nil, fmt.Errorf("read metadata entry %d: %w", index, err)
	}
	return raw, nil
}

// Term returns an entry's term.
func (m *Log) Term(index uint64) (uint64, error) {
	raw, err := m.read(index, batch.HeaderSize)
	if err != nil {
		return 0, err
	}
	if len(raw) < batch.HeaderSize {
		return 0, fmt.Errorf("%w: no entry %d in __cluster_metadata-0", quorum.ErrCorrupt, index)
	}
	return uint64(batch.Batch(raw).PartitionLeaderEpoch()), nil
}

// Truncate removes the entry at index and all after it.
func (m *Log) Truncate(index uint64) error { return m.log.Truncate(int64(index) - 1) }

// Compact lets the log forget the entries below index, which are in a checkpoint.
func (m *Log) Compact(index uint64) error { return m.log.DeleteRecords(int64(index) - 1) }
