package oracle

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What coordinators write into __consumer_offsets is read by lag monitors and user interfaces, without any API between.

func offsetsTopicScript(s *session) {
	a := s.topic("a", 2)
	s.coordinator()
	g, note := s.name("g"), "a note"
	s.ask("a commit", s.commitRequest(g, "", -1, commit{a, 0, 5, &note}, commit{a, 1, 6, nil}))
	r := s.commitRequest(g, "", -1, commit{a, 0, 7, nil})
	r.Topics[0].Partitions[0].LeaderEpoch = -1
	s.ask("another one", r)
	s.kept("offsets of nobody", g)
	m := s.name("m")
	id := s.member(m, 4)
	s.ask("a member's", s.commitRequest(m, id, 1, commit{a, 0, 8, nil}))
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.MemberID = m, id
	s.must(2, leave)
	s.kept("a group that came and went", m)
	static := s.name("s")
	s.static(static)
	s.kept("a static member", static)
}

// kept notes the records of a group.
func (s *session) kept(label, group string) {
	s.t.Helper()
	const topic = "__consumer_offsets"
	r := kmsg.NewPtrFetchRequest()
	r.ReplicaID, r.MinBytes, r.MaxBytes, r.SessionEpoch = -1, 1, 50<<20, -1
	t := kmsg.FetchRequestTopic{Topic: topic}
	for p := range s.must(9, metadataRequest(topic)).(*kmsg.MetadataResponse).Topics[0].Partitions {
		want := kmsg.NewFetchRequestTopicPartition()
		want.Partition, want.PartitionMaxBytes, want.LogStartOffset = int32(p), 1<<20, -1
		t.Partitions = append(t.Partitions, want)
	}
	r.Topics = []kmsg.FetchRequestTopic{t}
	lines := []string{}
	for _, p := range s.must(11, r).(*kmsg.FetchResponse).Topics[0].Partitions {
		for set := p.RecordBatches; len(set) > batchOverhead && len(set) >= batchOverhead+int(binary.BigEndian.Uint32(set[8:])); {
			size := batchOverhead + int(binary.BigEndian.Uint32(set[8:]))
			s.groupRecords(set[:size], group, &lines)
			set = set[size:]
		}
	}
	s.note(label, lines...)
}

// groupRecords describes the records of a group in one batch, in their order.
func (s *session) groupRecords(set []byte, group string, lines *[]string) {
	s.t.Helper()
	var b kmsg.RecordBatch
	if err := b.ReadFrom(set); err != nil || b.Attributes&0x27 != 0 {
		return
	}
	raw := b.Records
	for range b.NumRecords {
		n, width := binary.Varint(raw)
		var rec kmsg.Record
		if err := rec.ReadFrom(raw[:width+int(n)]); err != nil {
			s.t.Fatal(err)
		}
		raw = raw[width+int(n):]
		s.groupRecord(&rec, group, lines)
	}
}

func (s *session) groupRecord(rec *kmsg.Record, group string, lines *[]string) {
	if len(rec.Key) < 2 {
		return
	}
	var key, value any
	var read func([]byte) error
	switch binary.BigEndian.Uint16(rec.Key) {
	case 0, 1:
		k, v := new(kmsg.OffsetCommitKey), new(kmsg.OffsetCommitValue)
		if k.ReadFrom(rec.Key) != nil || k.Group != group {
			return
		}
		key, value, read = k, v, v.ReadFrom
	case 2:
		k, v := new(kmsg.GroupMetadataKey), new(kmsg.GroupMetadataValue)
		if k.ReadFrom(rec.Key) != nil || k.Group != group {
			return
		}
		key, value, read = k, v, v.ReadFrom
	default:
		return
	}
	at := fmt.Sprintf("Records[%d]", records(*lines))
	s.fields(at+".Key", reflect.ValueOf(key).Elem(), lines)
	if rec.Value == nil {
		*lines = append(*lines, at+".Value=null")
		return
	}
	if err := read(rec.Value); err != nil {
		*lines = append(*lines, at+".Value=unreadable: "+err.Error())
		return
	}
	s.fields(at+".Value", reflect.ValueOf(value).Elem(), lines)
}

// records counts what lines describe.
func records(lines []string) (n int) {
	for _, line := range lines {
		if strings.HasSuffix(strings.Split(line, "=")[0], ".Key.Version") {
			n++
		}
	}
	return n
}
