package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/sordini/sordini/compat-tests/harness/goagent"
)

// member is a kafka.ConsumerGroup, the part of kafka-go that tells what was assigned; its Reader does the same with it and
// does not tell. In each generation one Reader for each partition reads.
type member struct {
	*goagent.Inbox
	client *client
	group  *kafka.ConsumerGroup
	topic  string
	stop   context.CancelFunc
	done   sync.WaitGroup

	mu struct {
		sync.Mutex
		generation *kafka.Generation
	}
}

func (c *client) Join(j goagent.Join) (goagent.Member, error) {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: j.Group, Brokers: []string{c.addr}, Topics: []string{j.Topic}, StartOffset: kafka.FirstOffset,
		HeartbeatInterval: goagent.Heartbeat, SessionTimeout: j.Session(), RebalanceTimeout: j.Session(),
		JoinGroupBackoff: 100 * time.Millisecond, ErrorLogger: kafka.LoggerFunc(complain),
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &member{Inbox: goagent.NewInbox(j.Limit), client: c, group: group, topic: j.Topic, stop: stop}
	m.done.Go(func() { m.consume(ctx) })
	return m, nil
}

// consume takes part in one generation after the other. Next returns when a generation has ended and the next one begins.
func (m *member) consume(ctx context.Context) {
	for {
		generation, err := m.group.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed):
			return
		case err != nil:
			continue // a broker that is away, or one more member
		}
		m.mu.Lock()
		m.mu.generation = generation
		m.mu.Unlock()
		var held []int32
		for _, a := range generation.Assignments[m.topic] {
			held = append(held, int32(a.ID))
			generation.Start(func(ctx context.Context) { m.read(ctx, a) })
		}
		m.Hold(held...)
		generation.Start(func(ctx context.Context) {
			<-ctx.Done()
			m.Hold()
		})
	}
}

func (m *member) read(ctx context.Context, a kafka.PartitionAssignment) {
	r, err := m.client.reader(m.topic, a.ID, a.Offset)
	if err != nil {
		m.Fail(err)
		return
	}
	defer r.Close()
	for {
		message, err := r.ReadMessage(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			m.Fail(err)
			return
		case !m.Add(record(message)): // a member that has enough stays in the group
			<-ctx.Done()
			return
		}
	}
}

func (m *member) Commit() error {
	m.mu.Lock()
	generation := m.mu.generation
	m.mu.Unlock()
	if generation == nil {
		return errors.New("not in the group yet: nothing can be committed")
	}
	offsets := map[int]int64{}
	for partition, next := range m.Positions() {
		offsets[int(partition)] = next
	}
	return generation.CommitOffsets(map[string]map[int]int64{m.topic: offsets})
}

func (m *member) Leave() error {
	m.stop()
	err := m.group.Close()
	m.done.Wait()
	return err
}
