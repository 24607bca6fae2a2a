// Command agent does with segmentio's kafka-go what the harness asks for; see goagent. Settings stay at kafka-go's
// defaults unless a scenario depends on them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/sordini/sordini/compat-tests/harness/goagent"
)

// callTimeout bounds a synchronous call.
const callTimeout = 30 * time.Second

func main() {
	if len(os.Args) != 2 {
		goagent.Die(errors.New("usage: agent HOST:PORT"))
	}
	goagent.Serve(&client{addr: os.Args[1]})
}

type client struct{ addr string }

// Info: kafka-go has no idempotent producer and no transactional one.
func (c *client) Info() goagent.Info {
	return goagent.Info{
		"codecs":  []string{"none", "gzip", "snappy", "lz4", "zstd"},
		"headers": true, "timestamps": true, "binary": true, "bulky": true,
	}
}

var codecs = map[string]kafka.Compression{"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}

var acks = map[string]kafka.RequiredAcks{"0": kafka.RequireNone, "1": kafka.RequireOne, "all": kafka.RequireAll}

// byRecord sends a record where its WriterData says.
func byRecord(m kafka.Message, _ ...int) int { return m.WriterData.(target).partition }

// target is what a message carries through the writer.
type target struct {
	partition int
	done      func(error)
}

func (c *client) writer(acksName string) *kafka.Writer {
	return &kafka.Writer{
		Transport:              &kafka.Transport{}, // the one that all writers share hands out connections that ended with a broker
		Addr:                   kafka.TCP(c.addr),
		Balancer:               kafka.BalancerFunc(byRecord),
		RequiredAcks:           acks[acksName],
		BatchTimeout:           5 * time.Millisecond, // the default of 1 s is the time of a synchronous write
		AllowAutoTopicCreation: true,
		ErrorLogger:            kafka.LoggerFunc(complain),
	}
}

func complain(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func message(topic string, r goagent.Record, done func(error)) kafka.Message {
	m := kafka.Message{Topic: topic, Key: r.Key, Value: r.Value, Time: r.Time(), WriterData: target{int(r.Partition), done}}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, kafka.Header{Key: h.Name, Value: h.Value})
	}
	return m
}

func record(m kafka.Message) goagent.Record {
	r := goagent.Record{Partition: int32(m.Partition), Offset: m.Offset, Timestamp: m.Time.UnixMilli(), Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, goagent.Header{Name: h.Key, Value: h.Value})
	}
	return r
}

func (c *client) Produce(p goagent.Produce) error {
	w := c.writer(p.Acks)
	w.Compression = codecs[p.Codec]
	var messages []kafka.Message
	for _, r := range p.Records {
		messages = append(messages, message(p.Topic, r, nil))
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	return errors.Join(w.WriteMessages(ctx, messages...), w.Close())
}

func (c *client) reader(topic string, partition int, offset int64) (*kafka.Reader, error) {
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{c.addr}, Topic: topic, Partition: partition,
		MaxWait: 50 * time.Millisecond, MaxBytes: 10 << 20, ErrorLogger: kafka.LoggerFunc(complain),
	})
	return r, r.SetOffset(offset)
}

func (c *client) Fetch(f goagent.Fetch) ([]goagent.Record, error) {
	r, err := c.reader(f.Topic, int(f.Partition), f.Offset)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(f.TimeoutMs)*time.Millisecond)
	defer cancel()
	var records []goagent.Record
	for len(records) < f.Count {
		m, err := r.ReadMessage(ctx)
		switch {
		case ctx.Err() != nil:
			return records, nil
		case err != nil:
			return records, err
		}
		records = append(records, record(m))
	}
	return records, nil
}

func (c *client) Offsets(topic string, partition int32, timestamp int64) (o goagent.Offsets, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	conn, err := kafka.DialLeader(ctx, "tcp", c.addr, topic, int(partition))
	if err != nil {
		return o, err
	}
	defer conn.Close()
	if o.First, o.End, err = conn.ReadOffsets(); err != nil {
		return o, err
	}
	o.ByTime, err = conn.ReadOffset(time.UnixMilli(timestamp))
	return o, err
}

// sender is an asynchronous writer that retries for as long as it takes.
type sender struct{ writer *kafka.Writer }

func (c *client) Sender() (goagent.Sender, error) {
	w := c.writer("all")
	w.Async = true
	w.MaxAttempts = 100_000
	w.WriteBackoffMax = 200 * time.Millisecond
	w.Completion = func(messages []kafka.Message, err error) {
		for _, m := range messages {
			m.WriterData.(target).done(err)
		}
	}
	return &sender{w}, nil
}

func (s *sender) Send(topic string, r goagent.Record, done func(error)) {
	if err := s.writer.WriteMessages(context.Background(), message(topic, r, done)); err != nil {
		done(err)
	}
}

func (s *sender) Close() error { return s.writer.Close() }
