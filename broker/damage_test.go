package broker

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/protocol/batch"
)

// logLines collects what is logged.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *logLines) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// fetchOf asks for one topic, partition by partition, and returns the error code and the records of each.
func fetchOf(t *testing.T, s *testServer, version int16, topic string, offset int64, partitions ...int32) map[int32]kmsg.FetchResponseTopicPartition {
	t.Helper()
	r := kmsg.NewPtrFetchRequest()
	r.Version, r.MaxWaitMillis, r.MinBytes, r.MaxBytes, r.SessionEpoch = version, 1, 1, 1<<20, -1
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic = topic
	for _, p := range partitions {
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = p, offset, 1<<20, -1
		rt.Partitions = append(rt.Partitions, rp)
	}
	r.Topics = append(r.Topics, rt)
	answer := dialRaw(t, s.address).ask(encodeFrame(r))
	resp := kmsg.NewPtrFetchResponse()
	resp.Version = version
	if version >= 12 {
		answer = answer[1:] // tags of the header
	}
	if err := resp.ReadFrom(answer); err != nil {
		t.Fatal(err)
	}
	out := map[int32]kmsg.FetchResponseTopicPartition{}
	for _, p := range resp.Topics[0].Partitions {
		out[p.Partition] = p
	}
	return out
}

func flipByte(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedRecordsAreAnsweredWithCorruptMessage(t *testing.T) {
	var logged logLines
	dir := t.TempDir()
	s := startServerWith(t, Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))}, dir, "sordini.log.scrub.enable", "false")
	if _, err := kadm.NewClient(s.client(t)).CreateTopic(testContext(t), 2, 1, nil, "orders"); err != nil {
		t.Fatal(err)
	}
	client := dialRaw(t, s.address)
	for range 3 {
		for partition := range int32(2) {
			r := kmsg.NewPtrProduceRequest()
			r.Version, r.Acks, r.TimeoutMillis = 9, -1, 10_000
			rt := kmsg.NewProduceRequestTopic()
			rt.Topic = "orders"
			rp := kmsg.NewProduceRequestTopicPartition()
			rp.Partition, rp.Records = partition, testBatch(t, 2, 10)
			rt.Partitions = append(rt.Partitions, rp)
			r.Topics = append(r.Topics, rt)
			client.ask(encodeFrame(r))
		}
	}
	// Given that the second batch of partition 0 has a wrong header.
	size := int64(len(testBatch(t, 2, 10)))
	path := filepath.Join(dir, "orders-0", "00000000000000000000.log")
	flipByte(t, path, size+16)
	// When old and new clients fetch it, again and again, with the other partition.
	for _, version := range []int16{0, 3, 4, 12, 12, 12} {
		got := fetchOf(t, s, version, "orders", 2, 0, 1)
		// Then they hear of damage, and get the other partition.
		if code := got[0].ErrorCode; code != kerr.CorruptMessage.Code || len(got[0].RecordBatches) != 0 {
			t.Errorf("version %d: error %d, %d bytes", version, code, len(got[0].RecordBatches))
		}
		if got[1].ErrorCode != 0 || len(got[1].RecordBatches) == 0 {
			t.Errorf("version %d: the other partition: error %d, %d bytes", version, got[1].ErrorCode, len(got[1].RecordBatches))
		}
	}
	// And the operator hears where it is, once for each of the ways that found it.
	if lines := logged.with("the log cannot be read"); len(lines) != 1 || !strings.Contains(lines[0], "00000000000000000000.log") {
		t.Errorf("%q", lines)
	}
	within(t, func() error {
		if n := s.metrics.DamageFound.Load(); n != 1 {
			return fmt.Errorf("%d places are found", n)
		}
		return nil
	})
	lines := logged.with("damaged records")
	if len(lines) != 1 {
		t.Fatalf("%q", lines)
	}
	for _, part := range []string{"topic=orders", "partition=0", dir, "segment=00000000000000000000.log", fmt.Sprint("position=", size), "first_offset=2", "next_offset=4"} {
		if !strings.Contains(lines[0], part) {
			t.Errorf("%q is not in %q", part, lines[0])
		}
	}
	// And what comes before and after is read.
	for _, offset := range []int64{0, 4} {
		if got := fetchOf(t, s, 12, "orders", offset, 0)[0]; got.ErrorCode != 0 || len(got.RecordBatches) < int(size) {
			t.Errorf("offset %d: error %d, %d bytes", offset, got.ErrorCode, len(got.RecordBatches))
		}
	}
	// Given a batch whose records are damaged, which a plain read does not look at.
	flipByte(t, path, 2*size+batch.HeaderSize+3)
	// Then an old client, whose answer is converted, hears of it.
	if got := fetchOf(t, s, 3, "orders", 4, 0)[0]; got.ErrorCode != kerr.CorruptMessage.Code {
		t.Errorf("error %d, %d bytes", got.ErrorCode, len(got.RecordBatches))
	}
}

func TestScrubRunsAndRemembers(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir, "sordini.log.scrub.interval.ms", "20")
	produce(t, s, "orders", 0, 5)
	// Given damage in the records of a quiet topic.
	flipByte(t, filepath.Join(dir, "orders-0", "00000000000000000000.log"), batch.HeaderSize+3)
	// Then the scrub finds it by itself, reads of it fail, and a restart does not forget it.
	within(t, func() error {
		if n := s.metrics.DamageFound.Load(); n != 1 {
			return fmt.Errorf("%d places are found", n)
		}
		return nil
	})
	if got := fetchOf(t, s, 12, "orders", 0, 0)[0]; got.ErrorCode != kerr.CorruptMessage.Code {
		t.Errorf("error %d", got.ErrorCode)
	}
	s.stop()
	s = startServer(t, dir, "sordini.log.scrub.enable", "false")
	if got := fetchOf(t, s, 12, "orders", 0, 0)[0]; got.ErrorCode != kerr.CorruptMessage.Code {
		t.Errorf("after a restart: error %d", got.ErrorCode)
	}
	if places := s.replicas.Get("orders", 0).Log().Damaged(); len(places) != 1 {
		t.Error(places)
	}
}
