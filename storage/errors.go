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

// CorruptError says where damaged bytes are. Position is a file position, -1 when it is about the file.
type CorruptError struct {
	Dir      string
	Segment  string
	Position int64
	Reason   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("storage: corrupt segment %s in %s at position %d: %s", e.Segment, e.Dir, e.Position, e.Reason)
}

// isOutOfFiles tells that the process, or the system, has no descriptor left: nothing is wrong with the disk.
func isOutOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// isDiskFull tells a full disk or an exhausted quota from a broken one.
func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
