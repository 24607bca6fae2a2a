package machine

import (
	"math"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/controller/record"
)

// AllocateProducerIDs asks for a block of producer ids that nobody had before. The reply is a ProducerIDsReply.
// A block whose record was committed but whose broker died is never given out again: ids are plenty.
type AllocateProducerIDs struct {
	BrokerID    int32
	BrokerEpoch int64
	Count       int32 // 0 or less: ProducerIDBlock
}

// ProducerIDsReply is a block of ids: First and the Count-1 that follow.
type ProducerIDsReply struct {
	First   int64
	Count   int32
	Err     *kerr.Error
	Message string
}

func (ev AllocateProducerIDs) decide(m *Machine, _ int64) Decision {
	b := m.img.Broker(ev.BrokerID)
	if b == nil {
		return refuseProducerIDs(refuse(kerr.BrokerIDNotRegistered, "No broker with id %d found.", ev.BrokerID))
	}
	if b.Epoch != ev.BrokerEpoch {
		return refuseProducerIDs(refuse(kerr.StaleBrokerEpoch,
			"Expected broker epoch %d, but got broker epoch %d", b.Epoch, ev.BrokerEpoch))
	}
	count := ev.Count
	if count <= 0 {
		count = ProducerIDBlock
	}
	first := m.img.NextProducerID
	if first > math.MaxInt64-int64(count) {
		return refuseProducerIDs(refuse(kerr.UnknownServerError, "All producer ids have been given out."))
	}
	return Decision{
		Records: []record.Record{&record.ProducerIDs{
			BrokerID: ev.BrokerID, BrokerEpoch: ev.BrokerEpoch, Next: first + int64(count),
		}},
		Reply: ProducerIDsReply{First: first, Count: count},
	}
}

func refuseProducerIDs(e *apiError) Decision {
	return Decision{Reply: ProducerIDsReply{First: -1, Err: e.code, Message: e.message}}
}
