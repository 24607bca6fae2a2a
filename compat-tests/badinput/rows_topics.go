package badinput

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func metadataRows() []row {
	named := func(name string) func(*env) kmsg.Request {
		return func(*env) kmsg.Request {
			r := metadataRequest(9, name)
			r.AllowAutoTopicCreation = true
			return r
		}
	}
	byID := func(version int16, id [16]byte) func(*env) kmsg.Request {
		return func(*env) kmsg.Request {
			t := kmsg.NewMetadataRequestTopic()
			t.TopicID = id
			r := metadataRequest(version)
			r.Topics = append(r.Topics, t)
			return r
		}
	}
	return []row{
		request("name with a slash", "Topics 17", named("no/where")),
		request("name of 250 letters", "Topics 17", named(strings.Repeat("a", 250))),
		request("name of 249 letters, absent", "Topics 3 | Topics 5 | ok", named(strings.Repeat("b", 249))),
		request("name .", "Topics 17", named(".")),
		request("name ..", "Topics 17", named("..")),
		request("empty name", "Topics 17", named("")),
		request("unknown, not to be created", "Topics 3", func(*env) kmsg.Request {
			r := metadataRequest(9, "nowhere")
			r.AllowAutoTopicCreation = false
			return r
		}),
		request("unknown id", "Topics 100", byID(12, [16]byte{7, 7, 7})),
		// The schema of 10 and 11 has ids, the releases that spoke them did not serve them.
		request("id in v10", "Topics 42 | top 42 | Topics 100", byID(10, [16]byte{7, 7, 7})),
		request("empty name in v12", "Topics 17 | Topics 42", named12("")),
	}
}

func named12(name string) func(*env) kmsg.Request {
	return func(*env) kmsg.Request { return metadataRequest(12, name) }
}

func createTopicsRows() []row {
	create := func(edit func(*kmsg.CreateTopicsRequestTopic)) func(e *env) kmsg.Request {
		return func(e *env) kmsg.Request {
			t := creatable(e.newName("made"), 1, 1)
			edit(&t)
			return createRequest(5, t)
		}
	}
	named := func(name string) func(e *env) kmsg.Request {
		return create(func(t *kmsg.CreateTopicsRequestTopic) { t.Topic = name })
	}
	counts := func(partitions int32, replicas int16) func(e *env) kmsg.Request {
		return create(func(t *kmsg.CreateTopicsRequestTopic) { t.NumPartitions, t.ReplicationFactor = partitions, replicas })
	}
	configured := func(name, value string) func(e *env) kmsg.Request {
		return create(func(t *kmsg.CreateTopicsRequestTopic) { t.Configs = append(t.Configs, topicConfig(name, value)) })
	}
	assigned := func(a ...kmsg.CreateTopicsRequestTopicReplicaAssignment) func(e *env) kmsg.Request {
		return create(func(t *kmsg.CreateTopicsRequestTopic) {
			t.NumPartitions, t.ReplicationFactor, t.ReplicaAssignment = -1, -1, a
		})
	}
	return []row{
		request("name with a slash", "Topics 17", named("no/where")),
		request("name with a blank", "Topics 17", named("no where")),
		request("empty name", "Topics 17", named("")),
		request("name .", "Topics 17", named(".")),
		request("name of 250 letters", "Topics 17", named(strings.Repeat("a", 250))),
		row{name: "name that collides", want: "Topics 17", send: func(e *env, _ *conn) []byte {
			name := e.newName("with.dot")
			if got := codes(e.must(createRequest(5, creatable(name, 1, 1)))); got != ok {
				e.t.Errorf("create %s: %s", name, got)
			}
			return frameOf(createRequest(5, creatable(strings.ReplaceAll(name, ".", "_"), 1, 1)), rowID)
		}},
		request("exists", "Topics 36", func(e *env) kmsg.Request { return createRequest(5, creatable(e.plain, 1, 1)) }),
		request("exists, only to be checked", "Topics 36", func(e *env) kmsg.Request {
			r := createRequest(5, creatable(e.plain, 1, 1))
			r.ValidateOnly = true
			return r
		}),
		request("0 partitions", "Topics 37", counts(0, 1)),
		request("-2 partitions", "Topics 37", counts(-2, 1)),
		request("replication factor 0", "Topics 38", counts(1, 0)),
		request("replication factor -2", "Topics 38", counts(1, -2)),
		request("replication factor 2 on one broker", "Topics 38", counts(1, 2)),
		request("counts and an assignment", "Topics 42", create(func(t *kmsg.CreateTopicsRequestTopic) {
			t.ReplicaAssignment = append(t.ReplicaAssignment, assignment(0, 1))
		})),
		request("assigned to an unknown broker", "Topics 39", assigned(assignment(0, 77))),
		request("assigned to nobody", "Topics 39", assigned(assignment(0))),
		request("assigned twice to one broker", "Topics 39", assigned(assignment(0, 1, 1))),
		request("assigned partitions with a gap", "Topics 39", assigned(assignment(0, 1), assignment(2, 1))),
		request("unknown config", "Topics 40", configured("no.such.config", "1")),
		request("config value that is no number", "Topics 40", configured("retention.ms", "soon")),
		request("config value below the minimum", "Topics 40", configured("segment.bytes", "1")),
		request("config value that is none of the choices", "Topics 40", configured("cleanup.policy", "shred")),
		request("config of message.format.version", "Topics 40 | "+ok, configured("message.format.version", "2.0")),
		request("one name twice", "Topics 42", func(e *env) kmsg.Request {
			t := creatable(e.newName("twice"), 1, 1)
			return createRequest(5, t, t)
		}),
		request("metadata topic", "Topics 42", named("__cluster_metadata")),
		request("unknown and good config together", "Topics 40", create(func(t *kmsg.CreateTopicsRequestTopic) {
			t.Configs = append(t.Configs, topicConfig("retention.ms", "1000"), topicConfig("", ""))
		})),
	}
}

func deleteTopicsRows() []row {
	entry := func(name string, id [16]byte) kmsg.DeleteTopicsRequestTopic {
		t := kmsg.NewDeleteTopicsRequestTopic()
		if name != "" {
			t.Topic = &name
		}
		t.TopicID = id
		return t
	}
	remove := func(entries func(e *env) []kmsg.DeleteTopicsRequestTopic) func(e *env) kmsg.Request {
		return func(e *env) kmsg.Request {
			r := kmsg.NewPtrDeleteTopicsRequest()
			r.Version, r.TimeoutMillis, r.Topics = 6, 10_000, entries(e)
			return r
		}
	}
	one := func(name string, id [16]byte) func(e *env) kmsg.Request {
		return remove(func(*env) []kmsg.DeleteTopicsRequestTopic { return []kmsg.DeleteTopicsRequestTopic{entry(name, id)} })
	}
	none := [16]byte{}
	return []row{
		request("unknown name", "Topics 3", one("nowhere", none)),
		request("unknown id", "Topics 100", one("", [16]byte{5})),
		request("neither name nor id", "Topics 42", one("", none)),
		request("name and id", "Topics 42", remove(func(e *env) []kmsg.DeleteTopicsRequestTopic {
			return []kmsg.DeleteTopicsRequestTopic{entry(e.victim, e.topicID(e.victim))}
		})).check(nothingDeleted),
		request("one name twice", "Topics 42", remove(func(e *env) []kmsg.DeleteTopicsRequestTopic {
			return []kmsg.DeleteTopicsRequestTopic{entry(e.victim, none), entry(e.victim, none)}
		})).check(nothingDeleted),
		request("by name and by id", "Topics 42", remove(func(e *env) []kmsg.DeleteTopicsRequestTopic {
			return []kmsg.DeleteTopicsRequestTopic{entry(e.victim, none), entry("", e.topicID(e.victim))}
		})).check(nothingDeleted),
		request("unknown name in v1", "Topics 3", func(*env) kmsg.Request {
			r := kmsg.NewPtrDeleteTopicsRequest()
			r.Version, r.TimeoutMillis, r.TopicNames = 1, 10_000, []string{"nowhere"}
			return r
		}),
		request("illegal name", "Topics 3 | Topics 17", one("no/where", none)),
	}
}

// nothingDeleted: a topic that is named in two ways is named by mistake, and stays.
func nothingDeleted(e *env, resp kmsg.Response) string {
	for _, t := range resp.(*kmsg.DeleteTopicsResponse).Topics {
		if t.ErrorCode != 42 {
			return fmt.Sprintf("an entry with code %d among the refused ones", t.ErrorCode)
		}
	}
	if got := codes(e.must(metadataRequest(12, e.victim))); got != ok {
		return "the topic is gone: " + got
	}
	return ""
}
