// Command agent does with Sarama what the harness asks for; see goagent. Settings stay at Sarama's defaults unless a
// scenario depends on them, but for the one that this lane is about: config.Version, the Kafka that Sarama believes to
// speak to.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/IBM/sarama"

	"github.com/sordini/sordini/compat-tests/harness/goagent"
)

func main() {
	if len(os.Args) != 3 {
		goagent.Die(fmt.Errorf("usage: agent KAFKA-VERSION HOST:PORT"))
	}
	version, err := sarama.ParseKafkaVersion(os.Args[1])
	if err != nil {
		goagent.Die(err)
	}
	if level := os.Getenv("CLIENT_LOG"); level == "debug" || level == "info" {
		sarama.Logger = logger{}
	}
	goagent.Serve(&client{version: version, addrs: []string{os.Args[2]}})
}

// logger sends what Sarama has to say to stderr: stdout belongs to the answers.
type logger struct{}

func (logger) Print(v ...any)            { fmt.Fprint(os.Stderr, v...) }
func (logger) Printf(f string, v ...any) { fmt.Fprintf(os.Stderr, f, v...) }
func (logger) Println(v ...any)          { fmt.Fprintln(os.Stderr, v...) }

type client struct {
	version sarama.KafkaVersion
	addrs   []string
}

func (c *client) atLeast(v sarama.KafkaVersion) bool { return c.version.IsAtLeast(v) }

// Info: Sarama refuses by itself what its version does not have.
func (c *client) Info() goagent.Info {
	codecs := []string{"none", "gzip", "snappy"}
	if c.atLeast(sarama.V0_10_0_0) {
		codecs = append(codecs, "lz4")
	}
	if c.atLeast(sarama.V2_1_0_0) {
		codecs = append(codecs, "zstd")
	}
	return goagent.Info{
		"codecs":       codecs,
		"headers":      c.atLeast(sarama.V0_11_0_0),
		"timestamps":   c.atLeast(sarama.V0_10_0_0),
		"timeless":     !c.atLeast(sarama.V0_10_0_0),
		"idempotent":   c.atLeast(sarama.V0_11_0_0),
		"noTimeQuery":  !c.atLeast(sarama.V0_10_1_0),
		"transactions": c.atLeast(sarama.V0_11_0_0),
		"admin":        c.adminOps(),
		"groupless":    !c.atLeast(sarama.V0_10_2_0),
		"nulls":        true,
		"binary":       true,
		"bulky":        true,
	}
}

func (c *client) config() *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = "sarama"
	config.Version = c.version
	config.Consumer.MaxWaitTime = 50 * time.Millisecond
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	return config
}

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

var acks = map[string]sarama.RequiredAcks{"0": sarama.NoResponse, "1": sarama.WaitForLocal, "all": sarama.WaitForAll}

func (c *client) producerConfig(codec, acksName string) *sarama.Config {
	config := c.config()
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Compression = codecs[codec]
	config.Producer.RequiredAcks = acks[acksName]
	config.Producer.Return.Successes = true
	if acksName == "all" && c.atLeast(sarama.V0_11_0_0) {
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1 // Sarama insists
	}
	return config
}

func message(topic string, r goagent.Record) *sarama.ProducerMessage {
	m := &sarama.ProducerMessage{Topic: topic, Partition: r.Partition, Timestamp: r.Time()}
	if r.Key != nil {
		m.Key = sarama.ByteEncoder(r.Key)
	}
	if r.Value != nil {
		m.Value = sarama.ByteEncoder(r.Value)
	}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, sarama.RecordHeader{Key: []byte(h.Name), Value: h.Value})
	}
	return m
}

func record(m *sarama.ConsumerMessage) goagent.Record {
	r := goagent.Record{Partition: m.Partition, Offset: m.Offset, Timestamp: -1, Key: m.Key, Value: m.Value}
	if !m.Timestamp.IsZero() {
		r.Timestamp = m.Timestamp.UnixMilli()
	}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, goagent.Header{Name: string(h.Key), Value: h.Value})
	}
	return r
}

func (c *client) Produce(p goagent.Produce) error {
	producer, err := sarama.NewSyncProducer(c.addrs, c.producerConfig(p.Codec, p.Acks))
	if err != nil {
		return err
	}
	var messages []*sarama.ProducerMessage
	for _, r := range p.Records {
		messages = append(messages, message(p.Topic, r))
	}
	if err := producer.SendMessages(messages); err != nil {
		return err
	}
	return producer.Close()
}

func (c *client) Fetch(f goagent.Fetch) ([]goagent.Record, error) {
	config := c.config()
	if f.Isolation == "read_committed" {
		config.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	consumer, err := sarama.NewConsumer(c.addrs, config)
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(f.Topic, f.Partition, f.Offset)
	if err != nil {
		return nil, err
	}
	defer partition.AsyncClose()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(f.TimeoutMs)*time.Millisecond)
	defer cancel()
	var records []goagent.Record
	for len(records) < f.Count {
		select {
		case m := <-partition.Messages():
			records = append(records, record(m))
		case err := <-partition.Errors():
			return records, err
		case <-ctx.Done():
			return records, nil
		}
	}
	return records, nil
}

func (c *client) Offsets(topic string, partition int32, timestamp int64) (o goagent.Offsets, err error) {
	cl, err := sarama.NewClient(c.addrs, c.config())
	if err != nil {
		return o, err
	}
	defer cl.Close()
	if o.First, err = cl.GetOffset(topic, partition, sarama.OffsetOldest); err != nil {
		return o, err
	}
	if o.End, err = cl.GetOffset(topic, partition, sarama.OffsetNewest); err != nil || !c.atLeast(sarama.V0_10_1_0) {
		return o, err
	}
	o.ByTime, err = cl.GetOffset(topic, partition, timestamp)
	return o, err
}
