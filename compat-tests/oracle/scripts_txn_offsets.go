package oracle

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Offsets in transactions.

func (p *txnProducer) commitRequest(group, topic string, partitions ...int32) *kmsg.TxnOffsetCommitRequest {
	r := kmsg.NewPtrTxnOffsetCommitRequest()
	r.TransactionalID, r.ProducerID, r.ProducerEpoch, r.Group = p.txn, p.id, p.epoch, group
	t := kmsg.NewTxnOffsetCommitRequestTopic()
	t.Topic = topic
	if p.s.version >= 6 {
		t.TopicID = p.s.idOrGhost(topic)
	}
	for _, number := range partitions {
		one := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		one.Partition, one.Offset, one.LeaderEpoch = number, 10+int64(number), 0
		t.Partitions = append(t.Partitions, one)
	}
	r.Topics = append(r.Topics, t)
	return r
}

// addOffsets makes the group's offsets part of the transaction, as clients without transaction version 2 do.
func (p *txnProducer) addOffsets(group string) {
	p.s.t.Helper()
	r := kmsg.NewPtrAddOffsetsToTxnRequest()
	r.TransactionalID, r.ProducerID, r.ProducerEpoch, r.Group = p.txn, p.id, p.epoch, group
	p.s.must(3, r)
}

// pending notes what a group has, for those who wait for open transactions and those who do not.
func (s *session) pending(label, group string, topics ...asked) {
	s.t.Helper()
	for _, stable := range []bool{false, true} {
		r := s.offsetFetch(group, topics...)
		if topics == nil {
			r.Topics = nil
		}
		r.RequireStable = stable
		s.note(label+map[bool]string{true: ", stable"}[stable], s.render(s.must2(7, r))...)
	}
}

func txnOffsetCommitScript(s *session) {
	s.coordinator()
	a, g := s.topic("a", 4), s.name("g")
	p := s.producer("x")
	if s.version < 5 { // from then on it adds the group by itself
		s.ask("before the group is added", p.commitRequest(g, a, 0))
		p.addOffsets(g)
	}
	s.ask("first", p.commitRequest(g, a, 0, 1))
	s.pending("open", g, asked{a, []int32{0, 1, 2}})
	s.ask("again", p.commitRequest(g, a, 0))
	s.ask("a partition twice", p.commitRequest(g, a, 2, 2))
	s.ask("unknown partition beside a good one", p.commitRequest(g, a, 1, 9))
	s.ask("negative partition", p.commitRequest(g, a, -1))
	s.ask("unknown topic", p.commitRequest(g, s.name("ghost"), 0))
	s.ask("topic without a name", p.commitRequest(g, "", 0))
	s.ask("no partitions", p.commitRequest(g, a))
	r := p.commitRequest(g, a, 0)
	r.Topics = nil
	s.ask("nothing", r)
	s.ask("group without a name", p.commitRequest("", a, 0))
	long, text := strings.Repeat("m", 4097), "text"
	r = p.commitRequest(g, a, 0, 3)
	r.Topics[0].Partitions[0].Metadata, r.Topics[0].Partitions[1].Metadata = &long, &text
	s.ask("long metadata", r)
	r = p.commitRequest(g, a, 3)
	r.Topics[0].Partitions[0].Offset = -1
	s.ask("negative offset", r)
	for _, c := range oddProducers(p) {
		r := p.commitRequest(g, a, 0)
		r.TransactionalID, r.ProducerID, r.ProducerEpoch = c.txn, c.id, c.epoch
		s.ask(c.label, r)
	}
	p.end(true)
	s.pending("committed", g, asked{a, []int32{0, 1, 2, 3}})
	if s.version < 5 {
		s.ask("after the end", p.commitRequest(g, a, 0))
		p.addOffsets(g)
	}
	s.ask("in the next", p.commitRequest(g, a, 0, 1))
	s.must(7, s.commitRequest(g, "", -1, commit{a, 0, 99, nil}))
	s.pending("a plain commit beside it", g)
	p.end(true)
	s.pending("the plain commit came later", g)
	p.addOffsets(g)
	p.s.must(3, p.commitRequest(g, a, 0, 2))
	p.end(false)
	s.pending("aborted", g)
}

func txnOffsetGroupsScript(s *session) {
	a, g := s.topic("a", 2), s.name("g")
	m, st := s.member(g, 0), s.static(s.name("static"))
	s.word(m, "the member")
	s.word(st, "the static member")
	p := s.producer("x")
	p.addOffsets(g)
	p.addOffsets(s.name("static"))
	p.addOffsets(s.name("none"))
	p.addOffsets(s.name("joining"))
	one, other := "one", "other"
	for _, c := range []struct {
		label, group, member string
		generation           int32
		instance             *string
	}{
		{"of the member", g, m, 1, nil}, {"no member", g, "", -1, nil}, {"old generation", g, m, 0, nil}, {"new generation", g, m, 2, nil},
		{"another member", g, "nobody", 1, nil}, {"no generation", g, m, -1, nil}, {"no member id", g, "", 1, nil}, {"an instance that is none", g, m, 1, &one},
		{"static", s.name("static"), st, 1, &one}, {"static without instance", s.name("static"), st, 1, nil}, {"static, another member", s.name("static"), "nobody", 1, &one},
		{"another instance", s.name("static"), st, 1, &other}, {"instance alone", s.name("static"), "", -1, &one},
		{"group that is not there", s.name("none"), "", -1, nil}, {"group that is not there, a member", s.name("none"), "m", 1, nil},
		{"group that is not there, a member without generation", s.name("none"), "m", -1, nil},
	} {
		r := p.commitRequest(c.group, a, 0)
		r.MemberID, r.Generation, r.InstanceID = c.member, c.generation, c.instance
		s.ask(c.label, r)
	}
	f := s.formed(s.name("joining"))
	r := p.commitRequest(s.name("joining"), a, 0)
	r.MemberID, r.Generation = f.MemberID, f.Generation
	s.ask("before it has an assignment", r)
}

func offsetFetchTransactionsScript(s *session) {
	s.coordinator()
	a, b, g := s.topic("a", 3), s.topic("b", 1), s.name("g")
	s.must(7, s.commitRequest(g, "", -1, commit{a, 0, 5, nil}))
	p := s.producer("x")
	p.addOffsets(g)
	s.must(3, p.commitRequest(g, a, 0, 1))
	ask := func(label string, topics ...asked) {
		for _, stable := range []bool{false, true} {
			r := s.offsetFetch(g, topics...)
			if topics == nil {
				r.Topics, r.Groups[0].Topics = nil, nil
			}
			if r.RequireStable = stable; stable {
				label += ", stable"
			}
			s.ask(label, r)
		}
	}
	ask("named", asked{a, []int32{0, 1, 2}}, asked{b, []int32{0}})
	if s.version >= 2 {
		ask("all")
	}
	p.end(false)
	ask("named, aborted", asked{a, []int32{0, 1, 2}})
}

func deleteWithPendingScript(s *session) {
	s.coordinator()
	a := s.topic("a", 3)
	request := func(group string, partitions ...int32) *kmsg.OffsetDeleteRequest {
		r := kmsg.NewPtrOffsetDeleteRequest()
		r.Group = group
		t := kmsg.OffsetDeleteRequestTopic{Topic: a}
		for _, number := range partitions {
			t.Partitions = append(t.Partitions, kmsg.OffsetDeleteRequestTopicPartition{Partition: number})
		}
		r.Topics = append(r.Topics, t)
		return r
	}
	p := s.producer("x")
	g, h := s.name("g"), s.name("h")
	s.must(7, s.commitRequest(g, "", -1, commit{a, 0, 5, nil}))
	p.addOffsets(g)
	s.must(3, p.commitRequest(g, a, 0, 1))
	s.ask("of an open transaction", request(g, 0, 1, 2))
	s.pending("deleted", g, asked{a, []int32{0, 1, 2}})
	p.end(true)
	s.pending("deleted and committed", g, asked{a, []int32{0, 1, 2}})
	p.addOffsets(h)
	s.must(3, p.commitRequest(h, a, 0))
	del := kmsg.NewPtrDeleteGroupsRequest()
	del.Groups = []string{h}
	s.note("delete a group of pending offsets", s.render(s.must2(2, del))...)
	p.end(true)
	s.pending("the group after the commit", h, asked{a, []int32{0}})
}
