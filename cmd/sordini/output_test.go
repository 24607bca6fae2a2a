package main

import (
	"bytes"
	"testing"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
)

// everyOutput prints the same on a terminal, in a pipe and as JSON, and compares with testdata/NAME-*.
func everyOutput(t *testing.T, name string, print func(o *output) error) {
	t.Helper()
	for _, c := range []struct {
		suffix         string
		terminal, json bool
	}{{"-terminal.txt", true, false}, {"-pipe.txt", false, false}, {".json", false, true}} {
		var out bytes.Buffer
		if err := print(&output{w: &out, terminal: c.terminal, json: c.json}); err != nil {
			t.Fatal(err)
		}
		golden(t, name+c.suffix, out.String())
	}
}

func testTopics() kadm.TopicDetails {
	partition := func(topic string, n, leader int32, isr ...int32) kadm.PartitionDetail {
		return kadm.PartitionDetail{Topic: topic, Partition: n, Leader: leader, LeaderEpoch: 4, Replicas: []int32{1, 2, 3}, ISR: isr}
	}
	return kadm.TopicDetails{
		"orders": {Topic: "orders", ID: kadm.TopicID{1, 2, 3, 0xff}, Partitions: kadm.PartitionDetails{
			0: partition("orders", 0, 1, 1, 2, 3), 1: partition("orders", 1, 2, 2), 2: partition("orders", 2, -1),
		}},
		"a":                  {Topic: "a", Partitions: kadm.PartitionDetails{0: partition("a", 0, 1, 1, 2, 3)}},
		"__consumer_offsets": {Topic: "__consumer_offsets", IsInternal: true},
	}
}

func TestTopicListOutput(t *testing.T) {
	everyOutput(t, "topic-list", func(o *output) error { return listTopics(o, testTopics(), false) })
	var out bytes.Buffer
	if err := listTopics(&output{w: &out}, testTopics(), true); err != nil || !bytes.Contains(out.Bytes(), []byte("__consumer_offsets")) {
		t.Errorf("--internal: %q, %v", out.String(), err)
	}
}

func testDescription() []topicDescription {
	offsets := kadm.ListedOffsets{"orders": {
		0: {Topic: "orders", Partition: 0, Offset: 1234567}, 1: {Topic: "orders", Partition: 1, Offset: 9},
	}}
	value := "86400000"
	d := topicDescription{Name: "orders", ID: "AQID_wAAAAAAAAAAAAAAAA", ReplicationFactor: 3, Configs: describeConfigs([]kadm.Config{
		{Key: "retention.ms", Value: &value, Source: 1}, {Key: "cleanup.policy", Source: 5, Sensitive: true},
	})}
	for _, p := range testTopics()["orders"].Partitions.Sorted() {
		d.Partitions = append(d.Partitions, describePartition(p, offsets, offsets))
	}
	return []topicDescription{d}
}

func TestTopicDescribeOutput(t *testing.T) {
	everyOutput(t, "topic-describe", func(o *output) error { return printTopics(o, testDescription(), false) })
	err := checkTopics(testDescription())
	if endCode(err) != exitUnhealthy || err.Error() != "not healthy: orders partition 1: 1 of 3 in sync; orders partition 2: no leader" {
		t.Errorf("--check: %v", err)
	}
	healthy := testDescription()
	healthy[0].Partitions = healthy[0].Partitions[:1]
	if err := checkTopics(healthy); err != nil {
		t.Errorf("--check of a healthy topic: %v", err)
	}
}

func testGroup() groupDescription {
	g := groupDescription{
		Name: "bill\ting", Type: "classic", State: "Stable", ProtocolType: "consumer", Assignor: "range", Coordinator: 1, Partitions: []groupPartition{},
		Members: []groupMember{
			{MemberID: "m-1", ClientID: "shop", Host: "/127.0.0.1", Assignment: []topicPartitions{{"orders", []int32{0, 1}}}},
			{MemberID: "m-2", ClientID: "idle", Host: "/127.0.0.1", Assignment: []topicPartitions{}},
		},
	}
	g.measure(
		kadm.OffsetResponses{"orders": {
			0: {Offset: kadm.Offset{Topic: "orders", Partition: 0, At: 90, Metadata: "note"}},
			2: {Offset: kadm.Offset{Topic: "orders", Partition: 2, At: 50}},
			3: {Offset: kadm.Offset{Topic: "orders", Partition: 3, At: -1}},
		}, "gone": {0: {Offset: kadm.Offset{Topic: "gone", At: 5}}}},
		kadm.ListedOffsets{"orders": {0: {Offset: 100}, 1: {Offset: 7}, 2: {Offset: 45}}},
	)
	return g
}

func TestGroupDescribeOutput(t *testing.T) {
	everyOutput(t, "group-describe", func(o *output) error { return printGroups(o, []groupDescription{testGroup()}) })
	if err := checkLag([]groupDescription{testGroup()}, 9); endCode(err) != exitUnhealthy {
		t.Errorf("--max-lag 9: %v", err)
	}
	if err := checkLag([]groupDescription{testGroup()}, 10); err != nil {
		t.Errorf("--max-lag 10: %v", err)
	}
}

func TestGroupListOutput(t *testing.T) {
	groups := kadm.ListedGroups{
		"billing": {Group: "billing", State: "Stable", ProtocolType: "consumer", Coordinator: 1},
		"\x1b[2J": {Group: "\x1b[2J", Coordinator: 2},
	}
	everyOutput(t, "group-list", func(o *output) error { return listGroups(o, groups) })
}

func TestTopicCreateOutput(t *testing.T) {
	created := []createdTopic{{Name: "a", Partitions: 1, ReplicationFactor: 3, Created: true}, {Name: "b", Exists: true}, {Name: "c", Error: "INVALID_CONFIG"}, {Name: "old"}}
	everyOutput(t, "topic-create", func(o *output) error {
		if o.json {
			return o.document(created)
		}
		return printCreated(o, created, o.terminal)
	})
}

// Everything that can be typed shows how.
func TestEveryCommandHasAnExample(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Example == "" || cmd.Short == "" || cmd.Args == nil {
			t.Errorf("%s lacks an example, a description or a check of its arguments", cmd.CommandPath())
		}
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(newRootCommand())
}
