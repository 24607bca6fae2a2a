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

const (
	offsetsTopic      = "__consumer_offsets"
	transactionsTopic = "__transaction_state"
)

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

// groupPublisher gives the partitions of __consumer_offsets to the group coordinator, those that are offline when they are online.
type groupPublisher struct {
	nodeID   int32
	replicas *replica.Manager
	groups   *groupcoord.Service
	waiting  int // partitions that are offline
}

// Publish implements controller.Publisher.
func (g *groupPublisher) Publish(delta *image.Delta, img *image.Image) {
	var deleted []string
	for _, t := range delta.DeletedTopics() {
		deleted = append(deleted, t.Name)
		if t.Name == offsetsTopic {
			for i := range t.Partitions {
				g.groups.Resign(t.Partitions[i].Index)
			}
		}
	}
	if len(deleted) > 0 {
		g.groups.TopicsDeleted(deleted)
	}
	for _, t := range delta.CreatedTopics() {
		g.lead(t)
	}
	for _, c := range delta.ChangedTopics() {
		g.lead(c.After)
	}
	late := false
	if t := img.Topic(offsetsTopic); t != nil && g.waiting > 0 {
		before := g.waiting
		g.lead(t)
		late = g.waiting < before // it has not heard of topics that were deleted meanwhile
	}
	if late || delta.Base().Offset < 0 { // the start: the broker may have died between a topic's deletion and that of its offsets
		g.groups.RetainTopics(func(topic string) bool { return img.Topic(topic) != nil })
	}
}

func (g *groupPublisher) lead(t *image.Topic) {
	if t.Name != offsetsTopic {
		return
	}
	g.waiting = 0
	for i := range t.Partitions {
		part := &t.Partitions[i]
		if part.Leader != g.nodeID {
			continue
		}
		p := g.replicas.Get(t.Name, part.Index)
		if p == nil {
			g.waiting++
			continue
		}
		if p.Failure() == nil {
			g.groups.Lead(part.Index, part.LeaderEpoch, replica.NewCoordinatorLog(p))
		}
		if p.Failure() != nil { // the directory has failed, perhaps in between, when there was nobody yet to resign
			g.groups.Resign(part.Index)
		}
	}
}

// txnPublisher gives the partitions of __transaction_state to the transaction coordinator. It comes last: a transaction that was being ended
// goes on at once, and needs its partitions and the group coordinator.
type txnPublisher struct {
	nodeID   int32
	replicas *replica.Manager
	txns     *groupcoord.TxnService
}

// Publish implements controller.Publisher.
func (t *txnPublisher) Publish(delta *image.Delta, _ *image.Image) {
	for _, topic := range delta.DeletedTopics() {
		if topic.Name != transactionsTopic {
			continue
		}
		for i := range topic.Partitions {
			t.txns.Resign(topic.Partitions[i].Index)
		}
	}
	for _, topic := range delta.CreatedTopics() {
		t.lead(topic)
	}
	for _, c := range delta.ChangedTopics() {
		t.lead(c.After)
	}
}

func (t *txnPublisher) lead(topic *image.Topic) {
	if topic.Name != transactionsTopic {
		return
	}
	for i := range topic.Partitions {
		part := &topic.Partitions[i]
		if p := t.replicas.Get(topic.Name, part.Index); p != nil && part.Leader == t.nodeID {
			t.txns.Lead(part.Index, part.LeaderEpoch, replica.NewCoordinatorLog(p))
		}
	}
}
