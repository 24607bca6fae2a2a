package batch

import (
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
)

// MaxRecordErrors is how many records one answer names at most. The client fails the whole batch anyway.
const MaxRecordErrors = 100

// ProducerAppendTime is what a producer is told that claims the broker's own timestamp type on a topic that has it.
const ProducerAppendTime = "Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime."

// Error is why records are refused: the partition's error code, the message that Produce carries from v8 on, and which
// records are to blame, as far as single ones are.
type Error struct {
	Code    *kerr.Error
	Message string
	Records []RecordError
}

// RecordError names one record by its index in the batch.
type RecordError struct {
	Index   int32
	Message string
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.Message
	}
	return e.Code.Message + ": " + e.Message
}

// Unwrap lets errors.Is find the code.
func (e *Error) Unwrap() error { return e.Code }

// Refuse makes an Error of a code and a message, to which the partition is added if the rules name it.
func (r *Rules) Refuse(code *kerr.Error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...) + r.where()}
}

// where ends messages as Kafka ends them.
func (r *Rules) where() string {
	if r.Topic == "" {
		return ""
	}
	return " in topic partition " + r.Topic + "-" + strconv.Itoa(int(r.Partition))
}

// RefuseRecords is the answer when single records are to blame: one bad timestamp makes it INVALID_TIMESTAMP, which tells
// the client more than INVALID_RECORD does.
func (r *Rules) RefuseRecords(records []RecordError, badTimestamp bool) *Error {
	if badTimestamp {
		return &Error{
			Code:    kerr.InvalidTimestamp,
			Message: "One or more records have been rejected due to invalid timestamp",
			Records: records,
		}
	}
	return &Error{
		Code:    kerr.InvalidRecord,
		Message: fmt.Sprintf("One or more records have been rejected due to %d record errors in total, of which the first is: %s", len(records), records[0].Message),
		Records: records,
	}
}
