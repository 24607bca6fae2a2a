package harness

import (
	"fmt"
	"strconv"
	"testing"
	"time"
)

// Administrator is a Client with an admin client beside it.
type Administrator interface {
	// AdminTopics creates the topic with 3 partitions and retention.ms=123456789, looks at it in every way there is, and
	// deletes it.
	AdminTopics(t testing.TB, topic string) TopicFacts
	// AdminGroup lists and describes a group.
	AdminGroup(t testing.TB, group string) GroupFacts
}

// TopicFacts are what an admin client saw of a topic.
type TopicFacts struct {
	Partitions             int    `json:"partitions"`
	Leaders                int    `json:"leaders"` // partitions that have one
	Listed                 bool   `json:"listed"`
	RetentionMs            string `json:"retentionMs"`
	RetentionIsDefault     bool   `json:"retentionIsDefault"`
	CleanupPolicy          string `json:"cleanupPolicy"`
	CleanupPolicyIsDefault bool   `json:"cleanupPolicyIsDefault"`
	Nodes                  int    `json:"nodes"`
	BrokerPartitions       string `json:"brokerPartitions"` // the broker's num.partitions
	ListedAfterDelete      bool   `json:"listedAfterDelete"`
}

// GroupFacts are what an admin client saw of a group.
type GroupFacts struct {
	Listed    bool   `json:"listed"`
	State     string `json:"state"`
	Members   int    `json:"members"`
	Held      int    `json:"held"` // partitions, by all members
	Assignor  string `json:"assignor"`
	Committed int    `json:"committed"` // the sum of the offsets
}

func needsAdmin(_ testing.TB, _ *Broker, c Client) (verdict, why string) {
	if !c.Features().AdminTopics && len(c.Features().Admin) == 0 {
		return Absent, "has no admin client"
	}
	return "", ""
}

// adminStep: what an operator's tool does with topics, configs and, where the client can, groups.
func adminStep(t *testing.T, b *Broker, _ Version, c Client) string {
	if len(c.Features().Admin) > 0 {
		return adminCalls(t, b, c)
	}
	administrator := c.(Administrator)
	facts := administrator.AdminTopics(t, c.Name()+"-made-by-admin")
	want := TopicFacts{Partitions: 3, Leaders: 3, Listed: true, RetentionMs: "123456789", CleanupPolicy: "delete",
		CleanupPolicyIsDefault: true, Nodes: 1, BrokerPartitions: "4"}
	if b.Target != "sordini" {
		want.CleanupPolicyIsDefault = facts.CleanupPolicyIsDefault // Kafka does not always know in DescribeConfigs 0
	}
	if facts != want {
		t.Errorf("%s saw of its topic %+v, want %+v", c.Name(), facts, want)
	}
	if !c.Features().AdminGroups {
		return "topics and configs"
	}

	topic, group := c.Name()+"-described", c.Name()+"-described-group"
	settle(t, b, topic)
	var records []Record
	for p := range int32(4) {
		records = append(records, Record{Partition: p, Timestamp: TimestampNow, Key: []byte("k"), Value: []byte(strconv.Itoa(int(p)))})
	}
	c.Produce(t, ProduceArgs{Topic: topic, Codec: "none", Acks: "all", Records: records})
	member := c.Join(t, group, topic, 0)
	seen := newTally(topic)
	eventually(t, b, "the member has all records", 30*time.Second, func() (bool, string) {
		seen.add(member.Take(t))
		return len(seen.values) == len(records), fmt.Sprint(len(seen.values))
	})
	member.Commit(t)
	if got, want := administrator.AdminGroup(t, group), (GroupFacts{Listed: true, State: "Stable", Members: 1, Held: 4, Assignor: "range", Committed: 4}); got != want {
		t.Errorf("%s saw of a group with a member %+v, want %+v", c.Name(), got, want)
	}
	member.Leave(t)
	if got, want := administrator.AdminGroup(t, group), (GroupFacts{Listed: true, State: "Empty", Committed: 4}); got != want {
		t.Errorf("%s saw of a group that was left %+v, want %+v", c.Name(), got, want)
	}
	return "topics, configs and groups"
}
