package oracle

import "github.com/twmb/franz-go/pkg/kmsg"

func metadataRequest(topics ...string) *kmsg.MetadataRequest {
	r := kmsg.NewPtrMetadataRequest()
	r.Topics = []kmsg.MetadataRequestTopic{}
	for _, t := range topics {
		r.Topics = append(r.Topics, kmsg.MetadataRequestTopic{Topic: &t})
	}
	return r
}

func metadataScript(s *session) {
	a, b := s.topic("a", 2), s.topic("b", 1)
	s.topicOf("__consumer_offsets")
	s.ask("one topic", metadataRequest(a))
	s.ask("two topics", metadataRequest(a, b))
	s.ask("a topic twice", metadataRequest(a, a))
	s.ask("empty list", metadataRequest())
	if s.version > 0 {
		r := metadataRequest()
		r.Topics = nil
		s.ask("all topics", r)
	}
	r := metadataRequest(a)
	r.IncludeTopicAuthorizedOperations, r.IncludeClusterAuthorizedOperations = true, true
	s.ask("authorized operations", r)
	r = metadataRequest("__consumer_offsets")
	s.ask("internal topic", r)
	if s.version >= 4 {
		r = metadataRequest(s.name("ghost"), a)
		s.ask("unknown topic", r)
	}
	for _, bad := range []string{"", ".", "..", "a b", "ä", "a/b", string(make250())} {
		s.ask("bad name "+bad[:min(len(bad), 5)], metadataRequest(bad))
	}
	if s.version < 10 {
		return
	}
	byID := func(label string, id [16]byte, name *string) {
		r := kmsg.NewPtrMetadataRequest()
		r.Topics = []kmsg.MetadataRequestTopic{{TopicID: id, Topic: name}}
		s.ask(label, r)
	}
	byID("by id", s.ids[a], nil)
	s.word(ghost, "an unknown id")
	byID("by unknown id", ghost, nil)
	byID("neither", [16]byte{}, nil)
	byID("both", s.ids[a], &a)
	byID("both, of different topics", s.ids[a], &b)
	r = metadataRequest(b)
	r.Topics = append(r.Topics, kmsg.MetadataRequestTopic{TopicID: s.ids[a]}, kmsg.MetadataRequestTopic{TopicID: ghost})
	s.ask("some by name and some by id", r)
}

func make250() []byte {
	b := make([]byte, 250)
	for i := range b {
		b[i] = 'x'
	}
	return b
}

func metadataAutoCreateScript(s *session) {
	name := s.name("auto")
	if s.version >= 4 {
		s.ask("forbidden", metadataRequest(name))
	}
	r := metadataRequest(name, "a b")
	r.AllowAutoTopicCreation = true
	s.ask("allowed", r)
	s.topicOf(name)
	r = metadataRequest(name)
	s.ask("there", r)
	r = metadataRequest(s.name("auto.x"), s.name("auto_x"))
	r.AllowAutoTopicCreation = true
	s.ask("colliding names", r)
}

func createRequest(topics ...kmsg.CreateTopicsRequestTopic) *kmsg.CreateTopicsRequest {
	r := kmsg.NewPtrCreateTopicsRequest()
	r.TimeoutMillis, r.Topics = 10_000, topics
	return r
}

func (s *session) create(label string, t kmsg.CreateTopicsRequestTopic, edit ...func(*kmsg.CreateTopicsRequest)) {
	s.t.Helper()
	r := createRequest(t)
	for _, f := range edit {
		f(r)
	}
	s.ask(label, r)
}

func assigned(name string, replicas ...[]int32) kmsg.CreateTopicsRequestTopic {
	t := newTopic(name, -1, -1)
	for i, r := range replicas {
		t.ReplicaAssignment = append(t.ReplicaAssignment, kmsg.CreateTopicsRequestTopicReplicaAssignment{Partition: int32(i), Replicas: r})
	}
	return t
}

func validateOnly(r *kmsg.CreateTopicsRequest) { r.ValidateOnly = true }

func createTopicsScript(s *session) {
	s.create("plain", newTopic(s.name("a"), 3, 1))
	s.create("again", newTopic(s.name("a"), 3, 1))
	s.create("validate only", newTopic(s.name("b"), 3, 1), validateOnly)
	s.create("validate only, exists", newTopic(s.name("a"), 3, 1), validateOnly)
	s.ask("two", createRequest(newTopic(s.name("b"), 1, 1), newTopic(s.name("c"), 2, 1)))
	s.create("default partitions", newTopic(s.name("d"), -1, 1))
	s.create("default factor", newTopic(s.name("e"), 1, -1))
	s.create("defaults", newTopic(s.name("f"), -1, -1))
	s.create("assigned", assigned(s.name("g"), []int32{1}, []int32{1}))
	t := newTopic(s.name("h"), 1, 1)
	t.Configs = append(t.Configs, topicConfig("cleanup.policy", "compact"), topicConfig("retention.ms", "9223372036854775807"), topicConfig("max.message.bytes", "2000"))
	s.create("configs", t)
	t = newTopic(s.name("i"), 1, 1)
	t.Configs = append(t.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: "retention.ms"})
	s.create("null value", t)
	t = newTopic(s.name("j"), 1, 1)
	t.Configs = append(t.Configs, topicConfig("retention.ms", "604800000"))
	s.create("a default that is set", t)
	s.create("no topics", newTopic("", 1, 1), func(r *kmsg.CreateTopicsRequest) { r.Topics = nil })
	s.create("timeout 0", newTopic(s.name("k"), 1, 1), func(r *kmsg.CreateTopicsRequest) { r.TimeoutMillis = 0 }, validateOnly)
	for _, short := range []string{"a", "c", "d", "f", "g"} {
		s.topicOf(s.name(short))
		s.note("there: "+short, s.render(s.must(1, metadataRequest(s.name(short))))...)
	}
}

func createTopicsErrorsScript(s *session) {
	s.topic("a.b", 1)
	s.create("colliding name", newTopic(s.name("a_b"), 1, 1))
	for _, name := range []string{"", ".", "..", "a b", "ä", string(make250())} {
		s.create("bad name "+name[:min(len(name), 5)], newTopic(name, 1, 1))
	}
	s.create("no partitions", newTopic(s.name("c"), 0, 1))
	s.create("-2 partitions", newTopic(s.name("c"), -2, 1))
	s.create("too many partitions", newTopic(s.name("c"), 2_000_000, 1))
	s.create("factor 0", newTopic(s.name("c"), 1, 0))
	s.create("factor -2", newTopic(s.name("c"), 1, -2))
	s.create("factor 2", newTopic(s.name("c"), 1, 2))
	t := assigned(s.name("c"), []int32{1})
	t.NumPartitions = 1
	s.create("partitions and assignment", t)
	t = assigned(s.name("c"), []int32{1})
	t.ReplicationFactor = 1
	s.create("factor and assignment", t)
	s.create("unknown broker", assigned(s.name("c"), []int32{7}))
	s.create("a broker twice", assigned(s.name("c"), []int32{1, 1}))
	s.create("no replicas", assigned(s.name("c"), []int32{}))
	s.create("different factors", assigned(s.name("c"), []int32{1}, []int32{1, 2}))
	t = assigned(s.name("c"), []int32{1}, []int32{1})
	t.ReplicaAssignment[1].Partition = 2
	s.create("a hole", t)
	t.ReplicaAssignment[1].Partition = 0
	s.create("a partition twice", t)
	t.ReplicaAssignment[1].Partition = -1
	s.create("negative partition", t)
	s.ask("a name twice", createRequest(newTopic(s.name("c"), 1, 1), newTopic(s.name("c"), 1, 1), newTopic(s.name("d"), 0, 1)))
	for _, c := range [][2]string{{"no.such.config", "1"}, {"retention.ms", "soon"}, {"retention.ms", "-2"}, {"cleanup.policy", "shred"}, {"max.message.bytes", "-1"},
		{"segment.bytes", "13"}, {"compression.type", "rar"}, {"min.insync.replicas", "0"}, {"min.insync.replicas", "5"}, {"message.timestamp.type", "Never"}, {"preallocate", "perhaps"}, {"cleanup.policy", ""},
		{"cleanup.policy", "compact,delete"}, {"remote.storage.enable", "true"}, {"unclean.leader.election.enable", "true"}, {"leader.replication.throttled.replicas", "x"}, {"", "x"},
		{"message.format.version", "2.0"}, {"segment.ms", "0"}, {"min.cleanable.dirty.ratio", "1.5"}, {"local.retention.ms", "1"}} {
		t := newTopic(s.name("c"), 1, 1)
		t.Configs = append(t.Configs, topicConfig(c[0], c[1]))
		s.create(c[0]+"="+c[1], t, validateOnly)
		if s.version == 0 {
			break // it would create it
		}
	}
	if s.version > 0 {
		t = newTopic(s.name("c"), 1, 1)
		t.Configs = append(t.Configs, topicConfig("retention.ms", "1000"), topicConfig("retention.ms", "2000"))
		s.create("a config twice", t, validateOnly)
	}
	s.create("internal name", newTopic("__cluster_metadata", 1, 1))
	s.ask("a good one among bad ones", createRequest(newTopic(s.name("good"), 1, 1), newTopic("a b", 1, 1), newTopic(s.name("z"), 0, 1)))
}

func deleteTopicsScript(s *session) {
	request := func(names ...string) *kmsg.DeleteTopicsRequest {
		r := kmsg.NewPtrDeleteTopicsRequest()
		r.TimeoutMillis, r.TopicNames = 10_000, names
		for _, n := range names {
			r.Topics = append(r.Topics, kmsg.DeleteTopicsRequestTopic{Topic: &n})
		}
		return r
	}
	a, b, c, d := s.topic("a", 2), s.topic("b", 1), s.topic("c", 1), s.topic("d", 1)
	s.ask("one", request(a))
	s.ask("again", request(a))
	s.ask("unknown beside a good one", request(s.name("ghost"), b))
	s.ask("twice", request(c, c))
	s.note("still there", s.render(s.must(1, metadataRequest(c)))...)
	s.ask("bad name", request("a b"))
	s.ask("empty name", request(""))
	s.ask("nothing", request())
	r := request(d)
	r.TimeoutMillis = 0
	if s.version < 6 {
		return
	}
	byID := func(label string, topics ...kmsg.DeleteTopicsRequestTopic) {
		r := request()
		r.Topics = topics
		s.ask(label, r)
	}
	s.word(ghost, "an unknown id")
	byID("unknown id", kmsg.DeleteTopicsRequestTopic{TopicID: ghost})
	byID("name and id", kmsg.DeleteTopicsRequestTopic{Topic: &c, TopicID: s.ids[c]})
	byID("neither", kmsg.DeleteTopicsRequestTopic{})
	byID("one by name and by id", kmsg.DeleteTopicsRequestTopic{Topic: &c}, kmsg.DeleteTopicsRequestTopic{TopicID: s.ids[c]})
	byID("an id twice", kmsg.DeleteTopicsRequestTopic{TopicID: s.ids[c]}, kmsg.DeleteTopicsRequestTopic{TopicID: s.ids[c]})
	byID("by id", kmsg.DeleteTopicsRequestTopic{TopicID: s.ids[c]})
	byID("by id again", kmsg.DeleteTopicsRequestTopic{TopicID: s.ids[c]})
}
