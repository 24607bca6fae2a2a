package broker

import (
	"log/slog"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/broker/replica"
	"github.com/sordini/sordini/controller/image"
	"github.com/sordini/sordini/groupcoord"
)

// The publishers follow the metadata, in the controller's goroutine and in this order: partitions are opened and closed, then coordinators
// learn what they lead. Only after them does the controller show the image to clients.

// partitionPublisher opens the logs of what was created, closes those of what was deleted, and hands on changed configs. What could not be
// opened because the disk was full it tries again with each change, and with each refresh.
type partitionPublisher struct {
	nodeID   int32
	replicas *replica.Manager
	values   *config.Values
	logger   *slog.Logger
	// brokerChanged hears of the broker configs that hold now.
	brokerChanged func(*config.Broker)
	offline       map[string]string // what was last said about each topic of which something is offline
}

// Publish implements controller.Publisher.
func (p *partitionPublisher) Publish(delta *image.Delta, img *image.Image) {
	for _, t := range delta.DeletedTopics() {
		delete(p.offline, t.Name)
		if err := p.replicas.DeleteTopic(t.ID); err != nil {
			p.logger.Error("topic was not deleted from the disk", "topic", t.Name, "error", err)
		}
	}
	brokerChanged := false
	touched := map[string]*image.Topic{}
	for _, r := range delta.ChangedConfigs() {
		switch r.Type {
		case image.ResourceBroker:
			brokerChanged = true
		case image.ResourceTopic:
			if t := img.Topic(r.Name); t != nil {
				touched[r.Name] = t
			}
		}
	}
	for _, t := range delta.CreatedTopics() {
		touched[t.Name] = t
	}
	for _, c := range delta.ChangedTopics() {
		touched[c.After.Name] = c.After
	}
	if brokerChanged {
		for t := range img.Topics() {
			touched[t.Name] = t
		}
	}
	for _, id := range p.replicas.Waiting() {
		if t := img.TopicByID(id); t != nil {
			touched[t.Name] = t
		}
	}
	values := p.values.WithDynamic(img.Configs(image.ResourceBroker, ""), img.Configs(image.ResourceBroker, nodeName(p.nodeID)))
	if brokerChanged {
		p.brokerChanged(&values.Broker)
	}
	topics := make([]replica.OpenTopic, 0, len(touched))
	for _, t := range touched {
		topics = append(topics, p.led(values, img, t))
	}
	for i, err := range p.replicas.OpenTopics(topics) {
		p.report(topics[i].Name, err)
	}
}

// report says what is new: the same every time that somebody tries would be noise.
func (p *partitionPublisher) report(topic string, err error) {
	if err == nil {
		if p.offline[topic] != "" {
			delete(p.offline, topic)
			p.logger.Info("partitions are online again", "topic", topic)
		}
		return
	}
	if text := err.Error(); p.offline[topic] != text {
		p.offline[topic] = text
		p.logger.Error("partitions are offline", "topic", topic, "error", err)
	}
}

// led is what this broker leads of a topic.
func (p *partitionPublisher) led(values *config.Values, img *image.Image, t *image.Topic) replica.OpenTopic {
	epochs := make(map[int32]int32, len(t.Partitions))
	for i := range t.Partitions {
		if t.Partitions[i].Leader == p.nodeID {
			epochs[t.Partitions[i].Index] = t.Partitions[i].LeaderEpoch
		}
	}
	cfg := config.Topic(values, img.Configs(image.ResourceTopic, t.Name))
	return replica.OpenTopic{Name: t.Name, ID: t.ID, Internal: t.Internal(), LeaderEpochs: epochs, Config: cfg}
}

// leads gives the partitions of an internal topic that this broker leads to the coordinator that lives on them, and those that are offline when
// they are online.
type leads struct {
	topic    string
	nodeID   int32
	replicas *replica.Manager
	lead     func(partition, leaderEpoch int32, log replica.CoordinatorLog)
	resign   func(partition int32)
	waiting  int // partitions that are offline
}

// publish says whether a partition was given late, when the coordinator of the others had work already.
func (l *leads) publish(delta *image.Delta, img *image.Image) (late bool) {
	for _, t := range delta.DeletedTopics() {
		if t.Name != l.topic {
			continue
		}
		for i := range t.Partitions {
			l.resign(t.Partitions[i].Index)
		}
		l.waiting = 0
	}
	for _, t := range delta.CreatedTopics() {
		l.give(t)
	}
	for _, c := range delta.ChangedTopics() {
		l.give(c.After)
	}
	if t := img.Topic(l.topic); t != nil && l.waiting > 0 {
		before := l.waiting
		l.give(t)
		late = l.waiting < before
	}
	return late
}

func (l *leads) give(t *image.Topic) {
	if t.Name != l.topic {
		return
	}
	l.waiting = 0
	for i := range t.Partitions {
		part := &t.Partitions[i]
		if part.Leader != l.nodeID {
			continue
		}
		p := l.replicas.Get(t.Name, part.Index)
		if p == nil {
			l.waiting++
			continue
		}
		if p.Failure() == nil {
			l.lead(part.Index, part.LeaderEpoch, replica.NewCoordinatorLog(p))
		}
		if p.Failure() != nil { // the directory has failed, perhaps in between, when there was nobody yet to resign
			l.resign(part.Index)
		}
	}
}

// groupPublisher tells the group coordinator what it leads, and which topics were deleted.
type groupPublisher struct {
	leads  leads
	groups *groupcoord.Service
}

func newGroupPublisher(nodeID int32, replicas *replica.Manager, groups *groupcoord.Service) *groupPublisher {
	lead := func(partition, leaderEpoch int32, log replica.CoordinatorLog) {
		groups.Lead(partition, leaderEpoch, log)
	}
	return &groupPublisher{leads{topic: groupcoord.OffsetsTopic, nodeID: nodeID, replicas: replicas, lead: lead, resign: groups.Resign}, groups}
}

// Publish implements controller.Publisher.
func (g *groupPublisher) Publish(delta *image.Delta, img *image.Image) {
	var deleted []string
	for _, t := range delta.DeletedTopics() {
		deleted = append(deleted, t.Name)
	}
	if len(deleted) > 0 {
		g.groups.TopicsDeleted(deleted)
	}
	late := g.leads.publish(delta, img)
	// At the start: the broker may have died between a topic's deletion and that of its offsets. And what is led late has not heard of topics
	// that were deleted meanwhile.
	if late || delta.Base().Offset < 0 {
		g.groups.RetainTopics(func(topic string) bool { return img.Topic(topic) != nil })
	}
}

// txnPublisher tells the transaction coordinator what it leads. It comes last: a transaction that was being ended
// goes on at once, and needs its partitions and the group coordinator.
type txnPublisher struct{ leads leads }

func newTxnPublisher(nodeID int32, replicas *replica.Manager, txns *groupcoord.TxnService) *txnPublisher {
	lead := func(partition, leaderEpoch int32, log replica.CoordinatorLog) { txns.Lead(partition, leaderEpoch, log) }
	return &txnPublisher{leads{topic: groupcoord.StateTopic, nodeID: nodeID, replicas: replicas, lead: lead, resign: txns.Resign}}
}

// Publish implements controller.Publisher.
func (t *txnPublisher) Publish(delta *image.Delta, img *image.Image) { t.leads.publish(delta, img) }
