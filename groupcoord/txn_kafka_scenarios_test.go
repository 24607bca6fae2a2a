package groupcoord

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

type txnScenario struct {
	name string
	do   func(*txnSession)
}

// init asks with the id and what the producer had; version 2 and older cannot say that.
func (s *txnSession) init(version int16, id string, producerID int64, epoch int16, timeoutMs int32) *kmsg.InitProducerIDResponse {
	req := initRequest(version, id)
	req.ProducerID, req.ProducerEpoch, req.TransactionTimeoutMillis = producerID, epoch, timeoutMs
	return s.ask(req).(*kmsg.InitProducerIDResponse)
}

func (s *txnSession) fresh(id string) *kmsg.InitProducerIDResponse {
	return s.init(5, id, -1, -1, 60_000)
}

func (s *txnSession) add(version int16, id string, producerID int64, epoch int16, partitions ...int32) {
	s.ask(addRequest(version, id, producerID, epoch, partitions...))
}

func (s *txnSession) verify(id string, producerID int64, epoch int16, partitions ...int32) {
	req := addRequest(5, id, producerID, epoch, partitions...)
	req.Transactions[0].VerifyOnly = true
	s.ask(req)
}

func (s *txnSession) offsets(version int16, id string, producerID int64, epoch int16, group string) {
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = version, id, producerID, epoch, group
	s.ask(req)
}

func (s *txnSession) end(version int16, id string, producerID int64, epoch int16, commit bool) *kmsg.EndTxnResponse {
	return s.ask(endRequest(version, id, producerID, epoch, commit)).(*kmsg.EndTxnResponse)
}

func (s *txnSession) describe(ids ...string) {
	s.ask(&kmsg.DescribeTransactionsRequest{TransactionalIDs: ids})
}

var txnScenarios = []txnScenario{
	{"errors of init", func(s *txnSession) {
		for v := range int16(6) {
			s.init(v, "", -1, -1, 60_000)
			s.init(v, s.id, -1, -1, 0)
			s.init(v, s.id, -1, -1, -1)
			s.init(v, s.id, -1, -1, 900_001)
			s.init(v, s.id, 5, -1, 60_000)
			s.init(v, s.id, -1, 5, 60_000)
			s.init(v, s.id, 5, -1, 0)
		}
	}},
	{"recovering producers", func(s *txnSession) {
		for v := int16(0); v <= 5; v++ {
			id := fmt.Sprint(s.id, v)
			p := s.init(v, id, -1, -1, 60_000).ProducerID
			s.init(v, id, -1, -1, 900_000)
			for _, epoch := range []int16{1, 1, 0, 2, 3, 2, 1, 7} {
				s.init(v, id, p, epoch, 60_000)
			}
			s.init(v, id, p+1_000_000, 2, 60_000)
			s.init(v, id+"x", 5, 5, 60_000)
			s.init(v, id+"x", 5, 5, 60_000)
			s.describe(id, id+"x", "")
		}
	}},
	{"classic transactions", func(s *txnSession) {
		for v := int16(0); v <= 4; v++ {
			id := fmt.Sprint(s.id, v)
			add := min(v, 3)
			s.add(add, id, 5, 0, 0)
			s.offsets(v, id, 5, 0, "g")
			s.end(v, id, 5, 0, true)
			p := s.init(5, id, -1, -1, 60_000).ProducerID
			s.end(v, id, p, 0, true)
			s.end(v, id, p, 0, false)
			s.add(add, id, p, 0, 0, 1)
			s.add(add, id, p, 0, 1)
			s.add(add, id, p, 0, 9, 2)
			s.add(add, id, p, 1, 2)
			s.add(add, id, p+1_000_000, 0, 2)
			s.add(add, "", p, 0, 2)
			s.offsets(v, id, p, 0, "g")
			s.offsets(v, id, p, 1, "g")
			s.offsets(v, "", p, 0, "g")
			s.describe(id)
			s.verify(id, p, 0, 0, 3)
			s.end(v, id, p, 1, true)
			s.end(v, id, p+1_000_000, 0, true)
			s.end(v, "", p, 0, true)
			s.end(v, id, p, 0, true)
			s.describe(id)
			s.end(v, id, p, 0, true)
			s.end(v, id, p, 0, false)
			s.verify(id, p, 0, 0)
			s.add(add, id, p, 0, 3)
			s.end(v, id, p, 0, false)
			s.end(v, id, p, 0, false)
			s.end(v, id, p, 0, true)
			s.describe(id)
			s.fresh(id)
			s.end(v, id, p, 0, true)
			s.end(v, id, p, 1, false)
			s.add(add, id, p, 0, 3)
		}
	}},
	{"transactions of version 2", func(s *txnSession) {
		for v := int16(4); v <= 5; v++ {
			id := fmt.Sprint(s.id, v)
			s.add(v, id, 5, 0, 0)
			s.end(5, id, 5, 0, true)
			p := s.fresh(id).ProducerID
			s.add(v, id, p, 0, 0, 9)
			s.add(v, id, p, 0, 0, 1)
			s.add(v, id, p, 1, 2)
			s.add(v, id, p+1_000_000, 0, 2)
			s.add(v, "", p, 0, 2)
			s.end(5, id, p, 1, true)
			s.end(5, id, p, 0, true)
			s.describe(id)
			s.end(5, id, p, 0, true)
			s.end(5, id, p, 0, false)
			s.end(5, id, p, 1, true)
			s.end(5, id, p, 2, true)
			s.end(5, id, p+1_000_000, 1, true)
			s.add(v, id, p, 0, 0)
			s.verify(id, p, 0, 0)
			s.verify(id, p, 1, 0)
			s.add(v, id, p, 1, 3)
			s.end(5, id, p, 0, true)
			s.end(5, id, p, 1, false)
			s.end(5, id, p, 1, false)
			s.end(5, id, p, 1, true)
			s.end(5, id, p, 2, false) // of nothing
			s.end(5, id, p, 2, false)
			s.end(5, id, p, 3, false)
			s.describe(id)
			s.init(5, id, p, 3, 60_000)
			s.end(5, id, p, 5, true)
			s.end(5, id, p, 5, false)
			s.describe(id)
		}
	}},
	{"fencing", func(s *txnSession) {
		for _, v := range []int16{3, 5} {
			id := fmt.Sprint(s.id, v)
			p := s.fresh(id).ProducerID
			s.add(v, id, p, 0, 0, 1)
			s.fresh(id)
			s.add(v, id, p, 0, 0)
			s.end(5, id, p, 0, true)
			s.end(5, id, p, 0, false)
			s.end(4, id, p, 1, false)
			s.add(v, id, p, 2, 0)
			s.init(5, id, p, 2, 60_000)
			s.describe(id)
			s.add(v, id, p, 3, 0)
			s.init(5, id, p, 0, 60_000) // a zombie
			s.describe(id)
		}
	}},
	{"timeout", func(s *txnSession) {
		for _, v := range []int16{3, 5} {
			id := fmt.Sprint(s.id, v)
			p := s.init(5, id, -1, -1, 500).ProducerID
			s.add(v, id, p, 0, 0, 1)
			time.Sleep(3 * time.Second)
			s.describe(id)
			s.add(v, id, p, 0, 2)
			s.end(4, id, p, 0, false)
			s.end(5, id, p, 0, true)
			s.end(5, id, p, 0, false)
			s.init(5, id, p, 0, 60_000)
			s.init(5, id, -1, -1, 60_000)
			s.add(v, id, p, 1, 2)
		}
	}},
	{"lists", func(s *txnSession) {
		a, b := s.fresh(s.id+"a"), s.fresh(s.id+"b")
		s.add(3, s.id+"a", a.ProducerID, 0, 0)
		time.Sleep(300 * time.Millisecond)
		s.add(5, s.id+"b", b.ProducerID, 0, 0)
		s.fresh(s.id + "c")
		pattern := func(p string) *string { return &p }
		for v := range int16(3) {
			list := func(change func(*kmsg.ListTransactionsRequest)) {
				req := kmsg.NewPtrListTransactionsRequest()
				req.Version = v
				change(req)
				s.ask(req)
			}
			list(func(*kmsg.ListTransactionsRequest) {})
			list(func(r *kmsg.ListTransactionsRequest) { r.StateFilters = []string{"Ongoing"} })
			list(func(r *kmsg.ListTransactionsRequest) { r.StateFilters = []string{"Empty", "nonsense", "ongoing"} })
			list(func(r *kmsg.ListTransactionsRequest) { r.StateFilters = []string{"nonsense"} })
			list(func(r *kmsg.ListTransactionsRequest) { r.StateFilters = []string{"Dead", "PrepareEpochFence"} })
			list(func(r *kmsg.ListTransactionsRequest) { r.ProducerIDFilters = []int64{a.ProducerID, 7} })
			list(func(r *kmsg.ListTransactionsRequest) { r.ProducerIDFilters = []int64{-1} })
			list(func(r *kmsg.ListTransactionsRequest) { r.DurationFilterMillis = 250 })
			list(func(r *kmsg.ListTransactionsRequest) { r.DurationFilterMillis = 1 << 40 })
			list(func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = pattern(s.id + "[ab]") })
			list(func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = pattern(s.id) })
			list(func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = pattern("") })
			list(func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = pattern(`(`) })
			list(func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = pattern(`x|` + s.id + `.`) })
			list(func(r *kmsg.ListTransactionsRequest) { r.TransactionalIDPattern = pattern(`)(`) })
		}
		s.describe(s.id+"a", s.id+"b", s.id+"c", s.id+"d")
	}},
	{"several at once", func(s *txnSession) {
		a, b := s.fresh(s.id+"a"), s.fresh(s.id+"b")
		for v := int16(4); v <= 5; v++ {
			req := addRequest(v, s.id+"a", a.ProducerID, 0, 0)
			req.Transactions = append(req.Transactions, addRequest(v, s.id+"b", b.ProducerID, 3, 0, 1).Transactions...)
			s.ask(&kmsg.AddPartitionsToTxnRequest{Version: v, Transactions: req.Transactions[:1]})
			s.ask(&kmsg.AddPartitionsToTxnRequest{Version: v, Transactions: req.Transactions[1:]})
		}
		s.ask(&kmsg.AddPartitionsToTxnRequest{Version: 3, TransactionalID: s.id + "a", ProducerID: a.ProducerID})
		s.ask(&kmsg.AddPartitionsToTxnRequest{Version: 3, TransactionalID: s.id + "b", ProducerID: b.ProducerID})
		s.describe(s.id+"a", s.id+"b")
		s.end(4, s.id+"b", b.ProducerID, 0, true)
		s.describe(s.id + "b")
	}},
	{"epochs run out", func(s *txnSession) {
		for i, how := range []func(id string, p int64){
			func(id string, p int64) { // by the end of a transaction
				s.add(5, id, p, 32_765, 0)
				s.end(5, id, p, 32_765, true)
				s.add(5, id, p, 32_766, 0)
				next := s.end(5, id, p, 32_766, true).ProducerID
				s.add(5, id, p, 32_766, 0)
				s.end(5, id, p, 32_766, true)
				s.end(5, id, p, 32_766, false)
				s.end(5, id, p, 32_765, true)
				s.add(5, id, next, 0, 1)
				s.end(5, id, p, 32_766, true)
				s.end(5, id, next, 0, false)
			},
			func(id string, p int64) { // by InitProducerId
				s.init(5, id, p, 32_765, 60_000)
				s.end(5, id, p, 32_766, true)
				next := s.init(5, id, p, 32_766, 60_000).ProducerID
				s.end(5, id, p, 32_766, true)
				s.init(5, id, p, 32_766, 60_000)
				s.init(5, id, p, 32_765, 60_000)
				s.init(5, id, next, 0, 60_000)
				s.init(5, id, p, 32_766, 60_000)
			},
			func(id string, p int64) { // by fencing
				s.init(5, id, -1, -1, 60_000)
				s.add(5, id, p, 32_766, 0)
				next := s.init(5, id, -1, -1, 60_000).ProducerID
				s.end(5, id, p, 32_766, false)
				s.add(5, id, next, 1, 0)
			},
			func(id string, p int64) { // by a timeout
				s.init(5, id, -1, -1, 500)
				s.add(5, id, p, 32_766, 0)
				time.Sleep(3 * time.Second)
				next := s.end(5, id, p, 32_766, false).ProducerID
				s.add(5, id, next, 0, 0)
				s.end(5, id, next, 0, true)
				s.describe(id)
			},
			func(id string, p int64) { // of a classic producer
				s.init(5, id, -1, -1, 60_000)
				s.add(3, id, p, 32_766, 0)
				s.end(4, id, p, 32_766, true)
				s.add(3, id, p, 32_766, 0)
				s.init(5, id, p, 32_766, 60_000) // a repetition after this is fenced by Kafka
			},
		} {
			id := fmt.Sprint(s.id, i)
			p := s.fresh(id).ProducerID
			for range 32_765 {
				s.once(initRequest(5, id))
			}
			how(id, p)
		}
	}},
}
