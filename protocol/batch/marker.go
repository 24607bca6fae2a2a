package batch

import "encoding/binary"

// Marker is the content of a control batch that ends a producer's transaction.
type Marker struct {
	Commit           bool
	CoordinatorEpoch int32
}

// The type in the key of a control record. Others (leader changes, snapshots) are Raft's.
const (
	controlAbort  = 0
	controlCommit = 1
)

// AppendMarker appends to dst the control batch with which the coordinator ends the transaction of a producer: one record, no sequence.
func AppendMarker(dst []byte, nowMs, producerID int64, producerEpoch int16, m Marker) []byte {
	key := [4]byte{3: controlAbort} // version 0, type
	if m.Commit {
		key[3] = controlCommit
	}
	value := binary.BigEndian.AppendUint32(make([]byte, 2, 6), uint32(m.CoordinatorEpoch)) // version 0, epoch
	b := NewBuilder(Options{
		HasProducer: true, ProducerID: producerID, ProducerEpoch: producerEpoch, BaseSequence: NoSequence,
		Transactional: true, Control: true,
	})
	b.Add(nowMs, key[:], value, nil)
	out := append(append(dst, make([]byte, HeaderSize)...), b.buf...) // as Build does it, which fails for reasons that one small record has not
	b.header(Batch(out[len(dst):]))
	return out
}

// Marker reads the one record of a control batch. Control records that are not the end of a transaction, and damaged ones, are
// not ok.
func (b Batch) Marker() (m Marker, ok bool) {
	if !b.IsControl() || !b.IsTransactional() {
		return Marker{}, false
	}
	var r Reader
	var rec Record
	if r.Reset(b, len(b)) != nil || !r.Next(&rec) || len(rec.Key) < 4 || len(rec.Value) < 6 {
		return Marker{}, false
	}
	kind := binary.BigEndian.Uint16(rec.Key[2:])
	if kind != controlAbort && kind != controlCommit {
		return Marker{}, false
	}
	return Marker{Commit: kind == controlCommit, CoordinatorEpoch: int32(binary.BigEndian.Uint32(rec.Value[2:]))}, true
}
