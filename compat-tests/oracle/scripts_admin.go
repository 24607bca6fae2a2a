package oracle

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Scripts about what administrators change: partitions and configs of what is there.

func morePartitions(topics ...kmsg.CreatePartitionsRequestTopic) *kmsg.CreatePartitionsRequest {
	r := kmsg.NewPtrCreatePartitionsRequest()
	r.TimeoutMillis, r.Topics = 10_000, topics
	return r
}

// grown is a topic that shall have count partitions, the new ones on the given replicas.
func grown(topic string, count int32, replicas ...[]int32) kmsg.CreatePartitionsRequestTopic {
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = topic, count
	for _, r := range replicas {
		t.Assignment = append(t.Assignment, kmsg.CreatePartitionsRequestTopicAssignment{Replicas: r})
	}
	return t
}

func createPartitionsScript(s *session) {
	a, b := s.topic("a", 2), s.topic("b", 1)
	dry := func(label string, topics ...kmsg.CreatePartitionsRequestTopic) {
		r := morePartitions(topics...)
		r.ValidateOnly = true
		s.ask(label+", validate only", r)
	}
	dry("more", grown(a, 4))
	s.note("nothing came of it", s.render(s.must(1, metadataRequest(a)))...)
	s.ask("more", morePartitions(grown(a, 4)))
	s.note("there", s.render(s.must(1, metadataRequest(a)))...)
	s.fill(a, 3, batch(1))
	s.ask("again", morePartitions(grown(a, 4)))
	s.ask("fewer", morePartitions(grown(a, 3)))
	for _, n := range []int32{0, -1, -2, -2147483648} {
		s.ask("count of nothing", morePartitions(grown(a, n)))
	}
	dry("too many", grown(a, 20_000))
	dry("as many as one request may add", grown(a, 10_004))
	dry("one more than that", grown(a, 10_005))
	dry("as many in all", grown(a, 10_000))
	dry("too many for an unknown topic, beside a good one", grown(s.name("ghost"), 20_000), grown(a, 5))
	dry("as many together, and fewer", grown(a, 10_003), grown(b, -5))
	dry("far too many", grown(a, 2_000_000_000))
	dry("too many together", grown(a, 6_000), grown(b, 6_000))
	s.ask("unknown topic", morePartitions(grown(s.name("ghost"), 4)))
	for _, name := range []string{"", "a b", "..", string(make250())} {
		s.ask("bad name "+name[:min(len(name), 5)], morePartitions(grown(name, 4)))
	}
	s.ask("twice", morePartitions(grown(b, 2), grown(b, 3)))
	s.ask("twice alike, beside a good one", morePartitions(grown(b, 2), grown(a, 5), grown(b, 2)))
	s.ask("a good one among bad ones", morePartitions(grown(s.name("ghost"), 2), grown(b, 2), grown(a, 1)))
	s.ask("nothing", morePartitions())
	s.ask("assigned", morePartitions(grown(b, 4, []int32{1}, []int32{1})))
	for _, c := range []struct {
		label    string
		count    int32
		replicas [][]int32
	}{
		{"too few assignments", 6, [][]int32{{1}}}, {"too many assignments", 5, [][]int32{{1}, {1}}}, {"no replicas", 5, [][]int32{{}}}, {"unknown broker", 5, [][]int32{{7}}}, {"a broker twice", 5, [][]int32{{1, 1}}},
		{"another factor", 5, [][]int32{{1, 2}}}, {"negative broker", 5, [][]int32{{-1}}}, {"assigned and fewer", 2, [][]int32{{1}}}, {"an unknown one behind a good one", 6, [][]int32{{1}, {8}}},
	} {
		s.ask(c.label, morePartitions(grown(b, c.count, c.replicas...)))
	}
	none := grown(b, 5)
	none.Assignment = []kmsg.CreatePartitionsRequestTopicAssignment{}
	s.ask("an empty list of assignments", morePartitions(none))
	r := morePartitions(grown(b, 6))
	r.TimeoutMillis, r.ValidateOnly = 0, true
	s.ask("timeout 0", r)
	s.topicOf("__consumer_offsets")
	dry("offsets topic, fewer", grown("__consumer_offsets", 1))
	dry("offsets topic", grown("__consumer_offsets", 60))
	dry("metadata topic", grown("__cluster_metadata", 2))
	s.note("in the end", s.render(s.must(1, metadataRequest(a, b)))...)
}

func set(name, value string) kmsg.IncrementalAlterConfigsRequestResourceConfig {
	return kmsg.IncrementalAlterConfigsRequestResourceConfig{Name: name, Value: &value}
}

func operation(op int8, name, value string) kmsg.IncrementalAlterConfigsRequestResourceConfig {
	c := set(name, value)
	c.Op = kmsg.IncrementalAlterConfigOp(op)
	return c
}

func unset(name string) kmsg.IncrementalAlterConfigsRequestResourceConfig {
	return kmsg.IncrementalAlterConfigsRequestResourceConfig{Name: name, Op: kmsg.IncrementalAlterConfigOpDelete}
}

func changed(kind kmsg.ConfigResourceType, name string, ops ...kmsg.IncrementalAlterConfigsRequestResourceConfig) kmsg.IncrementalAlterConfigsRequestResource {
	return kmsg.IncrementalAlterConfigsRequestResource{ResourceType: kind, ResourceName: name, Configs: ops}
}

func change(resources ...kmsg.IncrementalAlterConfigsRequestResource) *kmsg.IncrementalAlterConfigsRequest {
	r := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r.Resources = resources
	return r
}

// settling is how long a Kafka gets until what its controller has answered holds on the broker.
const settling = 200 * time.Millisecond

// configsNow notes configs of a resource with where they come from.
func (s *session) configsNow(label string, kind kmsg.ConfigResourceType, name string, keys ...string) {
	s.t.Helper()
	if s.target.release != "" {
		time.Sleep(settling)
	}
	r := describeConfigsRequest(resource(kind, name, keys...))
	r.IncludeSynonyms = true
	resp := s.must(2, r).(*kmsg.DescribeConfigsResponse)
	for i := range resp.Resources {
		resp.Resources[i].ErrorMessage = nil // of a success
	}
	s.note(label, s.render(resp)...)
}

func incrementalAlterConfigsScript(s *session) {
	a, b := s.topic("a", 1), s.topic("b", 1)
	topic := func(label string, ops ...kmsg.IncrementalAlterConfigsRequestResourceConfig) {
		s.ask(label, change(changed(2, a, ops...)))
	}
	now := func() { s.configsNow("now", 2, a, "retention.ms", "cleanup.policy", "max.message.bytes") }
	topic("set", set("retention.ms", "100000"), set("max.message.bytes", " 2000 "))
	now()
	topic("append", operation(2, "cleanup.policy", "compact"))
	now()
	topic("append what is there", operation(2, "cleanup.policy", "compact,delete"))
	topic("subtract", operation(3, "cleanup.policy", "delete"))
	now()
	topic("subtract what is not there", operation(3, "cleanup.policy", "delete"))
	topic("subtract all", operation(3, "cleanup.policy", "compact"))
	now()
	topic("delete", unset("cleanup.policy"), unset("max.message.bytes"))
	now()
	topic("delete what is not set", unset("flush.ms"))
	topic("delete what nobody knows", unset("no.such.config"))
	withValue := unset("retention.ms")
	withValue.Value = &a
	topic("delete with a value", withValue)
	topic("set the default", set("retention.ms", "604800000"))
	now()
	dry := change(changed(2, a, set("retention.ms", "7")))
	dry.ValidateOnly = true
	s.ask("validate only", dry)
	dry = change(changed(2, a, set("retention.ms", "x")))
	dry.ValidateOnly = true
	s.ask("validate only, bad", dry)
	now()
	for _, op := range []kmsg.IncrementalAlterConfigsRequestResourceConfig{
		set("no.such.config", "1"), set("retention.ms", "soon"), set("retention.ms", "-2"), set("retention.ms", ""), set("cleanup.policy", "shred"), set("cleanup.policy", ""), set("", "x"), set("remote.storage.enable", "true"),
		set("message.format.version", "2.0"), set("min.insync.replicas", "0"), set("segment.bytes", "13"), set("compression.type", "rar"), set("leader.replication.throttled.replicas", "x"), set("max.compaction.lag.ms", "0"),
		operation(2, "retention.ms", "1"), operation(3, "retention.ms", "1"), operation(2, "no.such.config", "1"), operation(2, "cleanup.policy", "shred"), operation(2, "leader.replication.throttled.replicas", "0:1"),
		operation(4, "retention.ms", "1"), operation(-1, "retention.ms", "1"), {Name: "retention.ms"}, {Name: "cleanup.policy", Op: 2}, {Name: "cleanup.policy", Op: 3},
	} {
		value := "null"
		if op.Value != nil {
			value = *op.Value
		}
		topic("operation "+string(rune('0'+max(op.Op, 0)))+" "+op.Name+"="+value, op)
	}
	topic("a key twice", set("retention.ms", "1"), set("retention.ms", "2"))
	topic("a key set and deleted", set("retention.ms", "1"), unset("retention.ms"))
	topic("one bad key", set("retention.ms", "1"), set("flush.ms", "x"))
	topic("lags that cross", set("min.compaction.lag.ms", "10"), set("max.compaction.lag.ms", "5"))
	topic("no keys")
	now()
	s.ask("no resources", change())
	s.ask("two topics", change(changed(2, a, set("flush.ms", "5")), changed(2, b, set("flush.ms", "x"))))
	s.ask("a topic twice", change(changed(2, b, set("flush.ms", "5")), changed(2, b, set("segment.ms", "600000"))))
	s.ask("unknown topic", change(changed(2, s.name("ghost"), set("flush.ms", "5"))))
	for _, name := range []string{"", "a b", string(make250())} {
		s.ask("bad name "+name[:min(len(name), 5)], change(changed(2, name, set("flush.ms", "5"))))
	}
	s.ask("offsets topic", func() kmsg.Request {
		s.topicOf("__consumer_offsets")
		r := change(changed(2, "__consumer_offsets", set("segment.bytes", "104857600")))
		r.ValidateOnly = true
		return r
	}())
}

func incrementalAlterOthersScript(s *session) {
	one := func(label string, kind kmsg.ConfigResourceType, name string, ops ...kmsg.IncrementalAlterConfigsRequestResourceConfig) {
		s.ask(label, change(changed(kind, name, ops...)))
	}
	one("a broker", 4, "1", set("log.retention.ms", "100000"), set("message.max.bytes", "2000000"))
	s.configsNow("now", 4, "1", "log.retention.ms", "message.max.bytes")
	one("all brokers", 4, "", set("log.retention.ms", "200000"), operation(2, "log.cleanup.policy", "compact"))
	s.configsNow("now, all", 4, "", "log.retention.ms", "log.cleanup.policy", "message.max.bytes")
	a := s.topic("a", 1)
	s.configsNow("now, of a topic", 2, a, "max.message.bytes", "cleanup.policy", "segment.bytes")
	one("a broker, back", 4, "1", unset("log.retention.ms"), unset("message.max.bytes"))
	one("all brokers, back", 4, "", unset("log.retention.ms"), unset("log.cleanup.policy"))
	s.configsNow("now, back", 4, "1", "log.retention.ms", "message.max.bytes", "log.cleanup.policy")
	for _, c := range []struct{ name, key, value string }{
		{"1", "num.partitions", "5"}, {"", "num.partitions", "5"}, {"1", "log.retention.ms", "x"}, {"1", "log.retention.ms", "0"}, {"1", "ssl.keystore.type", "PEM"}, {"", "ssl.keystore.type", "PEM"},
		{"", "listeners", "PLAINTEXT://127.0.0.1:1"}, {"1", "node.id", "7"}, {"1", "log.dirs", "/x"}, {"1", "retention.ms", "5"}, {"1", "log.cleaner.threads", "0"}, {"1", "min.insync.replicas", "0"},
		{"1", "authorizer.class.name", "a.B"}, {"1", "log.flush.interval.ms", "-1"}, {"1", "compression.type", "rar"}, {"1", "", "x"},
	} {
		dry := change(changed(4, c.name, set(c.key, c.value)))
		dry.ValidateOnly = true
		s.ask("broker "+c.name+" "+c.key+"="+c.value, dry)
	}
	for _, name := range []string{"9", "one", "-1", "01"} {
		dry := change(changed(4, name, set("log.retention.ms", "5")))
		dry.ValidateOnly = true
		s.ask("broker "+name, dry)
	}
	one("type 0", 0, "x", set("a", "1"))
	one("type 99", 99, "x", set("a", "1"))
	one("type 3", 3, "x", set("a", "1"))
	g := s.name("g")
	one("a group", 32, g, set("consumer.session.timeout.ms", "50000"))
	s.configsNow("now, of a group", 32, g, "consumer.session.timeout.ms")
	one("a group, back", 32, g, unset("consumer.session.timeout.ms"))
	one("a group, out of range", 32, g, set("consumer.session.timeout.ms", "1"))
	one("a group, unknown", 32, g, set("retention.ms", "1"))
	one("a group without a name", 32, "", set("consumer.session.timeout.ms", "50000"))
	m := s.name("m")
	one("client metrics", 16, m, set("interval.ms", "60000"), set("match", "client_id=a.*"))
	s.configsNow("now, of client metrics", 16, m)
	one("client metrics, back", 16, m, unset("interval.ms"), unset("match"))
	one("client metrics, bad interval", 16, m, set("interval.ms", "1"))
	one("client metrics, bad match", 16, m, set("match", "a=b"))
	one("client metrics, unknown", 16, m, set("a", "b"))
	one("client metrics without a name", 16, "", set("interval.ms", "60000"))
	s.ask("a broker and a topic", change(changed(4, "1", set("num.partitions", "5")), changed(2, a, set("flush.ms", "5"))))
	s.ask("a broker twice", change(changed(4, "1", set("log.retention.ms", "5")), changed(4, "1", set("log.retention.ms", "6"))))
}

func incrementalAlterLoggersScript(s *session) {
	if s.target.release == "3.9.1" {
		s.t.Skip("the loggers are log4j's, and it is not there")
	}
	one := func(label, name string, ops ...kmsg.IncrementalAlterConfigsRequestResourceConfig) {
		s.ask(label, change(changed(8, name, ops...)))
	}
	one("root", "1", set("root", "ERROR"))
	s.configsNow("now", 8, "1", "root")
	one("back", "1", set("root", "WARN"))
	s.configsNow("now, back", 8, "1", "root")
	one("delete root", "1", unset("root"))
	one("a level that there is not", "1", set("root", "LOUD"))
	one("a level in lower case", "1", set("root", "warn"))
	one("append", "1", operation(2, "root", "INFO"))
	one("subtract", "1", operation(3, "root", "INFO"))
	one("a logger that there is not", "1", set("no.such.logger", "INFO"))
	one("delete one that there is not", "1", unset("no.such.logger"))
	one("null", "1", kmsg.IncrementalAlterConfigsRequestResourceConfig{Name: "root"})
	one("twice", "1", set("root", "WARN"), set("root", "INFO"))
	one("nothing", "1")
	for _, name := range []string{"", "9", "x"} {
		one("broker "+name, name, set("root", "WARN"))
	}
	dry := change(changed(8, "1", set("root", "DEBUG")))
	dry.ValidateOnly = true
	s.ask("validate only", dry)
	s.configsNow("now, in the end", 8, "1", "root")
}

func replaced(kind kmsg.ConfigResourceType, name string, pairs ...string) kmsg.AlterConfigsRequestResource {
	r := kmsg.AlterConfigsRequestResource{ResourceType: kind, ResourceName: name}
	for i := 0; i < len(pairs); i += 2 {
		r.Configs = append(r.Configs, kmsg.AlterConfigsRequestResourceConfig{Name: pairs[i], Value: &pairs[i+1]})
	}
	return r
}

func replace(resources ...kmsg.AlterConfigsRequestResource) *kmsg.AlterConfigsRequest {
	r := kmsg.NewPtrAlterConfigsRequest()
	r.Resources = resources
	return r
}

func alterConfigsScript(s *session) {
	a, b := s.topic("a", 1), s.topic("b", 1)
	topic := func(label string, pairs ...string) { s.ask(label, replace(replaced(2, a, pairs...))) }
	now := func() { s.configsNow("now", 2, a, "retention.ms", "cleanup.policy", "max.message.bytes") }
	now()
	topic("two", "cleanup.policy", "compact", "max.message.bytes", "2000")
	now()
	topic("another", "retention.ms", "100000")
	now()
	topic("none")
	now()
	topic("a key twice", "retention.ms", "1", "retention.ms", "2")
	topic("unknown", "no.such.config", "1")
	topic("bad", "retention.ms", "x")
	s.ask("null", replace(kmsg.AlterConfigsRequestResource{ResourceType: 2, ResourceName: a, Configs: []kmsg.AlterConfigsRequestResourceConfig{{Name: "retention.ms"}}}))
	dry := replace(replaced(2, a, "retention.ms", "7"))
	dry.ValidateOnly = true
	s.ask("validate only", dry)
	now()
	s.ask("unknown topic", replace(replaced(2, s.name("ghost"), "retention.ms", "7")))
	s.ask("empty name", replace(replaced(2, "", "retention.ms", "7")))
	s.ask("bad name", replace(replaced(2, "a b", "retention.ms", "7")))
	s.ask("two topics", replace(replaced(2, b, "retention.ms", "7"), replaced(2, a, "retention.ms", "x")))
	s.ask("no resources", replace())
	s.ask("a broker", replace(replaced(4, "1", "log.retention.ms", "100000")))
	s.configsNow("now, of a broker", 4, "1", "log.retention.ms")
	s.ask("a broker, none", replace(replaced(4, "1")))
	s.configsNow("now, of a broker", 4, "1", "log.retention.ms")
	s.ask("a broker, what is fixed", replace(replaced(4, "1", "num.partitions", "5")))
	s.ask("another broker", replace(replaced(4, "9", "log.retention.ms", "5")))
	s.ask("all brokers, what is fixed", replace(replaced(4, "", "num.partitions", "5")))
	s.ask("a logger", replace(replaced(8, "1", "root", "WARN")))
	s.ask("type 0", replace(replaced(0, "x", "a", "1")))
	s.ask("type 99", replace(replaced(99, "x", "a", "1")))
	s.ask("a group", replace(replaced(32, s.name("g"), "consumer.session.timeout.ms", "50000")))
	s.ask("client metrics", replace(replaced(16, s.name("m"), "interval.ms", "60000")))
	s.ask("client metrics, none", replace(replaced(16, s.name("m"))))
}

func describeLogDirsScript(s *session) {
	a, b := s.topic("a", 2), s.topic("b", 1)
	s.fill(a, 1, batch(1))
	request := func(topics ...kmsg.DescribeLogDirsRequestTopic) *kmsg.DescribeLogDirsRequest {
		r := kmsg.NewPtrDescribeLogDirsRequest()
		r.Topics = append([]kmsg.DescribeLogDirsRequestTopic{}, topics...)
		return r
	}
	of := func(topic string, partitions ...int32) kmsg.DescribeLogDirsRequestTopic {
		return kmsg.DescribeLogDirsRequestTopic{Topic: topic, Partitions: partitions}
	}
	s.ask("two topics", request(of(a, 0, 1), of(b, 0)))
	s.ask("one partition", request(of(a, 1)))
	s.ask("no partitions", request(of(a)))
	s.ask("unknown partition", request(of(a, 1, 7, -1)))
	s.ask("unknown topic", request(of(s.name("ghost"), 0)))
	s.ask("bad name", request(of("a b", 0), of("", 0)))
	s.ask("a partition twice", request(of(a, 1, 1)))
	s.ask("a topic twice", request(of(a, 1), of(a, 0)))
	s.ask("no topics", request())
	all := request()
	all.Topics = nil
	s.ask("all", all)
}
