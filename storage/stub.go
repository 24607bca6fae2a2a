package storage

import "errors"

const cleanedSuffix = ".cleaned"

var errTodo = errors.New("storage: not built yet")

func (d *Dir) seal(l *Log, s *segment) {}
func (d *Dir) checkpoint() error       { return nil }

// OffsetForTimestamp finds the first record whose timestamp is at least ts, below upTo.
func (l *Log) OffsetForTimestamp(ts, upTo int64) (offset, timestamp int64, leaderEpoch int32, found bool, err error) {
	return 0, 0, 0, false, errTodo
}

// MaxTimestamp finds the first record with the largest timestamp.
func (l *Log) MaxTimestamp() (offset, timestamp int64, epoch int32, found bool, err error) {
	return 0, 0, 0, false, errTodo
}

// LegacyOffsetsBefore answers ListOffsets v0: segment starts and the log end, newest first.
func (l *Log) LegacyOffsetsBefore(ts int64, max int, upTo int64) []int64 { return nil }

// Truncate removes everything at and above offset.
func (l *Log) Truncate(offset int64) error { return errTodo }

// DeleteRecords raises the log start.
func (l *Log) DeleteRecords(before int64) error { return errTodo }

// DeleteLog removes a partition's log.
func (d *Dir) DeleteLog(p Partition) error { return errTodo }

// Found is a partition directory on disk.
type Found struct {
	Partition
	// Open: the log is open.
	Open bool
}

// Logs lists the partition directories on disk.
func (d *Dir) Logs() ([]Found, error) { return nil, errTodo }

// Retained is what RunRetention did.
type Retained struct {
	Segments int
	Bytes    int64
}

// RunRetention deletes what the configured limits say and writes the checkpoints.
func (d *Dir) RunRetention(nowMs int64) (Retained, error) { return Retained{}, errTodo }
