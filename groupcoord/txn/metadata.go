package txn

import "math"

const (
	noProducerID    = -1
	noProducerEpoch = -1

	// lastEpoch is the last one that a client is given. The one above it is
	// kept so that the coordinator can always fence.
	lastEpoch = math.MaxInt16 - 1
)

func exhausted(epoch int16) bool { return epoch >= lastEpoch }

// metadata is the value of one record: the hard state of a transactional id.
// It is replaced, never changed in place. The methods give what comes next, as
// Kafka's TransactionMetadata.prepare... do; the caller has checked that it may.
type metadata struct {
	producerID         int64
	previousProducerID int64 // producerID before the last change of state
	nextProducerID     int64 // takes over at the end of the transaction, -1 if the same goes on
	epoch              int16
	previousEpoch      int16 // a retry may still come with it, -1 if not
	timeoutMs          int32
	state              State
	partitions         partitions
	startMs            int64 // -1 if no transaction has begun
	updateMs           int64
	clientVersion      int16 // transaction version of the last client's request
}

func (md *metadata) exhausted() bool { return exhausted(md.epoch) }

// next is a copy to change.
func (md *metadata) next(state State, nowMs int64) metadata {
	n := *md
	n.state, n.previousProducerID, n.updateMs = state, md.producerID, nowMs
	return n
}

func (md *metadata) initialized(timeoutMs int32, nowMs int64) metadata {
	n := md.next(Empty, nowMs)
	n.timeoutMs, n.partitions, n.startMs = timeoutMs, nil, -1
	return n
}

// withEpoch is md for a producer that starts anew or, if its epoch is given,
// goes on after an error (KIP-360).
func (md *metadata) withEpoch(epoch, previousEpoch int16, timeoutMs int32, nowMs int64) metadata {
	n := md.initialized(timeoutMs, nowMs)
	n.epoch, n.previousEpoch = epoch, previousEpoch
	return n
}

func (md *metadata) withProducerID(id int64, previousEpoch int16, timeoutMs int32, nowMs int64) metadata {
	n := md.initialized(timeoutMs, nowMs)
	n.producerID, n.epoch, n.previousEpoch = id, 0, previousEpoch
	return n
}

func (md *metadata) withPartitions(added []TopicPartition, version int16, nowMs int64) metadata {
	n := md.next(Ongoing, nowMs)
	if md.state != Ongoing {
		n.startMs = nowMs
	}
	n.partitions, n.clientVersion = md.partitions.with(added), version
	return n
}

// endedV0 keeps the epoch.
func (md *metadata) endedV0(state State, nowMs int64) metadata {
	n := md.next(state, nowMs)
	n.nextProducerID, n.clientVersion = noProducerID, V0
	return n
}

// fencedV0 is an abort by the coordinator before transaction version 2. The
// epoch that fences is given to nobody.
func (md *metadata) fencedV0(nowMs int64) metadata {
	n := md.endedV0(PrepareAbort, nowMs)
	n.epoch, n.previousEpoch = bump(md.epoch), noProducerEpoch
	return n
}

// endedV2 bumps the epoch, so that nothing that was sent in the transaction can
// count for the next one (KIP-890). A client may abort what the coordinator
// does not know to be open.
func (md *metadata) endedV2(state State, nextProducerID, nowMs int64) metadata {
	n := md.next(state, nowMs)
	n.epoch, n.previousEpoch = bump(md.epoch), md.epoch
	n.nextProducerID, n.clientVersion = nextProducerID, V2
	if md.state != Ongoing {
		n.startMs = nowMs
	}
	return n
}

// completed is what a preparing transaction becomes with its last marker.
func (md *metadata) completed(nowMs int64) metadata {
	state := CompleteCommit
	if md.state == PrepareAbort {
		state = CompleteAbort
	}
	n := md.next(state, nowMs)
	if md.clientVersion >= V2 && md.nextProducerID != noProducerID {
		n.producerID, n.epoch = md.nextProducerID, 0
	}
	n.nextProducerID, n.partitions = noProducerID, nil
	return n
}

func bump(epoch int16) int16 {
	if epoch == math.MaxInt16 {
		return epoch
	}
	return epoch + 1
}
