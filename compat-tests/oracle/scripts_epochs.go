package oracle

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A log that several leaders wrote: what a consumer is told whose own epoch is older, newer or none of them. Only a broker that has ended makes
// a new epoch, so these scripts ask about a topic that is there already (see epochs_test.go).

const epochsTopic = "epochs"

// Of partition 0, offsets 0-2 are of epoch 0; 3-5 of the next leader's; a leader follows that wrote nothing, then one that wrote 6-8; the
// present one wrote nothing. Partition 1 has three records of epoch 0, partition 2 none.

func epochScripts() []script {
	return []script{
		{name: "epochs fetch", key: kmsg.Fetch, from: 9, run: epochsFetchScript},
		{name: "epochs list offsets", key: kmsg.ListOffsets, from: 4, run: epochsListScript},
		{name: "epochs of leaders", key: kmsg.OffsetForLeaderEpoch, from: 2, run: epochsEndScript},
	}
}

// epochNow is the present leader's epoch.
func (s *session) epochNow() int32 {
	s.t.Helper()
	s.topicOf(epochsTopic)
	return s.must(9, metadataRequest(epochsTopic)).(*kmsg.MetadataResponse).Topics[0].Partitions[0].LeaderEpoch
}

func epochsFetchScript(s *session) {
	now := s.epochNow()
	s.ask("everything", s.fetchRequest(fetched{topic: epochsTopic}))
	for _, epoch := range []int32{-1, 0, 1, 2, 3, now - 2, now - 1, now, now + 1} {
		s.ask(fmt.Sprint("current epoch ", epoch), s.fetchRequest(fetched{topic: epochsTopic, offset: 7, edit: func(p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = epoch }}))
		if s.version < 12 {
			continue
		}
		last := func(p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch = epoch }
		for _, offset := range []int64{2, 3, 5, 6, 9, 10} {
			s.ask(fmt.Sprintf("at %d after epoch %d", offset, epoch), s.fetchRequest(fetched{topic: epochsTopic, offset: offset, edit: last}))
		}
		for _, offset := range []int64{3, 4} {
			s.ask(fmt.Sprintf("of one epoch, at %d after epoch %d", offset, epoch), s.fetchRequest(fetched{topic: epochsTopic, partition: 1, offset: offset, edit: last}))
		}
		for _, offset := range []int64{0, 1} {
			s.ask(fmt.Sprintf("empty, at %d after epoch %d", offset, epoch), s.fetchRequest(fetched{topic: epochsTopic, partition: 2, offset: offset, edit: last}))
		}
	}
	if s.version >= 12 {
		both := func(p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch, p.CurrentLeaderEpoch = now+1, now }
		s.ask("last epoch after the current one", s.fetchRequest(fetched{topic: epochsTopic, offset: 7, edit: both}))
		s.ask("diverging beside a good one", s.fetchRequest(fetched{topic: epochsTopic, offset: 8, edit: func(p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch = 0 }},
			fetched{topic: epochsTopic, partition: 1}))
		id := s.opened("diverging in a session", fetched{topic: epochsTopic, offset: 8, edit: func(p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch = 0 }})
		s.ask("told again", s.inSession(id, 1))
		s.ask("cut back", s.inSession(id, 2, fetched{topic: epochsTopic, offset: 3, edit: func(p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch = 0 }}))
	}
}

func epochsListScript(s *session) {
	now := s.epochNow()
	for partition := range int32(3) {
		for _, at := range []int64{-1, -2, -3, -4, base, base + 1000, base + 2000, base + 2020, base + 3000} {
			s.ask(fmt.Sprintf("partition %d at %d", partition, at), listRequest(epochsTopic, partition, at))
		}
	}
	for epoch := int32(-1); epoch <= now+1; epoch++ {
		r := listRequest(epochsTopic, 0, base)
		r.Topics[0].Partitions[0].CurrentLeaderEpoch = epoch
		s.ask(fmt.Sprint("current epoch ", epoch), r)
	}
}

func epochsEndScript(s *session) {
	now := s.epochNow()
	for partition := range int32(3) {
		for current := int32(-1); current <= now+1; current += now + 1 {
			for epoch := int32(-1); epoch <= now+2; epoch++ {
				r := kmsg.NewPtrOffsetForLeaderEpochRequest()
				r.ReplicaID = -1
				p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
				p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = partition, current, epoch
				r.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: epochsTopic, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{p}}}
				s.ask(fmt.Sprintf("partition %d, end of epoch %d, current %d", partition, epoch, current), r)
			}
		}
	}
	for current := int32(0); current <= now+1; current++ {
		r := kmsg.NewPtrOffsetForLeaderEpochRequest()
		p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		p.CurrentLeaderEpoch, p.LeaderEpoch = current, 0
		r.ReplicaID = -1
		r.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: epochsTopic, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{p}}}
		s.ask(fmt.Sprint("current epoch ", current), r)
	}
}
