package replica

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/storage"
)

// OpenTopic is a topic of which this broker leads partitions.
type OpenTopic struct {
	Name         string
	ID           storage.TopicID
	Internal     bool
	LeaderEpochs map[int32]int32 // of the partitions that this broker leads
	Config       config.TopicConfig
}

// opening is a partition whose log is to be opened.
type opening struct {
	part  storage.Partition
	topic *topicPartitions
	at    int // of its topic in the list
	epoch int32

	dir    *storage.Dir
	config *storage.LogConfig
	log    *storage.Log
	err    error
}

// OpenTopics makes the partitions of topics exist and be open: those that are open keep their state and take the new config, the others are
// created or recovered, several at a time, for at the start of a broker with thousands of them the disk is what is waited for. A partition
// whose log cannot be opened is offline until the next OpenTopics of its topic: its clients get KAFKA_STORAGE_ERROR, and the other partitions
// serve.
// It returns one error per topic, in their order: nil for those that are open whole.
func (m *Manager) OpenTopics(topics []OpenTopic) []error {
	failed := make([]error, len(topics))
	known := make([]*topicPartitions, len(topics))
	var todo []*opening
	for i := range topics {
		topic := &topics[i]
		t, err := m.topicFor(topic)
		if err != nil {
			failed[i] = err
			continue
		}
		known[i] = t
		t.topic.config.Store(&topic.Config)
		logConfig := LogConfig(&topic.Config, topic.Internal, m.producerIDExpirationMs)
		for index, epoch := range topic.LeaderEpochs {
			if p := m.Get(topic.Name, index); p != nil {
				p.log.SetConfig(logConfig)
				p.leaderEpoch.Store(epoch)
				continue
			}
			o := &opening{part: storage.Partition{Topic: topic.Name, ID: topic.ID, Index: index}, topic: t, at: i, epoch: epoch, config: &logConfig}
			o.dir = m.dirFor(o.part)
			m.place(o.part, o.dir)
			todo = append(todo, o)
		}
	}
	m.openLogs(todo)
	for _, o := range todo {
		if o.err != nil {
			failed[o.at] = errors.Join(failed[o.at], fmt.Errorf("open %s: %w", placeName(o.part), o.err))
		}
	}
	m.show(topics, known, todo)
	return failed
}

// show makes what was opened visible to requests, all at once. A log that could not be opened keeps its place: what it holds, or may hold, is
// there and nowhere else.
func (m *Manager) show(topics []OpenTopic, known []*topicPartitions, opened []*opening) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, t := range known {
		if t != nil {
			t.offline = map[int32]error{}
			m.mu.byName[topics[i].Name], m.mu.byID[topics[i].ID] = t, t
		}
	}
	for _, o := range opened {
		if o.err != nil {
			o.topic.offline[o.part.Index] = o.err
			continue
		}
		o.topic.partitions[o.part.Index] = newPartition(o.part, o.topic.topic, o.dir, o.log, o.epoch)
	}
}

// Waiting returns the topics with partitions that are offline for a reason that passes: there was no room, or no descriptor was left. OpenTopics
// may open them now.
func (m *Manager) Waiting() []storage.TopicID {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var ids []storage.TopicID
	for id, t := range m.mu.byID {
		for _, err := range t.offline {
			if errors.Is(err, storage.ErrDiskFull) || errors.Is(err, storage.ErrOutOfFiles) {
				ids = append(ids, id)
				break
			}
		}
	}
	return ids
}

func (m *Manager) topicFor(topic *OpenTopic) (*topicPartitions, error) {
	m.mu.RLock()
	t := m.mu.byName[topic.Name]
	m.mu.RUnlock()
	if t == nil {
		return &topicPartitions{topic: &Topic{Name: topic.Name, ID: topic.ID, Internal: topic.Internal}, partitions: map[int32]*Partition{}}, nil
	}
	if t.topic.ID != topic.ID {
		return nil, fmt.Errorf("open topic %s: a partition with another topic id is still open", topic.Name)
	}
	return t, nil
}

// openLogs opens what is to be opened with at most openThreads goroutines, and waits for them.
func (m *Manager) openLogs(todo []*opening) {
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(todo)); i = next.Add(1) - 1 {
			o := todo[i]
			o.log, o.err = o.dir.OpenLog(o.part, *o.config)
		}
	}
	var others sync.WaitGroup
	for range min(m.openThreads, len(todo)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}
