package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// workload is one row of the report. All use one connection, one partition and acks=1; transactions a connection for each producer, and acks=all.
type workload struct {
	name, text string
	limit      float64 // of the ratio ours/Kafka; 0: reported only
	inFlight   int
	shape      batchShape
	requests   int   // of one produce run
	perRequest bool  // the figure is microseconds a request instead of seconds a GB
	fetchBytes int32 // not 0: a fetch run of answers this size
	fill       int64 // bytes in the topic that a fetch run reads
	passes     int   // how often it reads them
	old        bool  // it asks for message format 1, which Kafka 4 does not serve any more
	producers  int   // not 0: a run of transactions, by so many producers at a time
}

func workloads() []workload {
	return []workload{
		{name: "produce-16k", text: "produce, batches of 16 x 1,000 B, 5 in flight", limit: 1.0 / 3,
			inFlight: 5, shape: batchShape{records: 16, valueBytes: 1000}, requests: 60_000},
		{name: "produce-1", text: "produce, one record of 100 B a request, 5 in flight", limit: 1.0 / 5,
			inFlight: 5, shape: batchShape{records: 1, valueBytes: 100}, requests: 120_000, perRequest: true},
		{name: "produce-1m", text: "produce, batches of 1,000 x 1,000 B, 5 in flight", limit: 0.6,
			inFlight: 5, shape: batchShape{records: 1000, valueBytes: 1000}, requests: 1_000},
		{name: "fetch-1m", text: "fetch 1 MiB, hot, one in flight", limit: 1.2,
			shape: batchShape{records: 16, valueBytes: 1000}, fetchBytes: 1 << 20, fill: 600e6, passes: 5},
		{name: "fetch-old", text: "fetch 1 MiB converted to message format 1, one in flight", limit: 0.5,
			shape: batchShape{records: 16, valueBytes: 1000}, fetchBytes: 1 << 20, fill: 600e6, passes: 3, old: true},
		{name: "produce-lz4", text: "produce, batches of 100 x 1,000 B in lz4 about 2:1, 5 in flight", limit: 0,
			inFlight: 5, shape: batchShape{records: 100, valueBytes: 1000, lz4: true}, requests: 10_000},
		{name: "transactions", text: "transactions of ten records of 100 B, 20 producers", limit: 1.0 / 3,
			shape: batchShape{records: 10, valueBytes: 100}, requests: 8_000, perRequest: true, producers: 20},
	}
}

func workloadNames() []string {
	var names []string
	for _, w := range workloads() {
		names = append(names, w.name)
	}
	return names
}

func (w *workload) fetchVersion() int16 {
	if w.old {
		return fetchOldVersion
	}
	return fetchVersion
}

func (w *workload) unit() string {
	switch {
	case w.producers > 0:
		return "us/transaction"
	case w.perRequest:
		return "us/request"
	}
	return "s/GB"
}

// measurement is one run on one side.
type measurement struct {
	cpu, client, wall time.Duration
	foreign           float64 // share of the machine that neither the broker nor this process used
	bytes, requests   int64
}

func (w *workload) figure(m measurement) float64 {
	if w.perRequest {
		return m.cpu.Seconds() * 1e6 / float64(m.requests)
	}
	return m.cpu.Seconds() * 1e9 / float64(m.bytes)
}

// prepare makes what a fetch run reads. The topic stays for all runs on that side, so that it is in the page cache.
func (w *workload) prepare(ctx context.Context, b *broker, scale float64) error {
	if w.fetchBytes == 0 {
		return nil
	}
	c, err := dial(b.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := b.createTopic(c, w.name); err != nil {
		return err
	}
	batch := encodeBatch(w.shape, time.Now().UnixMilli())
	n := int(float64(w.fill) * scale / float64(len(batch)))
	_, err = produce(ctx, c, w.name, batch, n, 5)
	return err
}

func (w *workload) cleanup(b *broker) error {
	if w.fetchBytes == 0 {
		return nil
	}
	c, err := dial(b.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return b.deleteTopic(c, w.name)
}

// run measures the workload once on one side. A produce run has a topic of its own.
func (w *workload) run(ctx context.Context, b *broker, round int, scale float64) (m measurement, err error) {
	c, err := dial(b.addr)
	if err != nil {
		return m, err
	}
	defer c.Close()
	if w.fetchBytes > 0 {
		unix.Sync()
		awaitQuiet(quietWithin)
		return measure(b.pid, func() (int64, int64, error) { return fetch(ctx, c, w.fetchVersion(), w.name, w.fetchBytes, w.passes) })
	}
	topic := fmt.Sprintf("%s-%d", w.name, round)
	if err := b.createTopic(c, topic); err != nil {
		return m, err
	}
	batch := encodeBatch(w.shape, time.Now().UnixMilli())
	n := max(int(float64(w.requests)*scale), 20)
	unix.Sync() // what earlier runs left dirty is written now and not while the clock runs
	awaitQuiet(quietWithin)
	m, err = measure(b.pid, func() (int64, int64, error) {
		if w.producers > 0 {
			return transactions(ctx, b, topic, batch, w.producers, n)
		}
		sent, err := produce(ctx, c, topic, batch, n, w.inFlight)
		return sent, int64(n), err
	})
	if err != nil {
		return m, fmt.Errorf("%s on %s: %w", w.name, b.name, err)
	}
	if err := b.deleteTopic(c, topic); err != nil {
		return m, err
	}
	time.Sleep(topicGrace + 500*time.Millisecond) // its files are gone before anything else is counted
	return m, nil
}

// measure runs the load between two looks at the kernel's accounts.
func measure(pid int, load func() (bytes, requests int64, err error)) (m measurement, err error) {
	broker, err := processCPU(pid)
	if err != nil {
		return m, err
	}
	machine, err := machineBusy()
	if err != nil {
		return m, err
	}
	client, began := ownCPU(), time.Now()
	if m.bytes, m.requests, err = load(); err != nil {
		return m, err
	}
	m.wall, m.client = time.Since(began), ownCPU()-client
	after, err := processCPU(pid)
	if err != nil {
		return m, fmt.Errorf("the broker is gone: %w", err)
	}
	m.cpu = after - broker
	busy, err := machineBusy()
	if err != nil {
		return m, err
	}
	m.foreign = max(0, (busy-machine-m.cpu-m.client).Seconds()/(m.wall.Seconds()*float64(numCPU)))
	return m, nil
}

// produce sends the same frame n times with at most inFlight unanswered, and checks every answer. When several answers
// have come at once it sends as many frames at once: the window is always full, as with a real pipelining client.
func produce(ctx context.Context, c *conn, topic string, batch []byte, n, inFlight int) (int64, error) {
	frame := produceFrame(topic, batch)
	answer, err := newProduceAnswer(topic)
	if err != nil {
		return 0, err
	}
	if err := c.deadline(5 * time.Minute); err != nil {
		return 0, err
	}
	for sent, done := 0, 0; done < n; {
		if sent < n && sent-done < inFlight {
			if err := c.send(frame); err != nil {
				return 0, fmt.Errorf("send request %d: %w", sent, err)
			}
			sent++
			continue
		}
		got, err := c.receive()
		if err != nil {
			return 0, fmt.Errorf("answer %d of %d: %w", done, n, err)
		}
		if err := answer.check(got); err != nil {
			return 0, fmt.Errorf("answer %d of %d: %w", done, n, err)
		}
		if done++; done%1000 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	return int64(n) * int64(len(batch)), nil
}

// fetch reads a topic from its start to its end, passes times, one request at a time as consumers do.
func fetch(ctx context.Context, c *conn, version int16, topic string, maxBytes int32, passes int) (bytes, requests int64, err error) {
	req, err := newFetchRequest(version, topic, maxBytes)
	if err != nil {
		return 0, 0, err
	}
	if err := c.deadline(5 * time.Minute); err != nil {
		return 0, 0, err
	}
	for range passes {
		for offset := int64(0); ; {
			if err := c.send(req.at(offset)); err != nil {
				return 0, 0, err
			}
			frame, err := c.receive()
			if err != nil {
				return 0, 0, fmt.Errorf("fetch at offset %d: %w", offset, err)
			}
			f, err := readFetched(version, frame)
			if err != nil {
				return 0, 0, fmt.Errorf("fetch at offset %d: %w", offset, err)
			}
			bytes, requests, offset = bytes+f.recordBytes, requests+1, f.nextOffset
			if offset >= f.highWatermark {
				break
			}
		}
		if ctx.Err() != nil {
			return 0, 0, ctx.Err()
		}
	}
	return bytes, requests, nil
}
