package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/sordini/sordini/compat-tests/harness/goagent"
)

// member is a ConsumerGroup. Consume is called again whenever a session ends, as Sarama's documentation asks for.
type member struct {
	*goagent.Inbox
	group sarama.ConsumerGroup
	topic string
	stop  context.CancelFunc
	done  sync.WaitGroup

	mu struct {
		sync.Mutex
		session sarama.ConsumerGroupSession
	}
}

func (c *client) Join(j goagent.Join) (goagent.Member, error) {
	config := c.config()
	config.Consumer.Group.Session.Timeout = j.Session()
	config.Consumer.Group.Heartbeat.Interval = goagent.Heartbeat
	group, err := sarama.NewConsumerGroup(c.addrs, j.Group, config)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &member{Inbox: goagent.NewInbox(j.Limit), group: group, topic: j.Topic, stop: stop}
	m.done.Go(func() {
		for range group.Errors() {
			// While a broker is down there is one after the other; what matters shows in what is received.
		}
	})
	m.done.Go(func() { m.consume(ctx) })
	return m, nil
}

func (m *member) consume(ctx context.Context) {
	for ctx.Err() == nil {
		err := m.group.Consume(ctx, []string{m.topic}, m)
		if errors.Is(err, sarama.ErrClosedConsumerGroup) {
			return
		}
		if err != nil { // a broker that is away: try again
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// Setup is called by Sarama when a session begins.
func (m *member) Setup(s sarama.ConsumerGroupSession) error {
	m.mu.Lock()
	m.mu.session = s
	m.mu.Unlock()
	m.Hold(s.Claims()[m.topic]...)
	return nil
}

// Cleanup is called by Sarama when a session has ended.
func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.mu.Lock()
	m.mu.session = nil
	m.mu.Unlock()
	m.Hold()
	return nil
}

// ConsumeClaim is called by Sarama for each partition of a session. A member that has enough stays in the group.
func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		if !m.Add(record(message)) {
			<-s.Context().Done()
			return nil
		}
	}
	return nil
}

func (m *member) Commit() error {
	m.mu.Lock()
	session := m.mu.session
	m.mu.Unlock()
	if session == nil {
		return errors.New("between two sessions of the group: nothing can be committed")
	}
	for partition, next := range m.Positions() {
		session.MarkOffset(m.topic, partition, next, "")
	}
	session.Commit()
	return nil
}

func (m *member) Leave() error {
	m.stop()
	err := m.group.Close()
	m.done.Wait()
	return err
}
