package replica

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sordini/sordini/storage"
)

// Manager knows every partition that is open on this broker, by topic name and by topic id.
type Manager struct {
	dirs []*storage.Dir // set by UseDirs, and as they are from then on

	// These belong to the controller's goroutine, which alone opens and deletes, and to the start before it.
	placed map[string]*storage.Dir // where a log is, by directory name; only with several directories
	counts map[*storage.Dir]int

	producerIDExpirationMs int64
	openThreads            int

	mu struct {
		sync.RWMutex
		byName map[string]*topicPartitions
		byID   map[storage.TopicID]*topicPartitions
	}
}

type topicPartitions struct {
	topic      *Topic
	partitions map[int32]*Partition
	offline    map[int32]error // led by this broker, but the log could not be opened
}

// NewManager returns a manager without partitions. It opens logs with openThreads goroutines at a time.
func NewManager(producerIDExpirationMs int64, openThreads int) *Manager {
	m := &Manager{producerIDExpirationMs: producerIDExpirationMs, openThreads: max(openThreads, 1)}
	m.mu.byName = map[string]*topicPartitions{}
	m.mu.byID = map[storage.TopicID]*topicPartitions{}
	return m
}

// UseDirs gives the manager its log directories, and looks what is in them, so that a log is opened where it lies. It comes before the first
// OpenTopics.
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

// Dirs are the log directories, in the order of log.dirs.
func (m *Manager) Dirs() []*storage.Dir { return m.dirs }

func placeName(p storage.Partition) string { return fmt.Sprintf("%s-%d", p.Topic, p.Index) }

// SetProducerIDExpirationMs changes how long idle producers are remembered, in logs that OpenTopics sees after it. It is for the controller's
// goroutine.
func (m *Manager) SetProducerIDExpirationMs(ms int64) { m.producerIDExpirationMs = ms }

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
	return t != nil && t.offline[index] != nil
}

// OfflineCount is how many partitions this broker leads whose logs it could not open.
func (m *Manager) OfflineCount() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n := 0
	for _, t := range m.mu.byName {
		n += len(t.offline)
	}
	return n
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

// Topics calls fn for every topic of which partitions are open, in no order that means anything.
func (m *Manager) Topics(fn func(*Topic)) {
	m.mu.RLock()
	all := make([]*Topic, 0, len(m.mu.byName))
	for _, t := range m.mu.byName {
		all = append(all, t.topic)
	}
	m.mu.RUnlock()
	for _, t := range all {
		fn(t)
	}
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

// DeleteTopic closes the topic's partitions and removes their logs, also what there is of those that could not be opened. Requests that hold a
// partition find it closed.
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
	remove := func(p storage.Partition, dir *storage.Dir) {
		m.unplace(p, dir)
		if err := dir.DeleteLog(p); err != nil {
			failed = errors.Join(failed, fmt.Errorf("delete %s: %w", placeName(p), err))
		}
	}
	for _, p := range t.partitions {
		p.close()
		remove(p.Partition, p.dir)
	}
	for index := range t.offline {
		p := storage.Partition{Topic: t.topic.Name, ID: id, Index: index}
		remove(p, m.dirFor(p))
	}
	return failed
}

// Close wakes everybody who waits on a partition. The logs themselves are closed with their directories.
func (m *Manager) Close() { m.All((*Partition).close) }

// dirFor chooses the log directory of a partition: the one it is in, else the one with the fewest logs of those that work and have room.
func (m *Manager) dirFor(p storage.Partition) *storage.Dir {
	if len(m.dirs) == 1 {
		return m.dirs[0]
	}
	if d := m.placed[placeName(p)]; d != nil {
		return d
	}
	return slices.MinFunc(m.dirs, func(a, b *storage.Dir) int {
		return cmp.Or(trouble(a)-trouble(b), m.counts[a]-m.counts[b])
	})
}

// trouble is how bad a place a directory is for a new log.
func trouble(d *storage.Dir) int {
	switch {
	case d.Failure() != nil:
		return 2
	case d.DiskFull():
		return 1
	}
	return 0
}

func (m *Manager) place(p storage.Partition, d *storage.Dir) {
	if name := placeName(p); len(m.dirs) > 1 && m.placed[name] == nil {
		m.placed[name] = d
		m.counts[d]++
	}
}

func (m *Manager) unplace(p storage.Partition, d *storage.Dir) {
	if name := placeName(p); m.placed[name] == d {
		delete(m.placed, name)
		m.counts[d]--
	}
}
