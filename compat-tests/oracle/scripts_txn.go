package oracle

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

// Transactions, as the coordinator sees them.

// txnProducer is a producer with a transactional id, as the last answer to it left it.
type txnProducer struct {
	s     *session
	txn   string
	id    int64
	epoch int16
}

const txnTimeout = 60_000

func initTransactional(id string) *kmsg.InitProducerIDRequest {
	r := kmsg.NewPtrInitProducerIDRequest()
	r.TransactionalID, r.TransactionTimeoutMillis = &id, txnTimeout
	return r
}

// txnCoordinator makes __transaction_state and waits for its coordinator.
func (s *session) txnCoordinator() {
	s.t.Helper()
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorType, find.CoordinatorKey = 1, s.name("x")
	s.must(3, find)
	s.must(3, initProducer()) // may get producer id 0, which transcripts do not show
}

// producer initializes a transactional id.
func (s *session) producer(short string) *txnProducer {
	s.t.Helper()
	s.txnCoordinator()
	p := &txnProducer{s: s, txn: s.name(short)}
	p.init()
	s.word(p.id, "id of "+short)
	return p
}

func (p *txnProducer) init() {
	p.s.t.Helper()
	r := p.s.must(4, initTransactional(p.txn)).(*kmsg.InitProducerIDResponse)
	p.id, p.epoch = r.ProducerID, r.ProducerEpoch
}

func (p *txnProducer) addRequest(topic string, partitions ...int32) *kmsg.AddPartitionsToTxnRequest {
	r := kmsg.NewPtrAddPartitionsToTxnRequest()
	topics := []kmsg.AddPartitionsToTxnRequestTopic{{Topic: topic, Partitions: partitions}}
	r.TransactionalID, r.ProducerID, r.ProducerEpoch, r.Topics = p.txn, p.id, p.epoch, topics
	return r
}

func (p *txnProducer) add(topic string, partitions ...int32) {
	p.s.t.Helper()
	p.s.must(3, p.addRequest(topic, partitions...))
}

// batch is one of the producer's transaction.
func (p *txnProducer) batch(n int, sequence int32) []byte {
	return batch(n, sequenced(p.id, p.epoch, sequence), transactional)
}

func transactional(b *kmsg.RecordBatch) { b.Attributes |= 0x10 }

// write appends a batch as a client without transaction version 2 does.
func (p *txnProducer) write(topic string, partition int32, records []byte) {
	p.s.t.Helper()
	r := kmsg.NewPtrProduceRequest()
	r.Acks, r.TimeoutMillis, r.TransactionID = -1, 10_000, &p.txn
	r.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: partition, Records: records}}}}
	p.s.must(7, r)
}

func (p *txnProducer) endRequest(commit bool) *kmsg.EndTxnRequest {
	r := kmsg.NewPtrEndTxnRequest()
	r.TransactionalID, r.ProducerID, r.ProducerEpoch, r.Commit = p.txn, p.id, p.epoch, commit
	return r
}

// end ends the transaction by the old protocol and waits until it is closed.
func (p *txnProducer) end(commit bool) {
	p.s.t.Helper()
	p.s.must(3, p.endRequest(commit))
	p.closed()
}

// closed waits until the transaction is no longer being ended.
func (p *txnProducer) closed() {
	p.s.t.Helper()
	r := kmsg.NewPtrDescribeTransactionsRequest()
	r.TransactionalIDs = []string{p.txn}
	for deadline := time.Now().Add(harness.Patience); ; time.Sleep(5 * time.Millisecond) {
		state := p.s.must2(0, r).(*kmsg.DescribeTransactionsResponse).TransactionStates[0].State
		if state != "PrepareCommit" && state != "PrepareAbort" {
			return
		}
		if time.Now().After(deadline) {
			p.s.t.Fatalf("transaction of %s stays in %s", p.txn, state)
		}
	}
}

func initTransactionsScript(s *session) {
	s.txnCoordinator()
	id := s.name("x")
	first := s.ask("first", initTransactional(id)).(*kmsg.InitProducerIDResponse)
	s.word(first.ProducerID, "id of x")
	s.ask("again", initTransactional(id))
	for _, timeout := range []int32{0, -1, 1, 900_000, 900_001} {
		r := initTransactional(s.name("timeout"))
		r.TransactionTimeoutMillis = timeout
		s.ask("timeout "+string(rune('0'+len(s.steps)%10)), r)
	}
	if s.version >= 3 {
		for _, c := range []struct {
			label string
			id    int64
			epoch int16
		}{{"as it is", first.ProducerID, 1}, {"one epoch behind", first.ProducerID, 1}, {"an old epoch", first.ProducerID, 0}, {"an epoch that is not yet", first.ProducerID, 9},
			{"another id", first.ProducerID + 1_000_000, 2}, {"the largest epoch", first.ProducerID, 32767}, {"id only", first.ProducerID, -1}, {"epoch only", -1, 0}} {
			r := initTransactional(id)
			r.ProducerID, r.ProducerEpoch = c.id, c.epoch
			s.ask(c.label, r)
		}
		r := initTransactional(s.name("unknown"))
		r.ProducerID, r.ProducerEpoch = first.ProducerID, 3
		s.ask("id and epoch of somebody else", r)
	}
	a := s.topic("a", 1)
	p := s.producer("open")
	p.add(a, 0)
	p.write(a, 0, p.batch(1, 0))
	s.ask("while a transaction is open", initTransactional(p.txn))
	p.closed()
	s.ask("after it was aborted", initTransactional(p.txn))
}

func addPartitionsScript(s *session) {
	a := s.topic("a", 3)
	p := s.producer("x")
	if s.version >= 4 {
		s.addForBrokers(a, p)
		return
	}
	s.ask("one", p.addRequest(a, 0))
	s.ask("again", p.addRequest(a, 0))
	s.ask("two", p.addRequest(a, 1, 2))
	s.ask("unknown partition beside a good one", p.addRequest(a, 0, 7))
	s.ask("unknown topic", p.addRequest(s.name("ghost"), 0))
	s.ask("a partition twice", p.addRequest(a, 1, 1))
	s.ask("no partitions", p.addRequest(a))
	s.ask("internal topic", p.addRequest("__consumer_offsets", 0))
	r := p.addRequest(a, 0)
	r.Topics = nil
	s.ask("nothing", r)
	for _, c := range oddProducers(p) {
		r := p.addRequest(a, 0)
		r.TransactionalID, r.ProducerID, r.ProducerEpoch = c.txn, c.id, c.epoch
		s.ask(c.label, r)
	}
	p.end(true)
	s.ask("after the end", p.addRequest(a, 0))
}

type oddProducer struct {
	label, txn string
	id         int64
	epoch      int16
}

// oddProducers are not the producer.
func oddProducers(p *txnProducer) []oddProducer {
	return []oddProducer{
		{"unknown transactional id", p.s.name("ghost"), p.id, p.epoch}, {"empty transactional id", "", p.id, p.epoch},
		{"another producer id", p.txn, p.id + 1_000_000, p.epoch}, {"old epoch", p.txn, p.id, p.epoch - 1}, {"new epoch", p.txn, p.id, p.epoch + 1},
		{"no producer", p.txn, -1, -1},
	}
}

func (s *session) addForBrokers(a string, p *txnProducer) {
	one := func(only bool, partitions ...int32) kmsg.AddPartitionsToTxnRequestTransaction {
		t := kmsg.NewAddPartitionsToTxnRequestTransaction()
		t.TransactionalID, t.ProducerID, t.ProducerEpoch, t.VerifyOnly = p.txn, p.id, p.epoch, only
		t.Topics = []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: a, Partitions: partitions}}
		return t
	}
	request := func(all ...kmsg.AddPartitionsToTxnRequestTransaction) *kmsg.AddPartitionsToTxnRequest {
		r := kmsg.NewPtrAddPartitionsToTxnRequest()
		r.Transactions = all
		return r
	}
	s.ask("verify before it is added", request(one(true, 0)))
	s.ask("add", request(one(false, 0)))
	s.ask("verify", request(one(true, 0)))
	s.ask("verify one that is there and one that is not", request(one(true, 0, 1)))
	s.ask("verify an unknown partition", request(one(true, 0, 7)))
	for _, c := range oddProducers(p) {
		for _, only := range []bool{false, true} {
			t := one(only, 0)
			t.TransactionalID, t.ProducerID, t.ProducerEpoch = c.txn, c.id, c.epoch
			s.ask(c.label+map[bool]string{true: ", verify"}[only], request(t))
		}
	}
	other := s.producer("y")
	t := one(false, 1)
	t.TransactionalID, t.ProducerID, t.ProducerEpoch = other.txn, other.id, other.epoch
	s.ask("two transactions", request(one(false, 1), t))
	p.end(true)
	s.ask("verify after the end", request(one(true, 0)))
}

func addOffsetsScript(s *session) {
	s.coordinator()
	p := s.producer("x")
	request := func() *kmsg.AddOffsetsToTxnRequest {
		r := kmsg.NewPtrAddOffsetsToTxnRequest()
		r.TransactionalID, r.ProducerID, r.ProducerEpoch, r.Group = p.txn, p.id, p.epoch, s.name("g")
		return r
	}
	s.ask("a group", request())
	s.ask("again", request())
	r := request()
	r.Group = ""
	s.ask("empty group", r)
	for _, c := range oddProducers(p) {
		r := request()
		r.TransactionalID, r.ProducerID, r.ProducerEpoch = c.txn, c.id, c.epoch
		s.ask(c.label, r)
	}
}

func endTransactionScript(s *session) {
	a := s.topic("a", 2)
	p := s.producer("x")
	s.ask("commit of nothing", p.endRequest(true))
	p.init()
	r, _ := s.ask("abort of nothing", p.endRequest(false)).(*kmsg.EndTxnResponse)
	p.follow(r)
	for _, commit := range []bool{true, false} {
		what := map[bool]string{true: "commit", false: "abort"}[commit]
		p.init()
		p.add(a, 0)
		p.write(a, 0, p.batch(2, 0))
		for _, c := range oddProducers(p) {
			odd := p.endRequest(commit)
			odd.TransactionalID, odd.ProducerID, odd.ProducerEpoch = c.txn, c.id, c.epoch
			s.ask(what+", "+c.label, odd)
		}
		before := *p
		r, _ := s.ask(what, p.endRequest(commit)).(*kmsg.EndTxnResponse)
		p.closed()
		s.ask(what+" once more", before.endRequest(commit))
		p.closed()
		s.ask("the other way", before.endRequest(!commit))
		p.closed()
		p.follow(r)
		s.ask("commit of nothing after "+what, p.endRequest(true))
	}
	p.init()
	p.add(a, 1)
	s.ask("without records", p.endRequest(true))
	p.closed()
	s.logEnd(a, 0)
	s.logEnd(a, 1)
}

// follow takes the epoch of an answer, where it has one.
func (p *txnProducer) follow(r *kmsg.EndTxnResponse) {
	if r != nil && r.ErrorCode == 0 && r.ProducerID >= 0 {
		p.id, p.epoch = r.ProducerID, r.ProducerEpoch
	}
	p.closed()
}

func describeTransactionsScript(s *session) {
	a := s.topic("a", 3)
	p := s.producer("x")
	request := func(ids ...string) *kmsg.DescribeTransactionsRequest {
		r := kmsg.NewPtrDescribeTransactionsRequest()
		r.TransactionalIDs = ids
		return r
	}
	s.ask("empty", request(p.txn))
	p.add(a, 2, 0)
	s.ask("ongoing", request(p.txn))
	p.end(true)
	s.ask("committed", request(p.txn))
	p.add(a, 1)
	p.end(false)
	s.ask("aborted", request(p.txn))
	s.ask("unknown", request(s.name("ghost")))
	s.ask("empty id", request(""))
	s.ask("several", request(p.txn, s.name("ghost")))
	s.ask("twice", request(p.txn, p.txn))
	s.ask("nothing", request())
}

func listTransactionsScript(s *session) {
	a := s.topic("a", 1)
	p, q := s.producer("x"), s.producer("y")
	q.add(a, 0)
	request := func(states ...string) *kmsg.ListTransactionsRequest {
		r := kmsg.NewPtrListTransactionsRequest()
		r.StateFilters = states
		return r
	}
	s.ask("all", request())
	s.ask("ongoing", request("Ongoing"))
	s.ask("two states", request("Ongoing", "Empty"))
	s.ask("no such state", request("Sleeping"))
	s.ask("small letters", request("ongoing"))
	s.ask("a state and none", request("Sleeping", "Ongoing", "Ongoing"))
	r := request()
	r.ProducerIDFilters = []int64{p.id}
	s.ask("by producer id", r)
	r = request()
	r.ProducerIDFilters = []int64{p.id + 1_000_000, -1}
	s.ask("by unknown producer id", r)
	if s.version >= 1 {
		for _, ms := range []int64{-1, 0, 3_600_000} {
			r = request()
			r.DurationFilterMillis = ms
			s.ask("longer than "+[]string{"-1", "0", "an hour"}[slices.Index([]int64{-1, 0, 3_600_000}, ms)], r)
		}
	}
	if s.version >= 2 {
		for _, pattern := range []string{"", s.name(".*"), s.name("x"), "x", ".*x", "(", "[a"} {
			r = request()
			r.TransactionalIDPattern = &pattern
			s.ask("pattern "+s.text(pattern), r)
		}
	}
}
