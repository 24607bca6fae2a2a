package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func testPlan() *plan {
	a, b, c := place{"t", 0}, place{"t", 1}, place{"t", 2}
	return &plan{
		leaders: map[place]int32{a: 1, b: 1, c: 2},
		starts:  map[place]int64{a: 0, b: 5, c: 7},
		ends:    map[place]int64{a: 3, b: 10, c: 7},
	}
}

func record(partition int32, offset int64) *kgo.Record {
	return &kgo.Record{Topic: "t", Partition: partition, Offset: offset}
}

func TestEndIsReachedByTheLastRecords(t *testing.T) {
	// Given two partitions with records and an empty one.
	w := newEndWatch(testPlan(), true)
	if w.reached() {
		t.Fatal("reached before anything was read")
	}
	// When the records before the ends come, then it is reached; records after the end do not belong to it.
	if !w.within(record(0, 2)) || !w.within(record(1, 8)) || w.reached() {
		t.Error("one record is still missing")
	}
	if !w.within(record(1, 9)) || w.within(record(1, 10)) || !w.reached() {
		t.Error("not reached with the last record")
	}
}

func TestEndWithoutARecordIsReachedByEmptyAnswers(t *testing.T) {
	// Given partitions whose last offsets have no record.
	w := newEndWatch(testPlan(), true)
	answer := func(node int32, key kmsg.Key) {
		w.OnBrokerE2E(kgo.BrokerMetadata{NodeID: node}, key.Int16(), kgo.BrokerE2E{})
	}
	// When the leader answers without records often enough, then it is reached; a record, another node or another request do not count.
	answer(1, kmsg.Fetch)
	answer(1, kmsg.Fetch)
	w.progress()
	for range idleFetches - 1 {
		answer(1, kmsg.Fetch)
		answer(2, kmsg.Fetch)
		answer(2, kmsg.Fetch)
		answer(1, kmsg.Metadata)
	}
	if w.reached() {
		t.Fatal("too early")
	}
	if answer(1, kmsg.Fetch); !w.reached() {
		t.Error("not reached")
	}
}

func TestEndInAGroup(t *testing.T) {
	// Given a member without partitions yet, then nothing is reached.
	w := newEndWatch(testPlan(), false)
	if w.reached() {
		t.Fatal("reached before the group assigned anything")
	}
	// When it gets partitions, one of them with its commit at the end, then only the other one is waited for.
	commits := kadm.OffsetResponses{"t": {0: {Offset: kadm.Offset{At: 3}}, 1: {Offset: kadm.Offset{At: 9}}}}
	w.add(map[string][]int32{"t": {0, 1, 2}}, commits)
	if w.reached() {
		t.Error("a record is missing")
	}
	// When that one is taken away, then nothing is left.
	if w.remove(map[string][]int32{"t": {1}}); !w.reached() {
		t.Error("not reached")
	}
	// When a member gets no partition at all, then there is nothing to wait for.
	idle := newEndWatch(testPlan(), false)
	if idle.add(nil, nil); !idle.reached() {
		t.Error("not reached without partitions")
	}
}

func TestNoEnd(t *testing.T) {
	var w *endWatch
	if !w.within(record(0, 1<<40)) {
		t.Error("everything is within")
	}
	w.remove(map[string][]int32{"t": {0}})
}
