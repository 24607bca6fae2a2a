package storage

import (
	"errors"
	"fmt"
	"syscall"
)

var (
	// ErrOffsetOutOfRange: the offset is below the log start or above the log end.
	ErrOffsetOutOfRange = errors.New("storage: offset out of range")
	// ErrOffline: the directory failed, or the log's files are damaged. The wire code is KAFKA_STORAGE_ERROR.
	ErrOffline = errors.New("storage: log directory is offline")
	// ErrDiskFull: nothing was appended, and the next append may succeed.
	ErrDiskFull = errors.New("storage: disk is full")
	// ErrOutOfFiles: a new segment could not be opened because no descriptor is left. The next append may succeed.
	ErrOutOfFiles = errors.New("storage: too many open files")
	// ErrClosed: the log was closed or deleted.
	ErrClosed = errors.New("storage: log is closed")
	// ErrTopicIDMismatch: the partition's directory belongs to another topic of the same name.
	ErrTopicIDMismatch = errors.New("storage: directory belongs to another topic id")
)

// ErrCorrupt: stored bytes are damaged. Every *CorruptError is this. When it is not ErrOffline as well, the rest of the log can be
// read, and the wire code is CORRUPT_MESSAGE.
var ErrCorrupt = errors.New("storage: stored records are damaged")

// CorruptError says where damaged bytes are. Position is a file position, -1 when it is about the file.
type CorruptError struct {
	Dir      string
	Segment  string
	Position int64
	Reason   string
	// Topic and Partition are whose it is. [FirstOffset, NextOffset) cannot be read; both are 0 when that is not known.
	Topic                   string
	Partition               int32
	FirstOffset, NextOffset int64
}

// Is makes the error an ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

func (e *CorruptError) Error() string {
	if e.NextOffset > e.FirstOffset {
		return fmt.Sprintf("storage: corrupt segment %s in %s at position %d, offsets %d to %d: %s", e.Segment, e.Dir, e.Position,
			e.FirstOffset, e.NextOffset-1, e.Reason)
	}
	return fmt.Sprintf("storage: corrupt segment %s in %s at position %d: %s", e.Segment, e.Dir, e.Position, e.Reason)
}

// isOutOfFiles tells that the process, or the system, has no descriptor left: nothing is wrong with the disk.
func isOutOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// isDiskFull tells a full disk or an exhausted quota from a broken one.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, ErrDiskFull)
}

// isTooLarge tells that this process may not make a file so large: nothing is wrong with the disk.
func isTooLarge(err error) bool { return errors.Is(err, syscall.EFBIG) }
