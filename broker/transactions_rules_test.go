package broker

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord"
	"github.com/sordini/sordini/protocol/batch"
)

// The rules of transactions, request by request.

// rawProducer says what a client never would.
type rawProducer struct {
	t     *testing.T
	c     *rawClient
	txn   string
	id    int64
	epoch int16
}

// askVersion asks in exactly this version.
func askVersion[R kmsg.Response](t *testing.T, c *rawClient, version int16, q kmsg.Request) R {
	t.Helper()
	q.SetVersion(version)
	answer := c.ask(encodeFrame(q))
	resp := q.ResponseKind()
	if resp.IsFlexible() && q.Key() != int16(kmsg.ApiVersions) {
		answer = answer[1:] // the header's tags
	}
	if err := resp.ReadFrom(answer); err != nil {
		t.Fatal(err)
	}
	return resp.(R)
}

func newRawProducer(t *testing.T, s *testServer, txn string) *rawProducer {
	t.Helper()
	p := &rawProducer{t: t, txn: txn, c: dialRaw(t, s.address)}
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorType, find.CoordinatorKey = 1, txn
	askVersion[*kmsg.FindCoordinatorResponse](t, p.c, 3, find)
	for p.init() == kerr.CoordinatorLoadInProgress.Code {
	}
	return p
}

func (p *rawProducer) init() int16 {
	p.t.Helper()
	r := kmsg.NewPtrInitProducerIDRequest()
	r.TransactionalID, r.TransactionTimeoutMillis = &p.txn, 60_000
	resp := askVersion[*kmsg.InitProducerIDResponse](p.t, p.c, 4, r)
	p.id, p.epoch = resp.ProducerID, resp.ProducerEpoch
	return resp.ErrorCode
}

func (p *rawProducer) add(topic string, partition int32) int16 {
	p.t.Helper()
	r := kmsg.NewPtrAddPartitionsToTxnRequest()
	r.TransactionalID, r.ProducerID, r.ProducerEpoch = p.txn, p.id, p.epoch
	r.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: topic, Partitions: []int32{partition}}}
	for {
		code := askVersion[*kmsg.AddPartitionsToTxnResponse](p.t, p.c, 3, r).Topics[0].Partitions[0].ErrorCode
		if code != kerr.ConcurrentTransactions.Code {
			return code
		}
	}
}

// produce sends a batch of one record and returns the code.
func (p *rawProducer) produce(version int16, topic string, partition, sequence int32, transactional bool) int16 {
	p.t.Helper()
	b := batch.NewBuilder(batch.Options{HasProducer: true, ProducerID: p.id, ProducerEpoch: p.epoch, BaseSequence: sequence, Transactional: transactional})
	b.Add(1_700_000_000_000, nil, []byte("x"), nil)
	records, err := b.Build(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r := kmsg.NewPtrProduceRequest()
	r.Acks, r.TimeoutMillis, r.TransactionID = -1, 10_000, &p.txn
	r.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: partition, Records: records}}}}
	return askVersion[*kmsg.ProduceResponse](p.t, p.c, version, r).Topics[0].Partitions[0].ErrorCode
}

func (p *rawProducer) end(version int16, commit bool) int16 {
	p.t.Helper()
	r := kmsg.NewPtrEndTxnRequest()
	r.TransactionalID, r.ProducerID, r.ProducerEpoch, r.Commit = p.txn, p.id, p.epoch, commit
	resp := askVersion[*kmsg.EndTxnResponse](p.t, p.c, version, r)
	if resp.ErrorCode == 0 && resp.ProducerID >= 0 {
		p.id, p.epoch = resp.ProducerID, resp.ProducerEpoch
	}
	return resp.ErrorCode
}

func wantCode(t *testing.T, what string, got int16, want *kerr.Error) {
	t.Helper()
	code := int16(0)
	if want != nil {
		code = want.Code
	}
	if got != code {
		t.Errorf("%s: got %v, want %v", what, kerr.ErrorForCode(got), want)
	}
}

// TestABatchNeedsItsTransaction: the coordinator is asked where none is open (KIP-890).
func TestABatchNeedsItsTransaction(t *testing.T) {
	s := startServer(t, t.TempDir())
	createTopic(t, s, "t", 3)
	p := newRawProducer(t, s, "a")
	wantCode(t, "not added, Produce 9", p.produce(9, "t", 0, 0, true), kerr.InvalidTxnState)
	wantCode(t, "not added, Produce 11", p.produce(11, "t", 0, 0, true), kerr.TransactionAbortable)
	wantCode(t, "add", p.add("t", 0), nil)
	wantCode(t, "added", p.produce(9, "t", 0, 0, true), nil)
	wantCode(t, "in the open transaction", p.produce(9, "t", 0, 1, true), nil)
	wantCode(t, "not transactional while it is open", p.produce(9, "t", 0, 2, false), kerr.InvalidTxnState)
	wantCode(t, "Produce 12 adds the partition", p.produce(12, "t", 1, 0, true), nil)
	wantCode(t, "commit", p.end(3, true), nil)
	late := kerr.NotEnoughReplicas.Code // as long as it is being ended
	for late == kerr.NotEnoughReplicas.Code {
		late = p.produce(9, "t", 2, 0, true)
	}
	wantCode(t, "behind the end", late, kerr.InvalidTxnState)
}

// TestAnInternalTopicIsNoPartOfAClientsTransaction: its marker would get into a coordinator's log.
func TestAnInternalTopicIsNoPartOfAClientsTransaction(t *testing.T) {
	s := startServer(t, t.TempDir())
	p := newRawProducer(t, s, "a")
	wantCode(t, "add __transaction_state", p.add(groupcoord.StateTopic, 0), kerr.TopicAuthorizationFailed)
	wantCode(t, "add __consumer_offsets", p.add(groupcoord.OffsetsTopic, 0), kerr.TopicAuthorizationFailed)
}

// TestVerificationCanBeSwitchedOff: transaction.partition.verification.enable, of old clients only, and while the broker runs.
func TestVerificationCanBeSwitchedOff(t *testing.T) {
	s := startServer(t, t.TempDir(), "transaction.partition.verification.enable", "false")
	createTopic(t, s, "t", 2)
	p := newRawProducer(t, s, "a")
	wantCode(t, "not added", p.produce(9, "t", 0, 0, true), nil)
	on := "true"
	changed, err := kadm.NewClient(s.client(t)).AlterBrokerConfigs(testContext(t),
		[]kadm.AlterConfig{{Op: kadm.SetConfig, Name: "transaction.partition.verification.enable", Value: &on}})
	if err != nil || changed[0].Err != nil {
		t.Fatal(err, changed)
	}
	wantCode(t, "not added, switched on", p.produce(9, "t", 1, 0, true), kerr.InvalidTxnState)
}

// TestMarkersOfTransactionVersion2NeedANewEpoch, so that one which comes late ends nothing; once more is no harm.
func TestMarkersOfTransactionVersion2NeedANewEpoch(t *testing.T) {
	s := startServer(t, t.TempDir())
	createTopic(t, s, "t", 1)
	p := newRawProducer(t, s, "a")
	wantCode(t, "produce", p.produce(12, "t", 0, 0, true), nil)
	mark := func(what string, epoch int16, coordinatorEpoch int32, want *kerr.Error) {
		t.Helper()
		m := kmsg.NewWriteTxnMarkersRequestMarker()
		m.ProducerID, m.ProducerEpoch, m.Committed, m.CoordinatorEpoch, m.TransactionVersion = p.id, epoch, true, coordinatorEpoch, 2
		m.Topics = []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: "t", Partitions: []int32{0}}}
		r := kmsg.NewPtrWriteTxnMarkersRequest()
		r.Markers = append(r.Markers, m)
		wantCode(t, what, askVersion[*kmsg.WriteTxnMarkersResponse](t, p.c, 2, r).Markers[0].Topics[0].Partitions[0].ErrorCode, want)
	}
	log := s.replicas.Get("t", 0).Log()
	mark("of the transaction's epoch", p.epoch, 7, kerr.InvalidProducerEpoch)
	if log.LastStableOffset() != 0 || log.LogEndOffset() != 1 {
		t.Fatalf("stable %d, end %d", log.LastStableOffset(), log.LogEndOffset())
	}
	mark("of the next epoch", p.epoch+1, 7, nil)
	mark("once more", p.epoch+1, 7, nil)
	if log.LastStableOffset() != 2 || log.LogEndOffset() != 2 {
		t.Fatalf("stable %d, end %d", log.LastStableOffset(), log.LogEndOffset())
	}
	mark("of an older coordinator", p.epoch+2, 6, kerr.TransactionCoordinatorFenced)
}

// TestDescribeProducersShowsTransactions as tools that look for hanging ones want.
func TestDescribeProducersShowsTransactions(t *testing.T) {
	s := startServer(t, t.TempDir())
	createTopic(t, s, "t", 1)
	p := newRawProducer(t, s, "a")
	produce(t, s, "t", 0, 3)
	wantCode(t, "produce", p.produce(12, "t", 0, 0, true), nil)
	look := func() kmsg.DescribeProducersResponseTopicPartitionActiveProducer {
		t.Helper()
		r := kmsg.NewPtrDescribeProducersRequest()
		r.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: "t", Partitions: []int32{0}}}
		for _, active := range askVersion[*kmsg.DescribeProducersResponse](t, p.c, 0, r).Topics[0].Partitions[0].ActiveProducers {
			if active.ProducerID == p.id {
				return active
			}
		}
		t.Fatal("the producer is not shown")
		panic("unreachable")
	}
	if got := look(); got.CurrentTxnStartOffset != 3 || got.CoordinatorEpoch != -1 {
		t.Errorf("open: %+v", got)
	}
	wantCode(t, "end", p.end(5, true), nil)
	for look().CurrentTxnStartOffset != -1 {
	}
	if got := look(); got.CoordinatorEpoch != 0 || got.ProducerEpoch != int32(p.epoch) {
		t.Errorf("closed: %+v", got)
	}
}

// TestFeaturesAreShown: clients take to transaction version 2 only where ApiVersions has it.
func TestFeaturesAreShown(t *testing.T) {
	s := startServer(t, t.TempDir())
	for version, supported := range map[int16]int{2: 0, 3: 0, 4: 1} {
		r := kmsg.NewPtrApiVersionsRequest()
		r.ClientSoftwareName, r.ClientSoftwareVersion = "test", "1"
		resp := askVersion[*kmsg.ApiVersionsResponse](t, dialRaw(t, s.address), version, r)
		if len(resp.SupportedFeatures) != supported {
			t.Errorf("version %d supports %+v", version, resp.SupportedFeatures)
		}
		if version >= 3 && (len(resp.FinalizedFeatures) != 1 || resp.FinalizedFeatures[0].MaxVersionLevel != 2 || resp.FinalizedFeaturesEpoch < 0) {
			t.Errorf("version %d: %+v at %d", version, resp.FinalizedFeatures, resp.FinalizedFeaturesEpoch)
		}
	}
}

// TestATransactionEndsWithoutItsOffsetsTopic: its marker was tried again for ever, and the producer heard CONCURRENT_TRANSACTIONS all the time, until
// somebody had made __consumer_offsets anew.
func TestATransactionEndsWithoutItsOffsetsTopic(t *testing.T) {
	s := startServer(t, t.TempDir())
	createTopic(t, s, "t", 1)
	p := newRawProducer(t, s, "a")
	// Given a transaction with the offsets of a group that nobody has looked for,
	wantCode(t, "produce", p.produce(12, "t", 0, 0, true), nil)
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = p.txn, p.id, p.epoch, "g"
	wantCode(t, "add offsets", askVersion[*kmsg.AddOffsetsToTxnResponse](t, p.c, 3, add).ErrorCode, nil)
	// when it is ended,
	wantCode(t, "commit", p.end(4, true), nil)
	// then it is over.
	admin := kadm.NewClient(s.client(t))
	within(t, func() error {
		described, err := admin.DescribeTransactions(testContext(t), "a")
		if state := described["a"].State; err == nil && state != "CompleteCommit" {
			return fmt.Errorf("the state is %s", state)
		}
		return err
	})
}

// TestRecordsOfAnOpenTransactionCanBeDeleted: the last stable offset stayed where the transaction had begun, below the log start, and whoever began at
// the end that ListOffsets told him was out of range.
func TestRecordsOfAnOpenTransactionCanBeDeleted(t *testing.T) {
	s := startServer(t, t.TempDir())
	createTopic(t, s, "t", 1)
	p := newRawProducer(t, s, "a")
	for n := range int32(3) {
		wantCode(t, "produce", p.produce(12, "t", 0, n, true), nil)
	}
	admin := kadm.NewClient(s.client(t))
	var before kadm.Offsets
	before.AddOffset("t", 0, 2, -1)
	if deleted, err := admin.DeleteRecords(testContext(t), before); err != nil || deleted.Error() != nil {
		t.Fatal(err, deleted.Error())
	}
	stable := func() int64 {
		t.Helper()
		ends, err := admin.ListCommittedOffsets(testContext(t), "t")
		if err != nil || ends.Error() != nil {
			t.Fatal(err, ends.Error())
		}
		return ends["t"][0].Offset
	}
	if at := stable(); at != 2 {
		t.Errorf("the last stable offset is %d, want 2, the log start", at)
	}
	wantCode(t, "commit", p.end(4, true), nil)
	if values := committedValues(t, s, "t", 1); len(values) != 1 {
		t.Errorf("read %q", values)
	}
}

// TestWhatACoordinatorRefusesIsTakenOutAtOneTime: a request of many batches for one partition cost the square of their number: here 0.7 s, and
// ten minutes for the million that a request can have.
func TestWhatACoordinatorRefusesIsTakenOutAtOneTime(t *testing.T) {
	s := startServer(t, t.TempDir())
	createTopic(t, s, "t", 2)
	p := newRawProducer(t, s, "a")
	wantCode(t, "add", p.add("t", 1), nil)
	const refused = 40_000
	b := batch.NewBuilder(batch.Options{HasProducer: true, ProducerID: p.id, ProducerEpoch: p.epoch, Transactional: true})
	b.Add(1_700_000_000_000, nil, []byte("x"), nil)
	records, err := b.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := kmsg.NewPtrProduceRequest()
	r.Acks, r.TimeoutMillis, r.TransactionID = -1, 10_000, &p.txn
	r.Topics = []kmsg.ProduceRequestTopic{{Topic: "t"}}
	for n := range refused + 1 {
		partition := int32(0)
		if n == refused/2 {
			partition = 1 // this one is part of the transaction
		}
		r.Topics[0].Partitions = append(r.Topics[0].Partitions, kmsg.ProduceRequestTopicPartition{Partition: partition, Records: records})
	}
	for _, one := range askVersion[*kmsg.ProduceResponse](t, p.c, 9, r).Topics[0].Partitions {
		if want := map[int32]int16{0: kerr.InvalidTxnState.Code, 1: 0}[one.Partition]; one.ErrorCode != want {
			t.Fatalf("partition %d: code %d, want %d", one.Partition, one.ErrorCode, want)
		}
	}
	for partition, want := range []int64{0, 1} {
		if end := s.replicas.Get("t", int32(partition)).Log().LogEndOffset(); end != want {
			t.Errorf("partition %d ends at %d, want %d", partition, end, want)
		}
	}
}
