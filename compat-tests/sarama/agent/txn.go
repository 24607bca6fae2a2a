package main

import (
	"fmt"

	"github.com/IBM/sarama"

	"github.com/sordini/sordini/compat-tests/harness/goagent"
)

// abandoned are producers whose transaction stays open, and who stay as they are: nothing ends them before the process does.
var abandoned []sarama.AsyncProducer

func (c *client) Transact(id string, txns []goagent.Txn) error {
	config := c.producerConfig("none", "all")
	config.Producer.Transaction.ID = id
	producer, err := sarama.NewAsyncProducer(c.addrs, config)
	if err != nil {
		return err
	}
	for _, t := range txns {
		if err := transact(producer, t); err != nil {
			return err
		}
		if t.End == "abandon" {
			abandoned = append(abandoned, producer)
			return nil
		}
	}
	return producer.Close()
}

func transact(producer sarama.AsyncProducer, t goagent.Txn) error {
	if err := producer.BeginTxn(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for _, r := range t.Records {
		producer.Input() <- message(t.Topic, r)
	}
	for range t.Records {
		select {
		case <-producer.Successes():
		case err := <-producer.Errors():
			return fmt.Errorf("produce: %w", err)
		}
	}
	if o := t.Offsets; o != nil {
		reached := &sarama.PartitionOffsetMetadata{Partition: o.Partition, Offset: o.Offset}
		if err := producer.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{o.Topic: {reached}}, o.Group); err != nil {
			return fmt.Errorf("add offsets: %w", err)
		}
	}
	switch t.End {
	case "commit":
		return producer.CommitTxn()
	case "abort":
		return producer.AbortTxn()
	}
	return nil
}
