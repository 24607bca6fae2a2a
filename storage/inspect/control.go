package inspect

import "encoding/binary"

// ControlType is what a control record says, by its number on disk.
type ControlType int16

// The control records of Kafka 4.4. The last five are in the metadata log alone.
const (
	ControlAbort ControlType = iota
	ControlCommit
	ControlLeaderChange
	ControlSnapshotHeader
	ControlSnapshotFooter
	ControlKRaftVersion
	ControlKRaftVoters
)

// ControlTypeOf reads the type from a control record's key: a version and a type, two bytes each. False when the key is too short.
func ControlTypeOf(key []byte) (ControlType, bool) {
	if len(key) < 4 {
		return -1, false
	}
	return ControlType(binary.BigEndian.Uint16(key[2:])), true
}

// MarkerEpoch is the coordinator epoch in the value of an Abort or Commit.
func MarkerEpoch(value []byte) (int32, bool) {
	if len(value) < 6 {
		return 0, false
	}
	return int32(binary.BigEndian.Uint32(value[2:])), true
}
