package machine

import (
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/record"
)

// CreateTopics asks for new topics. The reply is a []CreateTopicResult: one result for each name, in the order of
// the request. The topics that are fine are created even if others are not.
type CreateTopics struct {
	Topics       []CreatableTopic
	ValidateOnly bool

	DefaultPartitions        int32
	DefaultReplicationFactor int16
	TopicIDs                 []image.TopicID // fresh random ids, one for each of Topics
	Seed                     uint64          // random: where placement starts
}

// CreatableTopic is one topic of a CreateTopics.
type CreatableTopic struct {
	Name              string
	NumPartitions     int32 // -1: the default, or given by Assignments
	ReplicationFactor int16 // -1: the default, or given by Assignments
	Assignments       []Assignment
	Configs           []TopicConfig
}

// Assignment puts one partition on brokers, the preferred leader first.
type Assignment struct {
	Partition int32
	Brokers   []int32
}

// TopicConfig is a configuration of a new topic.
type TopicConfig struct {
	Name  string
	Value *string
}

// CreateTopicResult is the answer for one topic.
type CreateTopicResult struct {
	Name              string
	ID                image.TopicID // zero if the topic was not created
	Err               *kerr.Error   // nil: created, or would be
	Message           string
	NumPartitions     int32
	ReplicationFactor int16
	Configs           map[string]string // as set by the request
}

func (ev CreateTopics) decide(m *Machine, _ int64) Decision {
	results := make([]CreateTopicResult, 0, len(ev.Topics))
	tooMany := ev.totalPartitions() > MaxPartitionsPerRequest
	count := make(map[string]int, len(ev.Topics))
	for i := range ev.Topics {
		count[ev.Topics[i].Name]++
	}
	work := &newTopics{Machine: m, ev: &ev, shapes: map[string]string{}}
	var all []record.Record
	for i := range ev.Topics {
		t := &ev.Topics[i]
		res := CreateTopicResult{Name: t.Name, NumPartitions: -1, ReplicationFactor: -1}
		if count[t.Name] == 0 { // answered already
			continue
		}
		var fault *apiError
		switch {
		case count[t.Name] > 1:
			fault = refuse(kerr.InvalidRequest, "Duplicate topic name.")
			count[t.Name] = 0
		case tooMany:
			fault = refuse(kerr.PolicyViolation, "Excessively large number of partitions per request.")
		default:
			var records []record.Record
			records, fault = work.create(i, &res)
			all = append(all, records...)
		}
		if fault != nil {
			res.Err, res.Message = fault.code, fault.message
		}
		results = append(results, res)
	}
	if ev.ValidateOnly {
		all = nil
		for i := range results {
			results[i].ID = image.TopicID{}
		}
	}
	return Decision{Records: all, Reply: results}
}

func (ev *CreateTopics) totalPartitions() (n int64) {
	for i := range ev.Topics {
		t := &ev.Topics[i]
		switch {
		case len(t.Assignments) > 0:
			n += int64(len(t.Assignments))
		case t.NumPartitions == -1:
			n += int64(ev.DefaultPartitions)
		case t.NumPartitions > 0:
			n += int64(t.NumPartitions)
		}
	}
	return n
}

// newTopics is the work on one CreateTopics.
type newTopics struct {
	*Machine
	ev     *CreateTopics
	shapes map[string]string // names of this request with '.' as '_', to see collisions among themselves
}

// create decides on topic i of the request and fills in what the answer says about it.
func (n *newTopics) create(i int, res *CreateTopicResult) ([]record.Record, *apiError) {
	t := &n.ev.Topics[i]
	if fault := n.checkNewTopicName(t.Name); fault != nil {
		return nil, fault
	}
	shape := strings.ReplaceAll(t.Name, ".", "_")
	if other, ok := n.shapes[shape]; ok {
		return nil, refuse(kerr.InvalidTopicException, "Topic '%s' collides with existing topic: %s", t.Name, other)
	}
	configs, fault := n.newTopicConfigs(t)
	if fault != nil {
		return nil, fault
	}
	placement, fault := n.place(t, i)
	if fault != nil {
		return nil, fault
	}
	n.shapes[shape] = t.Name
	id := n.ev.TopicIDs[i]
	res.ID = id
	res.NumPartitions = int32(len(placement))
	res.ReplicationFactor = int16(len(placement[0]))
	res.Configs = configs

	records := []record.Record{&record.Topic{Name: t.Name, ID: id}}
	for index, replicas := range placement {
		isr := n.unfencedOf(replicas)
		records = append(records, &record.Partition{
			TopicID: id, Index: int32(index), Leader: isr[0], Replicas: replicas, ISR: isr,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		value := configs[name]
		records = append(records, &record.Config{
			ResourceType: int8(image.ResourceTopic), ResourceName: t.Name, Name: name, Value: &value,
		})
	}
	return records, nil
}

func (n *newTopics) newTopicConfigs(t *CreatableTopic) (map[string]string, *apiError) {
	configs := make(map[string]string, len(t.Configs))
	var nulls []string
	for _, c := range t.Configs {
		if c.Value == nil {
			nulls = append(nulls, c.Name)
			continue
		}
		configs[c.Name] = *c.Value
	}
	if len(nulls) > 0 {
		return nil, refuse(kerr.InvalidConfig, "Null value not supported for topic configs: %s", strings.Join(nulls, ","))
	}
	if len(configs) == 0 {
		return nil, nil
	}
	return configs, n.validateConfigs(image.Resource{Type: image.ResourceTopic, Name: t.Name}, configs)
}

// place returns the replicas of each partition.
func (n *newTopics) place(t *CreatableTopic, i int) ([][]int32, *apiError) {
	if len(t.Assignments) > 0 {
		return n.placeByHand(t)
	}
	if t.ReplicationFactor < -1 || t.ReplicationFactor == 0 {
		return nil, refuse(kerr.InvalidReplicationFactor,
			"Replication factor must be larger than 0, or -1 to use the default value.")
	}
	if t.NumPartitions < -1 || t.NumPartitions == 0 {
		return nil, refuse(kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	}
	partitions, rf := t.NumPartitions, t.ReplicationFactor
	if partitions == -1 {
		partitions = max(n.ev.DefaultPartitions, 1)
	}
	if rf == -1 {
		rf = max(n.ev.DefaultReplicationFactor, 1)
	}
	return n.placeStriped(int(partitions), int(rf), n.ev.Seed+uint64(i))
}
