package index

import (
	"encoding/binary"
	"errors"
)

// LogState is a log's checkpoint.
type LogState struct {
	LogStart int64
	// RecoveryPoint is an end offset: everything below it is durable in the files, and described here.
	RecoveryPoint int64
	Epochs        []Epoch
	// AbortedEnd is the end offset of the aborted transactions that are stored, 0 when there are none.
	AbortedEnd int64
}

// Epoch is where a leader epoch begins.
type Epoch struct {
	Epoch int32
	Start int64
}

// Segment is what is known of a segment without reading it.
type Segment struct {
	Base       int64
	NextOffset int64 // the end offset
	Size       int64
	// MaxTimestamp is -1 when there is no batch; MaxTimestampPos is the position of the first batch
	// that has it.
	MaxTimestamp    int64
	MaxTimestampPos int64
	// FirstTimestamp is the largest timestamp of the first batch: the roll by time counts from it.
	FirstTimestamp int64
	LastModifiedMs int64
	// CleanedMs is when compaction last rewrote the segment, 0 if never.
	CleanedMs int64
}

// Snapshot is the encoded producer table as of an offset.
type Snapshot struct {
	Offset int64
	Bytes  []byte
}

const (
	valueVersion = 1
	maxEpochs    = 1 << 20
)

var errValue = errors.New("index: malformed value")

func appendVarints(dst []byte, vs ...int64) []byte {
	for _, v := range vs {
		dst = binary.AppendVarint(dst, v)
	}
	return dst
}

// readVarints fills vs and returns the rest; false if the bytes end early.
func readVarints(b []byte, vs ...*int64) ([]byte, bool) {
	for _, v := range vs {
		x, n := binary.Varint(b)
		if n <= 0 {
			return nil, false
		}
		*v = x
		b = b[n:]
	}
	return b, true
}

func appendState(dst []byte, s *LogState) []byte {
	dst = append(dst, valueVersion)
	dst = appendVarints(dst, s.LogStart, s.RecoveryPoint, int64(len(s.Epochs)))
	for _, e := range s.Epochs {
		dst = appendVarints(dst, int64(e.Epoch), e.Start)
	}
	if s.AbortedEnd > 0 {
		dst = appendVarints(dst, s.AbortedEnd)
	}
	return dst
}

func decodeState(b []byte) (*LogState, error) {
	if len(b) == 0 || b[0] != valueVersion {
		return nil, errValue
	}
	var s LogState
	var n int64
	b, ok := readVarints(b[1:], &s.LogStart, &s.RecoveryPoint, &n)
	if !ok || s.LogStart < 0 || s.RecoveryPoint < 0 || n < 0 || n > maxEpochs || n > int64(len(b)) {
		return nil, errValue
	}
	for i := range n {
		var epoch int64
		var e Epoch
		if b, ok = readVarints(b, &epoch, &e.Start); !ok || epoch < 0 || epoch > 1<<31-1 {
			return nil, errValue
		}
		e.Epoch = int32(epoch)
		if i > 0 && (e.Epoch <= s.Epochs[i-1].Epoch || e.Start < s.Epochs[i-1].Start) {
			return nil, errValue
		}
		s.Epochs = append(s.Epochs, e)
	}
	if len(b) > 0 {
		if b, ok = readVarints(b, &s.AbortedEnd); !ok || s.AbortedEnd <= 0 {
			return nil, errValue
		}
	}
	if len(b) != 0 {
		return nil, errValue
	}
	return &s, nil
}

func appendSegment(dst []byte, s *Segment) []byte {
	dst = append(dst, valueVersion)
	return appendVarints(dst, s.NextOffset-s.Base, s.Size, s.MaxTimestamp, s.MaxTimestampPos, s.FirstTimestamp,
		s.LastModifiedMs, s.CleanedMs)
}

func decodeSegment(base int64, b []byte) (Segment, error) {
	s := Segment{Base: base}
	if len(b) == 0 || b[0] != valueVersion {
		return s, errValue
	}
	var offsets int64
	b, ok := readVarints(b[1:], &offsets, &s.Size, &s.MaxTimestamp, &s.MaxTimestampPos, &s.FirstTimestamp,
		&s.LastModifiedMs, &s.CleanedMs)
	if !ok || len(b) != 0 || base < 0 || offsets < 0 || base+offsets < base || s.Size < 0 || s.Size > 1<<32-1 ||
		s.MaxTimestampPos < 0 || s.MaxTimestampPos > s.Size {
		return s, errValue
	}
	s.NextOffset = base + offsets
	return s, nil
}
