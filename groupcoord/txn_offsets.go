package groupcoord

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/group"
	"github.com/sordini/sordini/groupcoord/runtime"
	"github.com/sordini/sordini/groupcoord/txn"
)

// TxnOffsetCommit answers TxnOffsetCommit 0-6. The offsets are pending until
// WriteTxnMarkers ends the producer's transaction. Topics and partitions that
// do not exist get their own error; the others are committed.
//
// v2 leader epochs · v3 group metadata, fencing by the group (KIP-447) · v4
// TRANSACTION_ABORTABLE · v5 adds the group's partition to the transaction
// (KIP-890) · v6 topic ids (KIP-1319).
func (s *Service) TxnOffsetCommit(ctx context.Context, req *kmsg.TxnOffsetCommitRequest) *kmsg.TxnOffsetCommitResponse {
	known, resp, _ := s.resolveCommit(asOffsetCommit(req))
	if len(known.Topics) > 0 {
		committed, err := s.commitInTxn(ctx, req, known)
		fillCommit(resp, committed, err)
	}
	return asTxnOffsetCommit(req, resp)
}

func (s *Service) commitInTxn(ctx context.Context, req *kmsg.TxnOffsetCommitRequest, known *kmsg.OffsetCommitRequest) (*kmsg.OffsetCommitResponse, *kerr.Error) {
	if req.Group == "" {
		return nil, kerr.InvalidGroupID
	}
	if req.ProducerID < 0 {
		return nil, kerr.InvalidProducerIDMapping // nobody has it, and a batch with it would be of no transaction
	}
	e := group.TxnCommit{Req: known, ProducerID: req.ProducerID, ProducerEpoch: req.ProducerEpoch}
	answer, err := ask[any](ctx, s, req.Group, &e)
	if need, ok := answer.(*group.NeedVerification); ok {
		e.Guard = need.Guard
		if err = s.verify(ctx, req); err == nil {
			answer, err = ask[any](ctx, s, req.Group, &e)
		}
		if err != nil { // else the machine has taken it
			s.rt.Call(context.WithoutCancel(ctx), s.PartitionFor(req.Group), &group.Unguard{Guard: need.Guard})
		}
	}
	if err != nil {
		return nil, err
	}
	return answer.(*kmsg.OffsetCommitResponse), nil
}

// verify turns what the transaction coordinator says into what this version of
// the request may be told. Clients below version 5 do not know
// CONCURRENT_TRANSACTIONS here and would give up.
func (s *Service) verify(ctx context.Context, req *kmsg.TxnOffsetCommitRequest) *kerr.Error {
	if s.cfg.VerifyTxn == nil {
		return kerr.InvalidTxnState
	}
	version := txn.V0
	if req.Version >= 5 {
		version = txn.V2
	}
	err := s.cfg.VerifyTxn(ctx, req.TransactionalID, req.ProducerID, req.ProducerEpoch, s.PartitionFor(req.Group), version)
	switch err {
	case kerr.ProducerFenced:
		return kerr.InvalidProducerEpoch
	case kerr.TransactionAbortable:
		if req.Version < 4 {
			return kerr.InvalidTxnState
		}
	case kerr.ConcurrentTransactions:
		if req.Version < 5 {
			return kerr.CoordinatorLoadInProgress
		}
	case kerr.NotCoordinator, kerr.NetworkException, kerr.CoordinatorNotAvailable, kerr.UnknownTopicOrPartition:
		// These are about the transaction's coordinator or the offsets topic, and the
		// client would take them for the group's, which need not be found again.
		return kerr.CoordinatorLoadInProgress
	}
	return err
}

// asOffsetCommit is the same commit in the form the group's machine knows.
func asOffsetCommit(req *kmsg.TxnOffsetCommitRequest) *kmsg.OffsetCommitRequest {
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Version, commit.Group = 8, req.Group
	if req.Version >= 6 {
		commit.Version = 10 // the first with topic ids
	}
	if req.Version >= 3 {
		commit.Generation, commit.MemberID, commit.InstanceID = req.Generation, req.MemberID, req.InstanceID
	}
	commit.Topics = make([]kmsg.OffsetCommitRequestTopic, 0, len(req.Topics))
	for i := range req.Topics {
		topic := kmsg.NewOffsetCommitRequestTopic()
		topic.Topic, topic.TopicID = req.Topics[i].Topic, req.Topics[i].TopicID
		topic.Partitions = make([]kmsg.OffsetCommitRequestTopicPartition, len(req.Topics[i].Partitions))
		for j := range topic.Partitions {
			p, asked := &topic.Partitions[j], &req.Topics[i].Partitions[j]
			p.Default()
			p.Partition, p.Offset, p.Metadata = asked.Partition, asked.Offset, asked.Metadata
			if req.Version >= 2 {
				p.LeaderEpoch = asked.LeaderEpoch
			}
		}
		commit.Topics = append(commit.Topics, topic)
	}
	return commit
}

// asTxnOffsetCommit: of no partitions nothing is said. Clients before version 2 break down on
// COORDINATOR_LOAD_IN_PROGRESS (KAFKA-7296) and are told
// COORDINATOR_NOT_AVAILABLE.
func asTxnOffsetCommit(req *kmsg.TxnOffsetCommitRequest, committed *kmsg.OffsetCommitResponse) *kmsg.TxnOffsetCommitResponse {
	resp := kmsg.NewPtrTxnOffsetCommitResponse()
	resp.Version = req.Version
	resp.Topics = make([]kmsg.TxnOffsetCommitResponseTopic, 0, len(committed.Topics))
	for i := range committed.Topics {
		if len(committed.Topics[i].Partitions) == 0 {
			continue
		}
		topic := kmsg.NewTxnOffsetCommitResponseTopic()
		topic.Topic, topic.TopicID = committed.Topics[i].Topic, committed.Topics[i].TopicID
		for _, p := range committed.Topics[i].Partitions {
			one := kmsg.NewTxnOffsetCommitResponseTopicPartition()
			one.Partition, one.ErrorCode = p.Partition, p.ErrorCode
			if req.Version < 2 && one.ErrorCode == kerr.CoordinatorLoadInProgress.Code {
				one.ErrorCode = kerr.CoordinatorNotAvailable.Code
			}
			topic.Partitions = append(topic.Partitions, one)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

// WriteTxnMarkers ends transactions in partitions of __consumer_offsets, as
// MarkerWriter says for all topics; the markers' topic is not looked at. A partition that is
// not led here, or still loads, is MarkerRetry.
func (s *Service) WriteTxnMarkers(ctx context.Context, markers []Marker) []MarkerResult {
	events := make([]runtime.PartitionEvent, len(markers))
	for i, m := range markers {
		events[i] = runtime.PartitionEvent{Partition: m.Partition, Event: &group.Marker{
			ProducerID: m.ProducerID, ProducerEpoch: m.ProducerEpoch, Commit: m.Commit,
			CoordinatorEpoch: m.CoordinatorEpoch, TransactionVersion: m.TransactionVersion,
		}}
	}
	results := make([]MarkerResult, len(markers))
	for i, r := range s.rt.CallAll(ctx, events) {
		switch r.Err {
		case nil:
			results[i] = MarkerWritten
		case kerr.InvalidProducerEpoch:
			results[i] = MarkerGone
		case kerr.TransactionCoordinatorFenced:
			results[i] = MarkerFenced
		default:
			results[i] = MarkerRetry
		}
	}
	return results
}
