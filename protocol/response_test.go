package protocol

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Both encoders must write what kmsg writes, byte for byte, in every version. kmsg's struct is the random one; ours is
// translated from it.

func TestFetchWriterWritesWhatKmsgWrites(t *testing.T) {
	for version := range int16(19) {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			r := seeded(t, uint64(version))
			for range 300 {
				resp := randomFetchResponse(r, version)
				want := resp.AppendTo([]byte("before"))

				got := writeFetch([]byte("before"), resp)

				if !bytes.Equal(got, want) {
					t.Fatalf("got  %x\nwant %x\nof %+v", got, want, resp)
				}
			}
		})
	}
}

func randomFetchResponse(r *rand.Rand, version int16) *kmsg.FetchResponse {
	resp := kmsg.NewPtrFetchResponse()
	resp.Version = version
	resp.ThrottleMillis, resp.ErrorCode, resp.SessionID = r.Int32(), int16(r.Uint32()), r.Int32()
	for range r.IntN(4) {
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = randomString(r), randomID(r)
		for range r.IntN(4) {
			topic.Partitions = append(topic.Partitions, randomFetchPartition(r))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	if version >= 16 {
		for range r.IntN(3) {
			b := kmsg.FetchResponseBroker{NodeID: r.Int32(), Host: randomString(r), Port: r.Int32(), Rack: randomRack(r)}
			resp.Brokers = append(resp.Brokers, b)
		}
	}
	return resp
}

func randomFetchPartition(r *rand.Rand) kmsg.FetchResponseTopicPartition {
	p := kmsg.NewFetchResponseTopicPartition()
	p.Partition, p.ErrorCode = r.Int32(), int16(r.Uint32())
	p.HighWatermark, p.LastStableOffset, p.LogStartOffset = r.Int64(), r.Int64(), r.Int64()
	p.PreferredReadReplica = r.Int32()
	if r.IntN(2) == 0 {
		p.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}
	}
	for range r.IntN(3) {
		a := kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: r.Int64(), FirstOffset: r.Int64()}
		p.AbortedTransactions = append(p.AbortedTransactions, a)
	}
	if r.IntN(4) > 0 {
		p.RecordBatches = []byte(randomString(r))
	}
	if r.IntN(2) == 0 {
		p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset = r.Int32(), r.Int64()
	}
	if r.IntN(2) == 0 {
		p.CurrentLeader.LeaderID, p.CurrentLeader.LeaderEpoch = r.Int32(), r.Int32()
	}
	if r.IntN(2) == 0 {
		p.SnapshotID.EndOffset, p.SnapshotID.Epoch = r.Int64(), r.Int32()
	}
	return p
}

func writeFetch(dst []byte, resp *kmsg.FetchResponse) []byte {
	var w FetchWriter
	w.Begin(dst, resp.Version, FetchHeader{
		ThrottleMs: resp.ThrottleMillis, ErrorCode: resp.ErrorCode, SessionID: resp.SessionID, Topics: len(resp.Topics),
	})
	for i := range resp.Topics {
		topic := &resp.Topics[i]
		w.BeginTopic(topic.Topic, topic.TopicID, len(topic.Partitions))
		for i := range topic.Partitions {
			from := &topic.Partitions[i]
			p := fetchPartitionOf(from)
			w.BeginPartition(&p)
			w.Buf = append(w.Buf, from.RecordBatches...)
			w.EndPartition()
		}
		w.EndTopic()
	}
	var nodes []NodeEndpoint
	for _, b := range resp.Brokers {
		nodes = append(nodes, nodeOf(b.NodeID, b.Host, b.Port, b.Rack))
	}
	return w.Finish(nodes)
}

func fetchPartitionOf(from *kmsg.FetchResponseTopicPartition) FetchPartition {
	p := NewFetchPartition(from.Partition)
	p.ErrorCode = from.ErrorCode
	p.HighWatermark, p.LastStableOffset, p.LogStartOffset = from.HighWatermark, from.LastStableOffset, from.LogStartOffset
	p.PreferredReadReplica = from.PreferredReadReplica
	if from.AbortedTransactions != nil {
		p.AbortedTransactions = []AbortedTransaction{}
	}
	for _, a := range from.AbortedTransactions {
		p.AbortedTransactions = append(p.AbortedTransactions, AbortedTransaction{a.ProducerID, a.FirstOffset})
	}
	p.RecordsLen = len(from.RecordBatches)
	if from.RecordBatches == nil {
		p.RecordsLen = -1
	}
	if d := from.DivergingEpoch; d.Epoch != -1 {
		p.DivergingEpoch = DivergingEpoch{Set: true, Epoch: d.Epoch, EndOffset: d.EndOffset}
	}
	if l := from.CurrentLeader; l.LeaderID != -1 {
		p.CurrentLeader = CurrentLeader{Set: true, LeaderID: l.LeaderID, LeaderEpoch: l.LeaderEpoch}
	}
	if s := from.SnapshotID; s.Epoch != -1 {
		p.SnapshotID = SnapshotID{Set: true, EndOffset: s.EndOffset, Epoch: s.Epoch}
	}
	return p
}

func TestAppendProduceResponseWritesWhatKmsgWrites(t *testing.T) {
	for version := range int16(14) {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			r := seeded(t, uint64(version))
			for range 300 {
				resp := randomProduceResponse(r, version)
				want := resp.AppendTo([]byte("before"))

				got := AppendProduceResponse([]byte("before"), version, produceResponseOf(resp))

				if !bytes.Equal(got, want) {
					t.Fatalf("got  %x\nwant %x\nof %+v", got, want, resp)
				}
			}
		})
	}
}

func randomProduceResponse(r *rand.Rand, version int16) *kmsg.ProduceResponse {
	resp := kmsg.NewPtrProduceResponse()
	resp.Version, resp.ThrottleMillis = version, r.Int32()
	for range r.IntN(4) {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = randomString(r), randomID(r)
		for range 1 + r.IntN(4) {
			p := kmsg.NewProduceResponseTopicPartition()
			p.Partition, p.ErrorCode = r.Int32(), int16(r.Uint32())
			p.BaseOffset, p.LogAppendTime, p.LogStartOffset = r.Int64(), r.Int64(), r.Int64()
			p.ErrorMessage = randomRack(r)
			for range r.IntN(3) {
				e := kmsg.ProduceResponseTopicPartitionErrorRecord{RelativeOffset: r.Int32(), ErrorMessage: randomRack(r)}
				p.ErrorRecords = append(p.ErrorRecords, e)
			}
			if version >= 10 && r.IntN(2) == 0 {
				p.CurrentLeader.LeaderID, p.CurrentLeader.LeaderEpoch = r.Int32(), r.Int32()
			}
			topic.Partitions = append(topic.Partitions, p)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	if version >= 10 {
		for range r.IntN(3) {
			b := kmsg.ProduceResponseBroker{NodeID: r.Int32(), Host: randomString(r), Port: r.Int32(), Rack: randomRack(r)}
			resp.Brokers = append(resp.Brokers, b)
		}
	}
	return resp
}

func produceResponseOf(from *kmsg.ProduceResponse) *ProduceResponse {
	resp := &ProduceResponse{ThrottleMs: from.ThrottleMillis}
	for t := range from.Topics {
		topic := &from.Topics[t]
		for i := range topic.Partitions {
			from := &topic.Partitions[i]
			p := NewProduceResult(from.Partition)
			p.Topic, p.TopicID, p.TopicIndex = topic.Topic, topic.TopicID, int32(t)
			p.ErrorCode = from.ErrorCode
			p.BaseOffset, p.LogAppendTimeMs, p.LogStartOffset = from.BaseOffset, from.LogAppendTime, from.LogStartOffset
			p.ErrorMessage = orEmpty(from.ErrorMessage)
			for _, e := range from.ErrorRecords {
				p.RecordErrors = append(p.RecordErrors, ProduceError{e.RelativeOffset, orEmpty(e.ErrorMessage)})
			}
			if l := from.CurrentLeader; l.LeaderID != -1 {
				p.CurrentLeader = CurrentLeader{Set: true, LeaderID: l.LeaderID, LeaderEpoch: l.LeaderEpoch}
			}
			resp.Partitions = append(resp.Partitions, p)
		}
	}
	for _, b := range from.Brokers {
		resp.NodeEndpoints = append(resp.NodeEndpoints, nodeOf(b.NodeID, b.Host, b.Port, b.Rack))
	}
	return resp
}

// A leader or an endpoint must not go out to a version that has no such tag: Kafka's clients close on it.
func TestLaterTagsAreNotSent(t *testing.T) {
	leader := CurrentLeader{Set: true, LeaderID: 1}
	nodes := []NodeEndpoint{{NodeID: 1, Host: "h", Port: 1}}
	for version := range int16(10) {
		result := NewProduceResult(0)
		plain := AppendProduceResponse(nil, version, &ProduceResponse{Partitions: []ProduceResult{result}})
		result.CurrentLeader = leader
		full := AppendProduceResponse(nil, version, &ProduceResponse{Partitions: []ProduceResult{result}, NodeEndpoints: nodes})
		if !bytes.Equal(full, plain) {
			t.Errorf("Produce %d: %x", version, full)
		}
	}
	for version := range int16(16) {
		var plain, full FetchWriter
		plain.Begin(nil, version, FetchHeader{})
		full.Begin(nil, version, FetchHeader{})
		if !bytes.Equal(full.Finish(nodes), plain.Finish(nil)) {
			t.Errorf("Fetch %d: %x", version, full.Buf)
		}
	}
}

func TestResponseEncodersDoNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 4096)
	leader := CurrentLeader{Set: true, LeaderID: 1}
	nodes := []NodeEndpoint{{NodeID: 1, Host: "host", Port: 9092, Rack: "rack"}}
	aborted := []AbortedTransaction{{1, 2}}
	produce := ProduceResponse{NodeEndpoints: nodes, Partitions: []ProduceResult{
		{Topic: "a", CurrentLeader: leader, RecordErrors: []ProduceError{{1, "why"}}}, {Topic: "b", TopicIndex: 1},
	}}
	for version := range int16(19) {
		if n := testing.AllocsPerRun(10, func() {
			var w FetchWriter
			w.Begin(dst, version, FetchHeader{Topics: 1})
			w.BeginTopic("topic", [16]byte{}, 1)
			p := NewFetchPartition(3)
			p.AbortedTransactions, p.CurrentLeader = aborted, leader
			w.BeginPartition(&p)
			w.EndPartition()
			w.EndTopic()
			w.Finish(nodes)
		}); n != 0 {
			t.Errorf("Fetch %d: %v allocations", version, n)
		}
		if n := testing.AllocsPerRun(10, func() { AppendProduceResponse(dst, min(version, 13), &produce) }); n != 0 {
			t.Errorf("Produce %d: %v allocations", version, n)
		}
	}
}

func randomID(r *rand.Rand) (id [16]byte) {
	for i := range id {
		id[i] = byte(r.Uint32())
	}
	return id
}

// randomRack is null or not empty.
func randomRack(r *rand.Rand) *string {
	if r.IntN(2) == 0 {
		return nil
	}
	s := "r" + randomString(r)
	return &s
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func nodeOf(id int32, host string, port int32, rack *string) NodeEndpoint {
	return NodeEndpoint{NodeID: id, Host: host, Port: port, Rack: orEmpty(rack)}
}
