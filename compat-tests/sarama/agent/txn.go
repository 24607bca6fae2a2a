package main

import (
	"fmt"

	"github.com/IBM/sarama"

	"github.com/sordini/sordini/compat-tests/harness/goagent"
)

// transactions is an AsyncProducer with a transactional id.
type transactions struct{ sarama.AsyncProducer }

func (c *client) OpenTransactions(id string) (goagent.Transactions, error) {
	config := c.producerConfig("none", "all")
	config.Producer.Transaction.ID = id
	producer, err := sarama.NewAsyncProducer(c.addrs, config)
	return &transactions{producer}, err
}

func (x *transactions) Begin() error  { return x.BeginTxn() }
func (x *transactions) Commit() error { return x.CommitTxn() }
func (x *transactions) Abort() error  { return x.AbortTxn() }

func (x *transactions) Send(topic string, records []goagent.Record) error {
	for _, r := range records {
		x.Input() <- message(topic, r)
	}
	for range records {
		select {
		case <-x.Successes():
		case err := <-x.Errors():
			return fmt.Errorf("produce: %w", err)
		}
	}
	return nil
}

func (x *transactions) SendOffset(group, topic string, partition int32, offset int64) error {
	reached := &sarama.PartitionOffsetMetadata{Partition: partition, Offset: offset}
	return x.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{topic: {reached}}, group)
}
