package machine

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/record"
)

// DeleteTopics asks for topics to be deleted, by name or by id. The reply is a []DeleteTopicResult in the order of
// the request; what is given twice is answered once, and first if it is given by name and by id.
type DeleteTopics struct {
	Topics []DeletableTopic
}

// DeletableTopic names a topic in one of two ways.
type DeletableTopic struct {
	Name *string // nil: by id
	ID   image.TopicID
}

// DeleteTopicResult is the answer for one topic.
type DeleteTopicResult struct {
	Name    *string // nil: not known
	ID      image.TopicID
	Err     *kerr.Error
	Message string
}

func (ev DeleteTopics) decide(m *Machine, _ int64) Decision {
	names, ids := map[string]int{}, map[image.TopicID]int{}
	for _, t := range ev.Topics {
		if t.Name != nil {
			names[*t.Name]++
		} else if t.ID != (image.TopicID{}) {
			ids[t.ID]++
		}
	}
	var records []record.Record
	results := make([]DeleteTopicResult, 0, len(ev.Topics)+len(names))
	results = m.refuseNamedTwice(results, &ev, names, ids)
	for _, t := range ev.Topics {
		topic, fault, answered := m.findDeletable(t, names, ids)
		if answered {
			continue
		}
		res := DeleteTopicResult{Name: t.Name, ID: t.ID}
		if fault != nil {
			res.Err, res.Message = fault.code, fault.message
			results = append(results, res)
			continue
		}
		res.Name, res.ID = &topic.Name, topic.ID
		records = append(records, &record.RemoveTopic{TopicID: topic.ID})
		results = append(results, res)
	}
	return Decision{Records: records, Reply: results}
}

// refuseNamedTwice answers the topics that the request names by their name and by their id: which of the two is a
// mistake nobody can know, so neither deletes.
func (m *Machine) refuseNamedTwice(results []DeleteTopicResult, ev *DeleteTopics, names map[string]int,
	ids map[image.TopicID]int) []DeleteTopicResult {
	for _, t := range ev.Topics {
		if t.Name == nil || t.ID != (image.TopicID{}) || names[*t.Name] == 0 {
			continue
		}
		topic := m.img.Topic(*t.Name)
		if topic == nil || ids[topic.ID] == 0 {
			continue
		}
		names[*t.Name], ids[topic.ID] = 0, 0
		results = append(results, DeleteTopicResult{Name: t.Name, ID: topic.ID, Err: kerr.InvalidRequest,
			Message: "The provided topic name maps to an ID that was already supplied."})
	}
	return results
}

// findDeletable finds the topic that one element of the request means. names and ids count what the request
// has; a count of 0 says that it has been answered.
func (m *Machine) findDeletable(t DeletableTopic, names map[string]int, ids map[image.TopicID]int) (
	topic *image.Topic, fault *apiError, answered bool) {
	hasID := t.ID != (image.TopicID{})
	switch {
	case t.Name != nil && hasID:
		return nil, refuse(kerr.InvalidRequest, "You may not specify both topic name and topic id."), false
	case t.Name != nil:
		switch names[*t.Name] {
		case 0:
			return nil, nil, true
		case 1:
		default:
			names[*t.Name] = 0
			return nil, refuse(kerr.InvalidRequest, "Duplicate topic name."), false
		}
		if topic = m.img.Topic(*t.Name); topic == nil {
			return nil, refuse(kerr.UnknownTopicOrPartition, "This server does not host this topic-partition."), false
		}
	case hasID:
		switch ids[t.ID] {
		case 0:
			return nil, nil, true
		case 1:
		default:
			ids[t.ID] = 0
			return nil, refuse(kerr.InvalidRequest, "Duplicate topic id."), false
		}
		if topic = m.img.TopicByID(t.ID); topic == nil {
			return nil, refuse(kerr.UnknownTopicID, "This server does not host this topic ID."), false
		}
	default:
		return nil, refuse(kerr.InvalidRequest, "Neither topic name nor id were specified."), false
	}
	return topic, nil, false
}
