package machine

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/controller/record"
)

// Import takes over topics of another cluster as they are there, with their ids, epochs and configs, and its producer ids. Its reply is
// an ImportReply. The records of a topic come together: Topic, its Partitions in order, its Configs.
type Import struct {
	Records []record.Record // Topic, Partition, Config of a topic, ProducerIDs; nothing else
}

// ImportReply is the answer to an Import.
type ImportReply struct {
	Err     *kerr.Error // nil: everything was taken over
	Message string
}

func (ev Import) decide(m *Machine, _ int64) Decision {
	ids, names := map[image.TopicID]bool{}, map[string]bool{}
	for _, r := range ev.Records {
		if err := m.importable(r, ids, names); err != nil {
			return Decision{Reply: ImportReply{Err: kerr.InvalidRequest, Message: err.Error()}}
		}
	}
	return Decision{Records: ev.Records, Reply: ImportReply{}}
}

// importable checks one record against the image and the topics before it in the list, and notes a topic there.
func (m *Machine) importable(r record.Record, ids map[image.TopicID]bool, names map[string]bool) error {
	switch r := r.(type) {
	case *record.Topic:
		if m.img.Topic(r.Name) != nil || names[r.Name] {
			return fmt.Errorf("topic %s exists", r.Name)
		}
		if m.img.TopicByID(r.ID) != nil || ids[r.ID] {
			return fmt.Errorf("a topic with the id of topic %s exists", r.Name)
		}
		ids[r.ID], names[r.Name] = true, true
	case *record.Partition:
		if !ids[r.TopicID] {
			return fmt.Errorf("partition %d comes without its topic", r.Index)
		}
	case *record.Config:
		if image.ResourceType(r.ResourceType) != image.ResourceTopic || !names[r.ResourceName] {
			return fmt.Errorf("config %s comes without its topic", r.Name)
		}
	case *record.ProducerIDs:
		if r.Next < m.img.NextProducerID {
			return fmt.Errorf("producer ids cannot go back from %d to %d", m.img.NextProducerID, r.Next)
		}
	default:
		return fmt.Errorf("a record of type %T cannot be imported", r)
	}
	return nil
}
