package batch

import (
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
)

// refuseWalk turns the first fault of a walk into an answer. Structural damage ends there. A record that is sound but not
// wanted is not the end: the client learns about all of them, so the walk is repeated without demands and each is judged.
func (r *Rules) refuseWalk(payload []byte, b Batch, l *limits, w walked) *Error {
	if w.fault > faultTimestamp {
		return r.refuseDamage(w)
	}
	lax := *l
	lax.needKey = false
	lax.oldest, lax.youngest = math.MinInt64, math.MaxInt64
	if w := walk(payload, b.Count(), &lax); w.fault != faultNone {
		return r.refuseDamage(w)
	}
	var errs []RecordError
	badTimestamp := false
	pos := 0
	for i := int32(0); i < b.Count() && len(errs) < MaxRecordErrors; i++ {
		n, start := varint(payload, pos)
		pos = start + n
		delta, at := varlong(payload[start:pos], 1)
		_, at = varint(payload[start:pos], at)
		keyLen, _ := varint(payload[start:pos], at)
		e, ok, byTime := r.JudgeRecord(i, int64(i), l.baseTimestamp+delta, keyLen >= 0)
		if !ok {
			errs = append(errs, e)
			badTimestamp = badTimestamp || byTime
		}
	}
	return r.RefuseRecords(errs, badTimestamp)
}

// refuseDamage names the record if there is one: too few and too many bytes are the whole batch's fault.
func (r *Rules) refuseDamage(w walked) *Error {
	if w.fault == faultTorn || w.fault == faultMore {
		return r.Refuse(kerr.InvalidRecord, "%v", w.fault)
	}
	return r.RefuseRecords([]RecordError{{Index: w.index, Message: w.fault.String() + r.where()}}, false)
}

// JudgeRecord holds one record against the demands of the topic. It is for records that come from elsewhere than a batch;
// Validate has its own faster way to say yes.
func (r *Rules) JudgeRecord(index int32, offset, timestamp int64, hasKey bool) (e RecordError, ok, byTime bool) {
	if r.Compacted && !hasKey {
		return RecordError{Index: index, Message: faultNoKey.String() + r.where()}, false, false
	}
	oldest, youngest := r.Window()
	if timestamp != NoTimestamp && (timestamp < oldest || timestamp > youngest) {
		return RecordError{Index: index, Message: fmt.Sprintf(
			"Timestamp %d of message with offset %d is out of range. The timestamp should be within [%d, %d]",
			timestamp, offset, oldest, youngest)}, false, true
	}
	return RecordError{}, true, false
}
