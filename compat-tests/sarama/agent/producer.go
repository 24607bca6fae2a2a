package main

import (
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/sordini/sordini/compat-tests/harness/goagent"
)

// sender is an AsyncProducer that retries for as long as it takes.
type sender struct {
	producer sarama.AsyncProducer
	results  sync.WaitGroup
}

func (c *client) Sender() (goagent.Sender, error) {
	config := c.producerConfig("none", "all")
	config.Producer.Retry.Max = 10_000 // Sarama keeps a slot for each
	config.Producer.Retry.Backoff = 50 * time.Millisecond
	config.Metadata.Retry.Max = 1000 // Sarama gives a record up when it finds no leader
	producer, err := sarama.NewAsyncProducer(c.addrs, config)
	if err != nil {
		return nil, err
	}
	s := &sender{producer: producer}
	s.results.Go(func() {
		for m := range producer.Successes() {
			m.Metadata.(func(error))(nil)
		}
	})
	s.results.Go(func() {
		for e := range producer.Errors() {
			e.Msg.Metadata.(func(error))(e.Err)
		}
	})
	return s, nil
}

func (s *sender) Send(topic string, r goagent.Record, done func(error)) {
	m := message(topic, r)
	m.Metadata = done
	s.producer.Input() <- m
}

func (s *sender) Close() error {
	s.producer.AsyncClose()
	s.results.Wait()
	return nil
}
