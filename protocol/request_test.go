package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The views of Produce and Fetch must say what kmsg says, and refuse what CheckShape refuses.

func compareProduce(t *testing.T, version int16, body []byte) {
	t.Helper()
	var got ProduceRequest
	err := ParseProduce(version, body, &got)
	if len(got.Partitions) == 0 {
		got.Partitions = nil // DeepEqual tells it from empty
	}
	if shape := CheckShape(0, version, body); (err == nil) != (shape == nil) {
		t.Fatalf("version %d, %x: ParseProduce %v, CheckShape %v", version, body, err, shape)
	}
	if err != nil {
		if !errors.Is(err, ErrMalformed) || !reflect.DeepEqual(got, ProduceRequest{}) {
			t.Fatalf("version %d, %x: %+v, err %v", version, body, got, err)
		}
		return
	}
	var req kmsg.ProduceRequest
	req.Version = version
	if err := req.ReadFrom(body); err != nil {
		t.Fatalf("version %d, %x: kmsg: %v", version, body, err)
	}
	want := ProduceRequest{
		TransactionalID: orEmpty(req.TransactionID), HasTransactionalID: req.TransactionID != nil,
		Acks: req.Acks, TimeoutMs: req.TimeoutMillis,
	}
	for i, topic := range req.Topics {
		for _, p := range topic.Partitions {
			want.Partitions = append(want.Partitions, ProducePartition{
				Topic: topic.Topic, TopicID: topic.TopicID, TopicIndex: int32(i), Partition: p.Partition, Records: p.Records,
			})
		}
	}
	if !reflect.DeepEqual(got, want) { // tells nil records from empty ones
		t.Fatalf("version %d, %x:\ngot  %+v\nwant %+v", version, body, got, want)
	}
}

func compareFetch(t *testing.T, version int16, body []byte) {
	t.Helper()
	var got, nothing FetchRequest
	nothing.Reset()
	err := ParseFetch(version, body, &got)
	if len(got.Partitions) == 0 {
		got.Partitions = nil
	}
	if len(got.Forgotten) == 0 {
		got.Forgotten = nil
	}
	if shape := CheckShape(1, version, body); (err == nil) != (shape == nil) {
		t.Fatalf("version %d, %x: ParseFetch %v, CheckShape %v", version, body, err, shape)
	}
	if err != nil {
		if !errors.Is(err, ErrMalformed) || !reflect.DeepEqual(got, nothing) {
			t.Fatalf("version %d, %x: %+v, err %v", version, body, got, err)
		}
		return
	}
	var req kmsg.FetchRequest
	req.Version = version
	if err := req.ReadFrom(body); err != nil {
		t.Fatalf("version %d, %x: kmsg: %v", version, body, err)
	}
	if want := fetchRequestOf(&req); !reflect.DeepEqual(got, want) {
		t.Fatalf("version %d, %x:\ngot  %+v\nwant %+v", version, body, got, want)
	}
}

func fetchRequestOf(req *kmsg.FetchRequest) FetchRequest {
	want := FetchRequest{
		ClusterID: orEmpty(req.ClusterID), ReplicaID: req.ReplicaID, ReplicaEpoch: req.ReplicaState.Epoch,
		MaxWaitMs: req.MaxWaitMillis, MinBytes: req.MinBytes, MaxBytes: req.MaxBytes, IsolationLevel: req.IsolationLevel,
		SessionID: req.SessionID, SessionEpoch: req.SessionEpoch, Rack: req.Rack,
	}
	if req.Version >= 15 {
		want.ReplicaID = req.ReplicaState.ID
	}
	for i, topic := range req.Topics {
		for _, p := range topic.Partitions {
			want.Partitions = append(want.Partitions, FetchRequestPartition{
				Topic: topic.Topic, TopicID: topic.TopicID, TopicIndex: int32(i), Partition: p.Partition,
				CurrentLeaderEpoch: p.CurrentLeaderEpoch, LastFetchedEpoch: p.LastFetchedEpoch, FetchOffset: p.FetchOffset,
				LogStartOffset: p.LogStartOffset, PartitionMaxBytes: p.PartitionMaxBytes,
				ReplicaDirectoryID: p.ReplicaDirectoryID, HighWatermark: p.HighWatermark,
			})
		}
	}
	for _, topic := range req.ForgottenTopics {
		for _, p := range topic.Partitions {
			want.Forgotten = append(want.Forgotten, ForgottenPartition{Topic: topic.Topic, TopicID: topic.TopicID, Partition: p})
		}
	}
	return want
}

// compare is compareProduce or compareFetch by key.
func compare(t *testing.T, key, version int16, body []byte) {
	t.Helper()
	if key == 0 {
		compareProduce(t, version, body)
		return
	}
	compareFetch(t, version, body)
}

func TestViewsSayWhatKmsgSays(t *testing.T) {
	for _, s := range []*schema{&produceSchema, &fetchSchema} {
		for version := range s.Max + 1 {
			t.Run(fmt.Sprintf("%s/%d", s.Name, version), func(t *testing.T) {
				r := seeded(t, uint64(version))
				for range 200 {
					_, body := randomRequest(r, s.Key, version)
					compare(t, s.Key, version, append(bytes.Clone(body), "left over"...))
					compare(t, s.Key, version, body[:r.IntN(len(body))])
					body[r.IntN(len(body))] = byte(r.Uint32())
					compare(t, s.Key, version, body)
				}
			})
		}
	}
}

func TestViewsRefuseUnknownVersions(t *testing.T) {
	for _, version := range []int16{-1, 19, 100} {
		if err := ParseProduce(version, make([]byte, 100), &ProduceRequest{}); !errors.Is(err, ErrMalformed) {
			t.Errorf("Produce %d: %v", version, err)
		}
		if err := ParseFetch(version, make([]byte, 100), &FetchRequest{}); !errors.Is(err, ErrMalformed) {
			t.Errorf("Fetch %d: %v", version, err)
		}
	}
}

// A frame is given back to its pool after the request: what is appended to records must not run into what follows them.
func TestRecordsHaveNoCapacityBeyondTheirLength(t *testing.T) {
	body := []byte("\xff\xff\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x01t\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00\x03abcdef")
	var req ProduceRequest
	if err := ParseProduce(3, body, &req); err != nil {
		t.Fatal(err)
	}
	p := req.Partitions[0]
	if string(p.Records) != "abc" || cap(p.Records) != 3 || p.Topic != "t" || p.Partition != 5 {
		t.Errorf("%+v, capacity %d", p, cap(p.Records))
	}
}

func TestResetLetsGoOfTheFrame(t *testing.T) {
	r := seeded(t, 1)
	var produce ProduceRequest
	var fetch FetchRequest
	for range 20 {
		_, body := randomRequest(r, 0, 9)
		if err := ParseProduce(9, body, &produce); err != nil {
			t.Fatal(err)
		}
		_, body = randomRequest(r, 1, 11)
		if err := ParseFetch(11, body, &fetch); err != nil {
			t.Fatal(err)
		}
	}
	produce.Reset()
	fetch.Reset()
	for _, p := range produce.Partitions[:cap(produce.Partitions)] {
		if p.Records != nil || p.Topic != "" {
			t.Errorf("kept %+v", p)
		}
	}
	for _, p := range fetch.Partitions[:cap(fetch.Partitions)] {
		if p.Topic != "" {
			t.Errorf("kept %+v", p)
		}
	}
	produce.Partitions = make([]ProducePartition, maxKeptPartitions+1)
	if produce.Reset(); produce.Partitions != nil {
		t.Errorf("kept room for %d partitions", cap(produce.Partitions))
	}
}

func TestViewsDoNotAllocateOnceGrown(t *testing.T) {
	r := seeded(t, 1)
	var produce ProduceRequest
	var fetch FetchRequest
	for version := range int16(19) {
		_, produceBody := randomRequest(r, 0, min(version, 13))
		_, fetchBody := randomRequest(r, 1, version)
		if n := testing.AllocsPerRun(10, func() {
			if ParseProduce(min(version, 13), produceBody, &produce) != nil || ParseFetch(version, fetchBody, &fetch) != nil {
				t.Error("refused")
			}
		}); n != 0 {
			t.Errorf("version %d: %v allocations", version, n)
		}
	}
}

func fuzzView(f *testing.F, s *schema) {
	r := seeded(f, 1)
	for version := range s.Max + 1 {
		_, body := randomRequest(r, s.Key, version)
		f.Add(version, body[:min(len(body), 512)])
	}
	f.Fuzz(func(t *testing.T, version int16, body []byte) {
		if len(body) > 8<<10 {
			return // beyond, CheckShape's budget for tags may refuse what a view, which keeps none, need not
		}
		compare(t, s.Key, version, body)
	})
}

func FuzzParseProduce(f *testing.F) { fuzzView(f, &produceSchema) }
func FuzzParseFetch(f *testing.F)   { fuzzView(f, &fetchSchema) }

func BenchmarkParseProduce(b *testing.B) {
	req := kmsg.NewPtrProduceRequest()
	req.Version = 9
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: "a topic", Partitions: []kmsg.ProduceRequestTopicPartition{{Records: make([]byte, 1024)}}}}
	body := req.AppendTo(nil)
	var into ProduceRequest
	b.ReportAllocs()
	for b.Loop() {
		if err := ParseProduce(9, body, &into); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckShape(b *testing.B) {
	r := seeded(b, 1)
	_, body := randomRequest(r, 8, 8)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := CheckShape(8, 8, body); err != nil {
			b.Fatal(err)
		}
	}
}

// A frame of 100 MB can name 16 million partitions, each of which took a hundred bytes here and several hundred until it was answered.
func TestARequestThatNamesTooManyPartitionsIsMalformed(t *testing.T) {
	const perTopic = 50_000
	body := func(head []byte, partition, topics int) []byte {
		b := appendInt32(head, int32(topics))
		for range topics {
			b = appendInt32(append(b, 0, 1, 't'), perTopic)
			b = append(b, make([]byte, partition*perTopic)...)
		}
		return b
	}
	for topics, want := range map[int]error{MaxPartitions / perTopic: nil, MaxPartitions/perTopic + 1: ErrMalformed} {
		var p ProduceRequest
		if err := ParseProduce(0, body(make([]byte, 6), 8, topics), &p); !errors.Is(err, want) {
			t.Errorf("Produce of %d partitions: %v", topics*perTopic, err)
		}
		var f FetchRequest
		if err := ParseFetch(0, body(make([]byte, 12), 16, topics), &f); !errors.Is(err, want) {
			t.Errorf("Fetch of %d partitions: %v", topics*perTopic, err)
		}
		forgotten := body(append(make([]byte, 4+4+4+4+1+4+4), 0, 0, 0, 0), 4, topics)
		if err := ParseFetch(7, forgotten, &f); !errors.Is(err, want) {
			t.Errorf("Fetch that forgets %d partitions: %v", topics*perTopic, err)
		}
	}
}
