package replica

import (
	"errors"
	"fmt"
	"sync"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/storage"
)

// Manager knows every partition that is open on this broker, by topic name and by topic id.
type Manager struct {
	// These belong to the controller's goroutine, which alone opens and deletes, and to the start before it.
	dirs   []*storage.Dir
	placed map[string]*storage.Dir // where a log is, by directory name; only with several directories
	counts map[*storage.Dir]int

	producerIDExpirationMs int64

	mu struct {
		sync.RWMutex
		byName map[string]*topicPartitions
		byID   map[storage.TopicID]*topicPartitions
	}
}

type topicPartitions struct {
	topic      *Topic
	partitions map[int32]*Partition
	offline    map[int32]bool // led by this broker, but the log could not be opened
}

// NewManager returns a manager without partitions.
func NewManager(producerIDExpirationMs int64) *Manager {
	m := &Manager{producerIDExpirationMs: producerIDExpirationMs}
	m.mu.byName = map[string]*topicPartitions{}
	m.mu.byID = map[storage.TopicID]*topicPartitions{}
	return m
}

// UseDirs gives the manager its log directories, and looks what is in them, so that a log is opened where it lies. It comes before the first
// OpenTopic.
func (m *Manager) UseDirs(dirs []*storage.Dir) error {
	m.dirs = dirs
	m.placed, m.counts = map[string]*storage.Dir{}, map[*storage.Dir]int{}
	if len(m.dirs) == 1 {
		return nil
	}
	for _, d := range m.dirs {
		logs, err := d.Logs()
		if err != nil {
			return fmt.Errorf("list logs in %s: %w", d.Path(), err)
		}
		for _, l := range logs {
			m.placed[placeName(l.Partition)] = d
		}
		m.counts[d] = len(logs)
	}
	return nil
}

func placeName(p storage.Partition) string { return fmt.Sprintf("%s-%d", p.Topic, p.Index) }

// Get finds a partition by topic name, or nil.
func (m *Manager) Get(topic string, index int32) *Partition {
	m.mu.RLock()
	t := m.mu.byName[topic]
	var p *Partition
	if t != nil {
		p = t.partitions[index]
	}
	m.mu.RUnlock()
	return p
}

// GetByID finds a partition by topic id, or nil. known tells whether the topic itself is known.
func (m *Manager) GetByID(id storage.TopicID, index int32) (p *Partition, known bool) {
	m.mu.RLock()
	t := m.mu.byID[id]
	if t != nil {
		p, known = t.partitions[index], true
	}
	m.mu.RUnlock()
	return p, known
}

// Offline tells whether this broker leads a partition whose log it could not open.
func (m *Manager) Offline(topic string, id storage.TopicID, index int32) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	t := m.mu.byID[id]
	if id == (storage.TopicID{}) {
		t = m.mu.byName[topic]
	}
	return t != nil && t.offline[index]
}

// DirFailed wakes everybody who waits on a partition of a log directory that has gone offline: no sync will come any more.
func (m *Manager) DirFailed(path string) {
	m.All(func(p *Partition) {
		if p.dir.Path() == path {
			p.waiters.signalAll()
		}
	})
}

// Topic returns what the partitions of a topic share, or nil when none is open here.
func (m *Manager) Topic(name string) *Topic {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if t := m.mu.byName[name]; t != nil {
		return t.topic
	}
	return nil
}

// All calls fn for every open partition, in no order that means anything.
func (m *Manager) All(fn func(*Partition)) {
	m.mu.RLock()
	var all []*Partition
	for _, t := range m.mu.byName {
		for _, p := range t.partitions {
			all = append(all, p)
		}
	}
	m.mu.RUnlock()
	for _, p := range all {
		fn(p)
	}
}

// OpenTopic makes the topic's partitions exist and be open: those that are open keep their state and take the new config, the others are
// created or recovered. A partition whose log cannot be opened is reported and is offline until the next OpenTopic: its clients get
// KAFKA_STORAGE_ERROR, and the other partitions serve.
func (m *Manager) OpenTopic(name string, id storage.TopicID, internal bool, leaderEpochs map[int32]int32, cfg config.TopicConfig) error {
	m.mu.RLock()
	t := m.mu.byName[name]
	m.mu.RUnlock()
	if t != nil && t.topic.ID != id {
		return fmt.Errorf("open topic %s: a partition with another topic id is still open", name)
	}
	if t == nil {
		t = &topicPartitions{topic: &Topic{Name: name, ID: id, Internal: internal}, partitions: map[int32]*Partition{}}
	}
	t.topic.config.Store(&cfg)
	logConfig := LogConfig(&cfg, internal, m.producerIDExpirationMs)

	opened := make(map[int32]*Partition, len(leaderEpochs))
	offline := map[int32]bool{}
	var failed error
	for index, epoch := range leaderEpochs {
		if p := m.Get(name, index); p != nil {
			p.log.SetConfig(logConfig)
			p.leaderEpoch.Store(epoch)
			continue
		}
		part := storage.Partition{Topic: name, ID: id, Index: index}
		dir := m.dirFor(part)
		log, err := dir.OpenLog(part, logConfig)
		if err != nil {
			failed, offline[index] = errors.Join(failed, fmt.Errorf("open %s-%d: %w", name, index, err)), true
			continue
		}
		m.place(part, dir)
		opened[index] = newPartition(part, t.topic, dir, log, epoch)
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	for index, p := range opened {
		t.partitions[index] = p
	}
	t.offline = offline
	m.mu.byName[name], m.mu.byID[id] = t, t
	return failed
}

// DeleteTopic closes the topic's partitions and removes their logs. Requests that hold a partition find it closed.
func (m *Manager) DeleteTopic(id storage.TopicID) error {
	m.mu.Lock()
	t := m.mu.byID[id]
	if t != nil {
		delete(m.mu.byID, id)
		delete(m.mu.byName, t.topic.Name)
	}
	m.mu.Unlock()
	if t == nil {
		return nil
	}
	var failed error
	for index, p := range t.partitions {
		p.close()
		m.unplace(p)
		if err := p.dir.DeleteLog(p.Partition); err != nil {
			failed = errors.Join(failed, fmt.Errorf("delete %s-%d: %w", t.topic.Name, index, err))
		}
	}
	return failed
}

// Close wakes everybody who waits on a partition. The logs themselves are closed with their directories.
func (m *Manager) Close() { m.All((*Partition).close) }

// dirFor chooses the log directory of a partition: the one it is in, else the one with the fewest logs of those that work.
func (m *Manager) dirFor(p storage.Partition) *storage.Dir {
	if len(m.dirs) == 1 {
		return m.dirs[0]
	}
	if d := m.placed[placeName(p)]; d != nil {
		return d
	}
	best := m.dirs[0]
	for _, d := range m.dirs[1:] {
		if works, better := d.Failure() == nil, m.counts[d] < m.counts[best]; works && (better || best.Failure() != nil) {
			best = d
		}
	}
	return best
}

func (m *Manager) place(p storage.Partition, d *storage.Dir) {
	if name := placeName(p); len(m.dirs) > 1 && m.placed[name] == nil {
		m.placed[name] = d
		m.counts[d]++
	}
}

func (m *Manager) unplace(p *Partition) {
	if name := placeName(p.Partition); m.placed[name] == p.dir {
		delete(m.placed, name)
		m.counts[p.dir]--
	}
}

// LogConfig translates a topic's configs into what the log needs. The logs of coordinators are never less durable than `group`.
func LogConfig(c *config.TopicConfig, internal bool, producerIDExpirationMs int64) storage.LogConfig {
	durability := durabilityOf(c.Durability)
	if internal && durability != storage.DurabilityBatch {
		durability = storage.DurabilityGroup
	}
	return storage.LogConfig{
		SegmentBytes: c.SegmentBytes, SegmentMs: c.SegmentMs, SegmentJitterMs: c.SegmentJitterMs,
		RetentionMs: c.RetentionMs, RetentionBytes: c.RetentionBytes,
		Delete: c.CleanupDelete, Compact: c.CleanupCompact,
		IndexIntervalBytes: int(c.IndexIntervalBytes), FileDeleteDelayMs: c.FileDeleteDelayMs,
		Durability: durability, FlushMessages: c.FlushMessages, FlushMs: c.FlushMs,
		ProducerIDExpirationMs: producerIDExpirationMs, MaxMessageBytes: int(c.MaxMessageBytes),
		LogAppendTime:     c.MessageTimestampType == "LogAppendTime",
		DeleteRetentionMs: c.DeleteRetentionMs, MinCompactionLagMs: c.MinCompactionLagMs, MaxCompactionLagMs: c.MaxCompactionLagMs,
		MinCleanableRatio: c.MinCleanableDirtyRatio,
	}
}

func durabilityOf(name string) storage.Durability {
	switch name {
	case "os":
		return storage.DurabilityOS
	case "interval":
		return storage.DurabilityInterval
	case "batch":
		return storage.DurabilityBatch
	}
	return storage.DurabilityGroup
}
