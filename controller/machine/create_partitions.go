package machine

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/record"
)

// CreatePartitions asks for more partitions of topics that are there. The reply is a []CreatePartitionsResult: one
// result for each name, in the order of the request. The topics that are fine grow even if others do not.
type CreatePartitions struct {
	Topics       []GrowingTopic
	ValidateOnly bool
	Seed         uint64 // random: where placement starts
}

// GrowingTopic is one topic of a CreatePartitions.
type GrowingTopic struct {
	Name  string
	Count int32 // of all partitions, afterwards

	// Assignments are the brokers of each new partition, the preferred leader first. Nil leaves it to the controller.
	Assignments [][]int32
}

// CreatePartitionsResult is the answer for one topic.
type CreatePartitionsResult struct {
	Name    string
	Err     *kerr.Error // nil: there are as many partitions, or would be
	Message string
}

func (ev CreatePartitions) decide(m *Machine, _ int64) Decision {
	count := make(map[string]int, len(ev.Topics))
	for i := range ev.Topics {
		count[ev.Topics[i].Name]++
	}
	tooMany := ev.totalIncrease(m) > MaxPartitionsPerRequest
	results := make([]CreatePartitionsResult, 0, len(ev.Topics))
	var all []record.Record
	for i := range ev.Topics {
		t := &ev.Topics[i]
		if count[t.Name] == 0 { // answered already
			continue
		}
		var records []record.Record
		var fault *apiError
		switch {
		case count[t.Name] > 1:
			fault = refuse(kerr.InvalidRequest, "Duplicate topic name.")
			count[t.Name] = 0
		case tooMany:
			fault = refuse(kerr.PolicyViolation, "Excessively large number of additional partitions per request.")
		default:
			records, fault = m.grow(t, ev.Seed+uint64(i))
		}
		res := CreatePartitionsResult{Name: t.Name}
		if fault != nil {
			res.Err, res.Message = fault.code, fault.message
		}
		all = append(all, records...)
		results = append(results, res)
	}
	if ev.ValidateOnly {
		all = nil
	}
	return Decision{Records: all, Reply: results}
}

// totalIncrease is how many partitions would be added in all, by those topics that can grow.
func (ev *CreatePartitions) totalIncrease(m *Machine) (n int64) {
	for i := range ev.Topics {
		if t := m.img.Topic(ev.Topics[i].Name); t != nil {
			n += max(int64(ev.Topics[i].Count)-int64(len(t.Partitions)), 0)
		}
	}
	return n
}

// grow decides on one topic.
func (m *Machine) grow(g *GrowingTopic, seed uint64) ([]record.Record, *apiError) {
	t := m.img.Topic(g.Name)
	if t == nil {
		return nil, refuse(kerr.UnknownTopicOrPartition, "The topic '%s' does not exist.", g.Name)
	}
	have := len(t.Partitions)
	switch {
	case int(g.Count) == have:
		return nil, refuse(kerr.InvalidPartitions, "Topic already has %d partition(s).", have)
	case int(g.Count) < have:
		return nil, refuse(kerr.InvalidPartitions, "The topic %s currently has %d partition(s); %d would not be an increase.", g.Name, have, g.Count)
	case t.Internal():
		// A group or a transactional id is found by a hash over the number of partitions. Kafka lets it change, and
		// after its next start finds none of them any more.
		return nil, refuse(kerr.InvalidPartitions, "The number of partitions of the internal topic %s cannot be changed: what is in it would not be found any more.", g.Name)
	}
	placement, fault := m.placeMore(t, g, seed)
	if fault != nil {
		return nil, fault
	}
	records := make([]record.Record, len(placement))
	for i, replicas := range placement {
		isr := m.unfencedOf(replicas)
		records[i] = &record.Partition{TopicID: t.ID, Index: int32(have + i), Leader: isr[0], Replicas: replicas, ISR: isr}
	}
	return records, nil
}

// placeMore returns the replicas of each new partition: as many as the topic's first partition has.
func (m *Machine) placeMore(t *image.Topic, g *GrowingTopic, seed uint64) ([][]int32, *apiError) {
	more, rf := int(g.Count)-len(t.Partitions), len(t.Partitions[0].Replicas)
	if g.Assignments == nil {
		return m.placeStriped(more, rf, seed)
	}
	if len(g.Assignments) != more {
		return nil, refuse(kerr.InvalidReplicaAssignment,
			"Attempted to add %d additional partition(s), but only %d assignment(s) were specified.", more, len(g.Assignments))
	}
	placement := make([][]int32, more)
	for i, replicas := range g.Assignments {
		if fault := m.checkManualReplicas(replicas, rf); fault != nil {
			return nil, fault
		}
		if len(m.unfencedOf(replicas)) == 0 {
			return nil, refuse(kerr.InvalidReplicaAssignment, "All brokers specified in the manual partition "+
				"assignment for partition %d are fenced or in controlled shutdown.", len(t.Partitions)+i)
		}
		placement[i] = slices.Clone(replicas)
	}
	return placement, nil
}
