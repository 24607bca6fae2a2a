package image

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sordini/sordini/controller/record"
)

func apply(t *testing.T, base *Image, records ...record.Record) *Delta {
	t.Helper()
	d := NewDelta(base)
	for _, r := range records {
		if err := d.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func topicRecords(name string, id byte, partitions int) []record.Record {
	rs := []record.Record{&record.Topic{Name: name, ID: TopicID{id}}}
	for i := range partitions {
		rs = append(rs, &record.Partition{TopicID: TopicID{id}, Index: int32(i), Leader: 1,
			Replicas: []int32{1, 2}, ISR: []int32{1}})
	}
	return rs
}

func config(topic, name, value string) *record.Config {
	return &record.Config{ResourceType: int8(ResourceTopic), ResourceName: topic, Name: name, Value: &value}
}

func encoded(i *Image) []byte { return record.AppendList(nil, slices.Collect(i.Records())) }

func TestAnOldImageNeverChanges(t *testing.T) {
	// Given an image with a topic that has partitions and a config,
	old := apply(t, Empty(), append(topicRecords("a", 1, 2), config("a", "x", "1"))...).Image()
	before := encoded(old)
	// when everything in it is changed or removed,
	d := apply(t, old,
		&record.PartitionChange{TopicID: TopicID{1}, Index: 1, SetLeader: true, Leader: 2, ISR: []int32{2}},
		config("a", "x", "2"), config("a", "y", "3"))
	next := apply(t, d.Image(), &record.RemoveTopic{TopicID: TopicID{1}}).Image()
	// then the old image is as it was.
	if !bytes.Equal(encoded(old), before) {
		t.Fatal("the old image has changed")
	}
	if p := old.Partition("a", 1); p.Leader != 1 || p.LeaderEpoch != 0 {
		t.Fatalf("old partition %+v", p)
	}
	if p := d.Image().Partition("a", 1); p.Leader != 2 || p.LeaderEpoch != 1 || p.PartitionEpoch != 1 || !slices.Equal(p.ISR, []int32{2}) {
		t.Fatalf("new partition %+v", p)
	}
	if next.TopicCount() != 0 || next.PartitionCount() != 0 || next.Configs(ResourceTopic, "a") != nil {
		t.Fatal("the topic has not gone with everything")
	}
}

func TestDeltaTellsWhatChanged(t *testing.T) {
	base := apply(t, Empty(), slices.Concat(topicRecords("gone", 1, 1), topicRecords("same", 2, 1),
		topicRecords("moved", 3, 1), topicRecords("again", 4, 1), []record.Record{config("again", "x", "1")})...).Image()
	d := apply(t, base, slices.Concat(
		[]record.Record{&record.RemoveTopic{TopicID: TopicID{1}}, &record.RemoveTopic{TopicID: TopicID{4}}},
		topicRecords("again", 5, 2), topicRecords("brief", 6, 1),
		[]record.Record{&record.RemoveTopic{TopicID: TopicID{6}},
			&record.PartitionChange{TopicID: TopicID{3}, SetLeader: true, Leader: 2},
			&record.RegisterBroker{BrokerID: 7, Listeners: []record.Listener{{Name: "P", Host: "h", Port: 1}}}},
	)...)
	var got []string
	for _, c := range d.CreatedTopics() {
		got = append(got, fmt.Sprintf("+%s/%d", c.Name, c.ID[0]))
	}
	for _, c := range d.DeletedTopics() {
		got = append(got, fmt.Sprintf("-%s/%d", c.Name, c.ID[0]))
	}
	for _, c := range d.ChangedTopics() {
		got = append(got, fmt.Sprintf("~%s %d>%d", c.Before.Name, c.Before.Partitions[0].Leader, c.After.Partitions[0].Leader))
	}
	want := []string{"+again/5", "-again/4", "-gone/1", "~moved 1>2"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if !slices.Equal(d.ChangedBrokers(), []int32{7}) || !slices.Equal(d.ChangedConfigs(), []Resource{{ResourceTopic, "again"}}) {
		t.Fatalf("brokers %v configs %v", d.ChangedBrokers(), d.ChangedConfigs())
	}
}

func TestImageComesBackFromItsRecords(t *testing.T) {
	img := apply(t, Empty(), slices.Concat(
		[]record.Record{&record.Cluster{ClusterID: "c"}, &record.ProducerIDs{Next: 2000},
			&record.RegisterBroker{BrokerID: 2, BrokerEpoch: 9, Fenced: true, Listeners: []record.Listener{{Name: "P", Port: 1}}},
			&record.RegisterBroker{BrokerID: 1, BrokerEpoch: 8}},
		topicRecords("b.c", 1, 3), topicRecords("a", 2, 1),
		[]record.Record{config("a", "y", "1"), config("a", "x", "2"),
			&record.PartitionChange{TopicID: TopicID{1}, Index: 2, SetLeader: true, Leader: record.NoLeader}})...).Image()
	again := apply(t, Empty(), slices.Collect(img.Records())...).Image()
	if !bytes.Equal(encoded(img), encoded(again)) || again.PartitionCount() != 4 {
		t.Fatalf("%x and %x", encoded(img), encoded(again))
	}
	if name, ok := again.CollidingTopic("b_c"); !ok || name != "b.c" {
		t.Fatalf("collides with %q", name)
	}
	if _, ok := again.CollidingTopic("a"); ok {
		t.Fatal("a name without '.' and '_' cannot collide")
	}
}

func TestImpossibleRecordsAreErrors(t *testing.T) {
	base := apply(t, Empty(), append(topicRecords("a", 1, 1), &record.Cluster{ClusterID: "c"},
		&record.ProducerIDs{Next: 10}, &record.RegisterBroker{BrokerID: 1, BrokerEpoch: 5})...).Image()
	for _, r := range []record.Record{
		&record.Cluster{ClusterID: "d"}, &record.Topic{Name: "a", ID: TopicID{9}}, &record.Topic{Name: "b", ID: TopicID{1}},
		&record.Topic{ID: TopicID{3}}, &record.Partition{TopicID: TopicID{9}, Replicas: []int32{1}},
		&record.Partition{TopicID: TopicID{1}, Index: 2, Replicas: []int32{1}}, &record.Partition{TopicID: TopicID{1}, Index: 1},
		&record.Partition{TopicID: TopicID{1}, Index: -1, Replicas: []int32{1}},
		&record.PartitionChange{TopicID: TopicID{1}, Index: 1}, &record.PartitionChange{TopicID: TopicID{9}},
		&record.RemoveTopic{TopicID: TopicID{9}}, &record.ProducerIDs{Next: 9},
		&record.FenceBroker{BrokerID: 1, BrokerEpoch: 4}, &record.FenceBroker{BrokerID: 2}, &record.UnregisterBroker{BrokerID: 2},
	} {
		if err := NewDelta(base).Apply(r); !errors.Is(err, ErrImpossible) {
			t.Errorf("%#v: %v", r, err)
		}
	}
}

func BenchmarkLoad10000Topics(b *testing.B) {
	var rs []record.Record
	for i := range 10_000 {
		id := TopicID{byte(i >> 8), byte(i), 1}
		rs = append(rs, &record.Topic{Name: fmt.Sprintf("topic-%d", i), ID: id},
			&record.Partition{TopicID: id, Leader: 1, Replicas: []int32{1}, ISR: []int32{1}})
	}
	list := record.AppendList(nil, rs)
	for b.Loop() {
		decoded, err := record.DecodeList(list)
		if err != nil {
			b.Fatal(err)
		}
		d := NewDelta(Empty())
		for _, r := range decoded {
			if err := d.Apply(r); err != nil {
				b.Fatal(err)
			}
		}
	}
}
