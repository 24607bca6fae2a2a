package group

import (
	"math"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const noExpiry = -1

// offset is what a group committed for a partition.
type offset struct {
	offset      int64
	commitMs    int64
	expireMs    int64 // asked for by OffsetCommit 2-4, else noExpiry
	metadata    string
	leaderEpoch int32 // -1 unknown
}

// OffsetCommit 0-10. 0: no member, and offsets were ZooKeeper's; here they are
// the group's like any other. 1: a commit time per partition. 2-4: a retention
// time. 6: leader epoch. 7: instance id. 9: the error for a group that is not
// there. 10: topic ids, already turned into names.
func (m *Machine) commit(e *Commit) {
	req := e.Req
	g := m.group(req.Group)
	if err := m.validateCommit(g, req); err != nil {
		m.answer(e.To, commitError(req, err))
		return
	}
	if g != nil {
		if mb := g.byID[req.MemberID]; mb != nil {
			m.touchSession(mb)
		}
	}
	m.writeOffsets(e.To, req)
}

// writeOffsets writes what a commit that is let in may commit, and answers.
func (m *Machine) writeOffsets(to Token, req *kmsg.OffsetCommitRequest) {
	size := 0
	resp := commitResponse(req, func(p *kmsg.OffsetCommitRequestTopicPartition) *kerr.Error {
		if p.Metadata != nil && (utf16Len(*p.Metadata) > int(m.cfg.OffsetMetadataMaxBytes) || len(*p.Metadata) > maxText) {
			return kerr.OffsetMetadataTooLarge
		}
		return nil
	})
	for i := range req.Topics {
		topic := &req.Topics[i]
		for j := range topic.Partitions {
			if resp.Topics[i].Partitions[j].ErrorCode != 0 {
				continue
			}
			o := m.offsetOf(req, &topic.Partitions[j])
			r := offsetRecord(req.Group, topic.Topic, topic.Partitions[j].Partition, &o)
			size += r.size()
			m.write(r)
		}
	}
	if size > m.cfg.MaxRecordBytes { // a commit is one batch or nothing
		m.d.Records = m.d.Records[:0]
		m.answer(to, commitError(req, kerr.InvalidCommitOffsetSize))
		return
	}
	m.answerAfterCommit(to, resp)
}

func (m *Machine) offsetOf(req *kmsg.OffsetCommitRequest, p *kmsg.OffsetCommitRequestTopicPartition) offset {
	o := offset{offset: p.Offset, commitMs: m.nowMs, expireMs: noExpiry, leaderEpoch: -1}
	if p.Metadata != nil {
		o.metadata = *p.Metadata
	}
	if req.Version >= 6 {
		o.leaderEpoch = p.LeaderEpoch
	}
	if req.Version == 1 && p.Timestamp != -1 {
		o.commitMs = p.Timestamp
	}
	if req.Version >= 2 && req.Version <= 4 && req.RetentionTimeMillis != -1 {
		o.expireMs = max(saturatingAdd(m.nowMs, req.RetentionTimeMillis), 0)
	}
	return o
}

// validateCommit admits members of the current generation, and, while a group
// has no members, commits without one: consumers that assign partitions
// themselves, and administrators.
func (m *Machine) validateCommit(g *group, req *kmsg.OffsetCommitRequest) *kerr.Error {
	generation, memberID, instanceID := req.Generation, req.MemberID, req.InstanceID
	if req.Version < 1 {
		generation, memberID = -1, ""
	}
	if req.Version < 7 {
		instanceID = nil
	}
	if g == nil {
		switch {
		case len(req.Group) > maxText:
			return kerr.InvalidGroupID
		case generation < 0:
			return nil
		case req.Version >= 9:
			return kerr.GroupIDNotFound
		default:
			return kerr.IllegalGeneration
		}
	}
	if generation < 0 && g.state == empty {
		return nil
	}
	if generation < 0 && memberID == "" && instanceID == nil {
		return kerr.UnknownMemberID
	}
	if err := g.validateGeneration(memberID, instanceID, generation); err != nil {
		return err
	}
	if g.state == completingRebalance {
		return kerr.RebalanceInProgress // it knows the generation but owns nothing in it yet
	}
	return nil
}

// validateGeneration admits members of the current generation.
func (g *group) validateGeneration(memberID string, instanceID *string, generation int32) *kerr.Error {
	if _, err := g.validate(memberID, instanceID); err != nil {
		return err
	}
	if generation != g.generation {
		return kerr.IllegalGeneration
	}
	return nil
}

// commitError tells every partition the same.
func commitError(req *kmsg.OffsetCommitRequest, err *kerr.Error) *kmsg.OffsetCommitResponse {
	return commitResponse(req, func(*kmsg.OffsetCommitRequestTopicPartition) *kerr.Error { return err })
}

// commitResponse has the request's topics and partitions, in order.
func commitResponse(req *kmsg.OffsetCommitRequest, code func(*kmsg.OffsetCommitRequestTopicPartition) *kerr.Error) *kmsg.OffsetCommitResponse {
	resp := kmsg.NewPtrOffsetCommitResponse()
	resp.Version = req.Version
	resp.Topics = make([]kmsg.OffsetCommitResponseTopic, 0, len(req.Topics))
	for i := range req.Topics {
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic, topic.TopicID = req.Topics[i].Topic, req.Topics[i].TopicID
		topic.Partitions = make([]kmsg.OffsetCommitResponseTopicPartition, len(req.Topics[i].Partitions))
		for j := range topic.Partitions {
			p := &topic.Partitions[j]
			p.Partition = req.Topics[i].Partitions[j].Partition
			if err := code(&req.Topics[i].Partitions[j]); err != nil {
				p.ErrorCode = err.Code
			}
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

// utf16Len is Java's String.length, which Kafka compares with the limit.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		if w := utf16.RuneLen(r); w > 0 {
			n += w
			continue
		}
		n += utf16.RuneLen(utf8.RuneError)
	}
	return n
}

func saturatingAdd(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	if b < 0 && a < math.MinInt64-b {
		return math.MinInt64
	}
	return a + b
}
