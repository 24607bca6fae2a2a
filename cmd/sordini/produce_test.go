package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// drain reads a source to its end and shows each record as key=value, with ~ for null.
func drain(t *testing.T, source recordSource) (texts []string, err error) {
	t.Helper()
	show := func(b []byte) string {
		if b == nil {
			return "~"
		}
		return string(b)
	}
	for {
		r, err := source()
		if errors.Is(err, io.EOF) {
			return texts, nil
		}
		if err != nil {
			return texts, err
		}
		texts = append(texts, show(r.Key)+"="+show(r.Value))
	}
}

func TestRecordSources(t *testing.T) {
	for _, c := range []struct {
		name      string
		flags     produceFlags
		in        string
		want, err string
	}{
		{"lines", produceFlags{}, "a\n\nb\r\nc", "~=a|~=|~=b\r|~=c", ""},
		{"nothing", produceFlags{}, "", "", ""},
		{"one key", produceFlags{key: "k", hasKey: true}, "a\nb\n", "k=a|k=b", ""},
		{"keys", produceFlags{keySeparator: ":", hasSep: true}, "k:v\nk:\n:v\nk:v:w\n", "k=v|k=|=v|k=v:w", ""},
		{"tab", produceFlags{keySeparator: `\t`, hasSep: true}, "k\tv\n", "k=v", ""},
		{"no separator", produceFlags{keySeparator: ":", hasSep: true}, "k:v\nw\n", "k=v", `line 2 has no key separator ":"`},
		{"value", produceFlags{value: "", hasValue: true}, "not read", "~=", ""},
		{"tombstone", produceFlags{key: "k", hasKey: true, tombstone: true}, "not read", "k=~", ""},
		{"json", produceFlags{json: true}, "{\"key\":\"k\",\"value\":null}\n\n{\"value\":\"v\"}", "k=~|~=v", ""},
		{"bad json", produceFlags{json: true}, "{\"value\":\"v\"}\n{", "~=v", "line 2: the JSON object does not end"},
	} {
		if err := c.flags.check(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		filled, err := c.flags.template(testNow)
		if err != nil {
			t.Fatal(err)
		}
		texts, err := drain(t, c.flags.source(strings.NewReader(c.in), filled))
		if got := strings.Join(texts, "|"); got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
	}
}

func TestFill(t *testing.T) {
	topics := kadm.TopicDetails{"t": {Topic: "t", Partitions: kadm.PartitionDetails{0: {}, 1: {}}}}
	flags := &produceFlags{headers: []string{"a=1=2"}, timestamp: "5", partition: -1}
	filled, err := flags.template(testNow)
	if err != nil {
		t.Fatal(err)
	}
	// Given a record from JSON that was elsewhere, when it is filled, then its place and time are those of the flags and its headers are kept.
	p := &producing{flags: flags, template: filled, topic: "t", topics: topics}
	r := &kgo.Record{Topic: "other", Partition: 9, Timestamp: time.UnixMilli(1), Headers: []kgo.RecordHeader{{Key: "h"}}}
	if err := p.fill(r); err != nil || r.Topic != "t" || r.Partition != -1 || r.Timestamp.UnixMilli() != 5 || len(r.Headers) != 2 || string(r.Headers[1].Value) != "1=2" {
		t.Errorf("got %+v, %v", r, err)
	}
	// Given no topic on the command line, then the record's is taken, and must be there.
	p.topic = ""
	flags.keepPartition = true
	for _, c := range []struct {
		record kgo.Record
		code   int
	}{
		{kgo.Record{Topic: "t", Partition: 1}, 0},
		{kgo.Record{Topic: "t", Partition: 2}, exitNotFound},
		{kgo.Record{Topic: "t", Partition: -1}, exitFailed},
		{kgo.Record{Topic: "tt", Partition: 1}, exitNotFound},
		{kgo.Record{Partition: 1}, exitFailed},
	} {
		if err := p.fill(&c.record); endCode(err) != c.code {
			t.Errorf("%s %d: %v", c.record.Topic, c.record.Partition, err)
		}
	}
}

func TestDeliveriesThatDoNotMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Given a record that was acknowledged and a long wait for input after it, then nothing has stalled.
		d := &deliveries{}
		ctx, stop := d.watch(context.Background(), time.Minute)
		defer stop()
		d.deliver(1)(record(0, 0), nil)
		time.Sleep(time.Hour)
		if ctx.Err() != nil {
			t.Fatal("stalled without a record that waits")
		}
		// When records wait and others are still acknowledged, then it goes on; when none is, then it ends.
		second, third := d.deliver(2), d.deliver(3)
		time.Sleep(50 * time.Second)
		second(record(0, 1), nil)
		time.Sleep(50 * time.Second)
		if ctx.Err() != nil {
			t.Fatal("stalled while records were acknowledged")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if ctx.Err() == nil {
			t.Fatal("it waits for ever")
		}
		// Then the error is not the cancellation but the reason for it.
		third(record(0, 2), ctx.Err())
		err := d.result(&client{seeds: []string{"localhost:9092"}, dials: &dialRecord{}}, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "2 records written, 1 failed, record 3 first: no answer in time") {
			t.Errorf("got %v", err)
		}
	})
}
