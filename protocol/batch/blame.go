package batch

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// noKey is Kafka's message.
const noKey = "Compacted topic cannot accept message without key"

// refuse notes a record that is sound but not wanted.
func (l *limits) refuse(index int32, timestamp int64, hasKey bool) {
	if len(l.refused) >= MaxRecordErrors {
		return
	}
	if e, ok, byTime := l.rules.JudgeRecord(index, int64(index), timestamp, hasKey); !ok {
		l.refused = append(l.refused, e)
		l.badTimestamp = l.badTimestamp || byTime
	}
}

// refuseDamage names the record if there is one: too few and too many bytes are the whole batch's fault.
func (r *Rules) refuseDamage(w walked) *Error {
	if w.fault == faultTorn || w.fault == faultMore {
		return r.Refuse(kerr.InvalidRecord, "%v", w.fault)
	}
	if w.fault == faultLarge { // Kafka names no record here
		return r.Refuse(kerr.InvalidRecord, "%v of %d bytes: record %d", w.fault, r.MaxRecordBytes, w.index)
	}
	return r.RefuseRecords([]RecordError{{Index: w.index, Message: w.fault.String() + r.where()}}, false)
}

// JudgeRecord holds one record against the demands of the topic. It is for records that come from elsewhere than a batch;
// Validate has its own faster way to say yes.
func (r *Rules) JudgeRecord(index int32, offset, timestamp int64, hasKey bool) (e RecordError, ok, byTime bool) {
	if r.Compacted && !hasKey {
		return RecordError{Index: index, Message: noKey + r.where()}, false, false
	}
	oldest, youngest := r.Window()
	if timestamp != NoTimestamp && (timestamp < oldest || timestamp > youngest) {
		return RecordError{Index: index, Message: fmt.Sprintf(
			"Timestamp %d of message with offset %d is out of range. The timestamp should be within [%d, %d]",
			timestamp, offset, oldest, youngest)}, false, true
	}
	return RecordError{}, true, false
}
