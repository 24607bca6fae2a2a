package oracle

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Transactions, as partitions see them.

func writeMarkersScript(s *session) {
	a := s.topic("a", 4)
	marker := func(id int64, epoch int16, commit bool, coordinator int32, version int8, topic string, partitions ...int32) kmsg.WriteTxnMarkersRequestMarker {
		m := kmsg.NewWriteTxnMarkersRequestMarker()
		m.ProducerID, m.ProducerEpoch, m.Committed, m.CoordinatorEpoch, m.TransactionVersion = id, epoch, commit, coordinator, version
		m.Topics = []kmsg.WriteTxnMarkersRequestMarkerTopic{{Topic: topic, Partitions: partitions}}
		return m
	}
	ask := func(label string, markers ...kmsg.WriteTxnMarkersRequestMarker) {
		r := kmsg.NewPtrWriteTxnMarkersRequest()
		r.Markers = markers
		s.ask(label, r)
	}
	p := s.producer("x")
	p.add(a, 0, 1, 2, 3)
	for partition := range int32(4) {
		p.write(a, partition, p.batch(2, 0))
	}
	ask("commit", marker(p.id, p.epoch, true, 5, 0, a, 0))
	ask("again", marker(p.id, p.epoch, true, 5, 0, a, 0))
	ask("of an older coordinator", marker(p.id, p.epoch, true, 4, 0, a, 0))
	ask("of a newer coordinator", marker(p.id, p.epoch, true, 6, 0, a, 0))
	ask("of an older epoch", marker(p.id, p.epoch-1, true, 6, 0, a, 1))
	ask("of a newer epoch", marker(p.id, p.epoch+3, false, 6, 0, a, 1))
	ask("of the epoch before that", marker(p.id, p.epoch+2, false, 6, 0, a, 1))
	ask("of an unknown producer", marker(p.id+1_000_000, 0, true, 0, 0, a, 0))
	ask("unknown partition", marker(p.id, p.epoch, true, 6, 0, a, 0, 9))
	ask("unknown topic", marker(p.id, p.epoch, true, 6, 0, s.name("ghost"), 0))
	ask("of nobody", marker(-1, -1, true, 6, 0, a, 0))
	ask("no partitions", marker(p.id, p.epoch, true, 6, 0, a))
	ask("none")
	if s.version >= 2 {
		ask("transaction version 2, same epoch", marker(p.id, p.epoch, true, 6, 2, a, 2))
		ask("transaction version 2", marker(p.id, p.epoch+1, true, 6, 2, a, 2))
		ask("transaction version 2, again", marker(p.id, p.epoch+1, true, 6, 2, a, 2))
		ask("transaction version 2, older", marker(p.id, p.epoch, true, 6, 2, a, 2))
		ask("transaction version 1", marker(p.id, p.epoch, false, 6, 1, a, 3))
		ask("transaction version 3", marker(p.id, p.epoch+1, false, 6, 3, a, 3))
	}
	for partition := range int32(4) {
		s.logEnd(a, partition)
	}
	s.look("what is there", a, 0)
	s.look("what is there", a, 1)
}

// look records what is in a partition.
func (s *session) look(label, topic string, partition int32) {
	s.t.Helper()
	r := kmsg.NewPtrFetchRequest()
	r.ReplicaID, r.MinBytes, r.MaxBytes, r.SessionEpoch, r.IsolationLevel = -1, 1, 1<<20, -1, 1
	want := kmsg.NewFetchRequestTopicPartition()
	want.Partition, want.PartitionMaxBytes, want.LogStartOffset = partition, 1<<20, -1
	r.Topics = []kmsg.FetchRequestTopic{{Topic: topic, Partitions: []kmsg.FetchRequestTopicPartition{want}}}
	s.note(label, s.render(s.must(11, r))...)
}

func produceTransactionsScript(s *session) {
	a := s.topic("a", 6)
	plain := func(label string, id string, parts ...produced) {
		r := s.produceRequest(-1, parts...)
		if id != "" {
			r.TransactionID = &id
		}
		s.ask(label, r)
	}
	p := s.producer("x")
	plain("before it is added", p.txn, produced{a, 5, p.batch(1, 0)})
	p.add(a, 0, 1)
	plain("first", p.txn, produced{a, 0, p.batch(2, 0)})
	plain("second", p.txn, produced{a, 0, p.batch(2, 2)})
	plain("repeated", p.txn, produced{a, 0, p.batch(2, 2)})
	plain("two partitions", p.txn, produced{a, 0, p.batch(1, 4)}, produced{a, 1, p.batch(1, 0)})
	plain("not transactional while one is open", p.txn, produced{a, 0, batch(1, sequenced(p.id, p.epoch, 5))})
	plain("not transactional and without id", "", produced{a, 0, batch(1, sequenced(p.id, p.epoch, 5))})
	plain("transactional without id", "", produced{a, 0, p.batch(1, 5)})
	plain("another transactional id where it is open", s.name("y"), produced{a, 0, p.batch(1, 5)})
	plain("unknown transactional id", s.name("ghost"), produced{a, 2, p.batch(1, 0)})
	plain("gap", p.txn, produced{a, 0, p.batch(1, 9)})
	old := *p
	old.epoch--
	plain("old epoch", p.txn, produced{a, 0, old.batch(1, 0)})
	fresh := *p
	fresh.epoch++
	plain("epoch that is not yet", p.txn, produced{a, 0, fresh.batch(1, 0)})
	plain("no producer id", p.txn, produced{a, 3, batch(1, transactional)})
	other := s.producer("z")
	other.add(a, 3, 4)
	plain("two producers in one request", p.txn, produced{a, 1, p.batch(1, 1)}, produced{a, 4, other.batch(1, 0)})
	plain("a plain batch beside it", p.txn, produced{a, 1, p.batch(1, 1)}, produced{a, 2, batch(1)})
	p.end(true)
	s.look("committed", a, 0)
	plain("behind the end", p.txn, produced{a, 4, p.batch(1, 0)})
	if s.version >= 12 {
		end := p.endRequest(false)
		end.Version = 5
		r := s.must(5, end).(*kmsg.EndTxnResponse)
		p.follow(r)
	}
	p.init()
	p.add(a, 0)
	plain("next transaction", p.txn, produced{a, 0, p.batch(1, 0)})
	p.end(false)
	s.look("aborted", a, 0)
}

// transactions makes a partition with ten committed records, an aborted transaction, plain records, and an open transaction
// around another aborted one.
func (s *session) transactions() string {
	a := s.topic("a", 2)
	p, q := s.producer("x"), s.producer("y")
	p.add(a, 0)
	p.write(a, 0, p.batch(10, 0)) // 0
	p.end(true)                   // 10
	p.add(a, 0)
	p.write(a, 0, p.batch(3, 10)) // 11
	s.fill(a, 0, batch(2))        // 14
	p.write(a, 0, p.batch(2, 13)) // 16
	p.end(false)                  // 18
	q.add(a, 0)
	q.write(a, 0, q.batch(1, 0)) // 19
	p.add(a, 0)
	p.write(a, 0, p.batch(4, 15)) // 20
	p.end(false)                  // 24
	s.fill(a, 0, batch(1))        // 25
	return a
}

func fetchTransactionsScript(s *session) {
	a := s.transactions()
	for _, level := range []int8{0, 1} {
		for _, offset := range []int64{0, 3, 10, 11, 14, 16, 18, 19, 20, 24, 25, 26, 27} {
			r := s.fetchRequest(fetched{topic: a, offset: offset})
			r.IsolationLevel = level
			s.ask(fmt.Sprintf("level %d, from %d", level, offset), r)
		}
		r := s.fetchRequest(fetched{topic: a, partition: 1})
		r.IsolationLevel = level
		s.ask(fmt.Sprintf("level %d, empty", level), r)
		r = s.fetchRequest(fetched{topic: a, offset: 11, maxBytes: 100})
		r.IsolationLevel = level
		s.ask(fmt.Sprintf("level %d, few bytes", level), r)
	}
}

// fetchDeletedTransactionsScript: of an open transaction the first records are deleted.
func fetchDeletedTransactionsScript(s *session) {
	a := s.topic("a", 1)
	p := s.producer("x")
	p.add(a, 0)
	for n := range int32(4) {
		p.write(a, 0, p.batch(1, n))
	}
	look := func(what string) {
		for _, offset := range []int64{2, 3, 4} {
			r := s.fetchRequest(fetched{topic: a, offset: offset})
			r.IsolationLevel = 1
			s.ask(fmt.Sprintf("%s, from %d", what, offset), r)
		}
		s.note(what+", the end", s.render(s.must(5, listOffsetsOf(a, 1, -1)))...)
	}
	s.deleteBefore(a, 0, 2)
	look("open")
	p.end(false)
	look("aborted")
}

// listOffsetsOf asks about partition 0.
func listOffsetsOf(topic string, level int8, timestamp int64) *kmsg.ListOffsetsRequest {
	r := kmsg.NewPtrListOffsetsRequest()
	r.ReplicaID, r.IsolationLevel = -1, level
	want := kmsg.NewListOffsetsRequestTopicPartition()
	want.Timestamp, want.MaxNumOffsets = timestamp, 5
	r.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{want}}}
	return r
}

func listOffsetsTransactionsScript(s *session) {
	a := s.transactions()
	for _, level := range []int8{0, 1} {
		for _, timestamp := range []int64{-1, -2, -3, base, base + 50, base + 90, base + 91} {
			s.ask(fmt.Sprintf("level %d, time %d", level, timestamp), listOffsetsOf(a, level, timestamp))
		}
	}
}

func describeProducersTransactionsScript(s *session) {
	a := s.topic("a", 1)
	request := func() *kmsg.DescribeProducersRequest {
		r := kmsg.NewPtrDescribeProducersRequest()
		r.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: a, Partitions: []int32{0}}}
		return r
	}
	s.fill(a, 0, batch(3))
	p := s.producer("x")
	p.add(a, 0)
	p.write(a, 0, p.batch(2, 0))
	p.write(a, 0, p.batch(2, 2))
	s.ask("open", request())
	p.end(true)
	s.ask("committed", request())
	p.add(a, 0)
	p.write(a, 0, p.batch(1, 4))
	s.ask("open again", request())
	p.end(false)
	s.ask("aborted", request())
	p.init()
	p.add(a, 0)
	p.end(true)
	s.ask("only a marker of the epoch", request())
}
