package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/controller/machine"
)

// DescribeQuorum, versions 0-2 (KIP-595).
//
// Flexible · v1 when replicas fetched (KIP-836) · v2 the addresses of voters, error messages (KIP-853). There is one quorum, that of
// __cluster_metadata-0: Kafka answers for it when it is asked for alone, and refuses every partition of any other request. The node has no listener
// for controllers, so that it is among the nodes without addresses.

// DescribeQuorum tells who keeps the metadata and how far each is.
func (h *Handlers) DescribeQuorum(_ context.Context, _ *Request, q *kmsg.DescribeQuorumRequest) *kmsg.DescribeQuorumResponse {
	resp := kmsg.NewPtrDescribeQuorumResponse()
	if isMetadataAlone(q.Topics) {
		h.describeMetadataQuorum(resp)
		return resp
	}
	for i := range q.Topics {
		t := kmsg.NewDescribeQuorumResponseTopic()
		t.Topic = q.Topics[i].Topic
		for _, asked := range q.Topics[i].Partitions {
			p := kmsg.NewDescribeQuorumResponseTopicPartition()
			p.Partition, p.ErrorCode, p.ErrorMessage = asked.Partition, kerr.UnknownTopicOrPartition.Code, &kerr.UnknownTopicOrPartition.Description
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

func isMetadataAlone(topics []kmsg.DescribeQuorumRequestTopic) bool {
	return len(topics) == 1 && topics[0].Topic == machine.MetadataTopic && len(topics[0].Partitions) == 1 && topics[0].Partitions[0].Partition == 0
}

// describeMetadataQuorum fills in the one partition. Entry i of the log is at offset i-1, so that the index of the last one is the end.
func (h *Handlers) describeMetadataQuorum(resp *kmsg.DescribeQuorumResponse) {
	status := h.Controller.Status()
	p := kmsg.NewDescribeQuorumResponseTopicPartition()
	p.LeaderID, p.LeaderEpoch, p.HighWatermark = status.LeaderID, int32(status.Term), int64(status.CommitIndex)
	for _, v := range status.Voters {
		r := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
		r.ReplicaID, r.LogEndOffset = v.NodeID, int64(v.LastIndex)
		if v.NodeID == status.LeaderID { // it has what it writes
			r.LastFetchTimestamp, r.LastCaughtUpTimestamp = nowMs(), nowMs()
		}
		p.CurrentVoters = append(p.CurrentVoters, r)
		n := kmsg.NewDescribeQuorumResponseNode()
		n.NodeID = v.NodeID
		resp.Nodes = append(resp.Nodes, n)
	}
	t := kmsg.NewDescribeQuorumResponseTopic()
	t.Topic, t.Partitions = machine.MetadataTopic, append(t.Partitions, p)
	resp.Topics = append(resp.Topics, t)
}
