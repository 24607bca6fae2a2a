package oracle

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// loggers notes what a broker says of its loggers; which ones there are is its own affair.
func (s *session) loggers(label string, r *kmsg.DescribeConfigsRequest) {
	s.t.Helper()
	r.SetVersion(s.version)
	resp, err := s.conn.Ask(r)
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, res := range resp.(*kmsg.DescribeConfigsResponse).Resources {
		at := "Resources[" + res.ResourceName + "]"
		lines = append(lines, fmt.Sprintf("%s.ErrorCode=%d", at, res.ErrorCode))
		if len(res.Configs) > 0 {
			lines = append(lines, at+".Configs=some")
		}
		for _, c := range res.Configs {
			if c.Name == "root" {
				lines = append(lines, fmt.Sprintf("%s.Configs[root]=source %d, type %d, read-only %t, sensitive %t, synonyms %d", at, c.Source, c.ConfigType, c.ReadOnly, c.IsSensitive, len(c.ConfigSynonyms)))
			}
		}
	}
	s.note(label, lines...)
}

func describeConfigsOddScript(s *session) {
	a := s.topic("a", 1, "flush.ms", "5000")
	s.topicOf("__consumer_offsets")
	s.loggers("loggers", describeConfigsRequest(resource(8, "1")))
	s.loggers("a logger that is not there", describeConfigsRequest(resource(8, "1", "no.such.logger")))
	s.loggers("loggers twice", describeConfigsRequest(resource(8, "1", "root"), resource(8, "1")))
	s.ask("loggers by word", describeConfigsRequest(resource(8, "one")))
	s.ask("a broker with a blank", describeConfigsRequest(resource(4, " 1", "num.partitions")))
	s.ask("broker 01", describeConfigsRequest(resource(4, "01", "num.partitions")))
	s.ask("broker -1", describeConfigsRequest(resource(4, "-1", "num.partitions")))
	s.ask("the broker's unknown config", describeConfigsRequest(resource(4, "1", "no.such.config")))
	s.ask("the broker's config of topics", describeConfigsRequest(resource(4, "1", "flush.ms", "cleanup.policy")))
	s.ask("the topic's config of brokers", describeConfigsRequest(resource(2, a, "num.partitions", "log.flush.interval.ms")))
	s.ask("a broker, a topic and nonsense", describeConfigsRequest(resource(4, "1", "num.partitions"), resource(2, a, "flush.ms"), resource(99, "x"), resource(2, s.name("ghost"))))
	s.ask("a topic twice", describeConfigsRequest(resource(2, a, "flush.ms"), resource(2, a, "flush.ms")))
	s.ask("empty config name", describeConfigsRequest(resource(2, a, "")))
	s.ask("internal topic", describeConfigsRequest(resource(2, "__consumer_offsets", "cleanup.policy", "segment.bytes", "compression.type")))
	s.ask("type -1", describeConfigsRequest(resource(-1, "x")))
	if s.version >= 1 {
		r := describeConfigsRequest(resource(32, s.name("g"), "consumer.session.timeout.ms", "share.auto.offset.reset"))
		r.IncludeSynonyms = true
		s.ask("a group's, with synonyms", r)
		s.ask("a group's, unknown", describeConfigsRequest(resource(32, s.name("g"), "no.such.config")))
	}
}

func apiVersionsOddScript(s *session) {
	for _, version := range []int16{6, 99, -1} {
		r := kmsg.NewPtrApiVersionsRequest()
		s.raw(fmt.Sprint("version ", version), r, version)
	}
	s.ask("good after that", &kmsg.ApiVersionsRequest{ClientSoftwareName: "a", ClientSoftwareVersion: "1", NodeID: -1})
	last := &s.steps[len(s.steps)-1]
	last.lines = last.lines[:0] // "api versions" compares them
	for _, c := range []struct {
		key     kmsg.Key
		version int16
	}{{kmsg.Metadata, 99}, {kmsg.Metadata, -1}, {kmsg.Produce, 99}, {kmsg.FindCoordinator, 77}, {kmsg.Key(999), 0}, {kmsg.Key(-1), 0}} {
		s.rawKey(fmt.Sprint("API ", c.key.Int16(), " version ", c.version), c.key.Int16(), c.version)
	}
}

func metadataOddScript(s *session) {
	a := s.topic("a", 1)
	create := func(label string, names ...string) {
		r := metadataRequest(names...)
		r.AllowAutoTopicCreation = true
		s.ask(label, r)
	}
	create("create .", ".")
	create("create ..", "..")
	create("create 250 letters", string(make250()))
	create("create nothing", "")
	create("create what is there", a)
	create("create and bad ones and a good one", "a b", a, "ä", "a b")
	if s.version >= 12 {
		r := kmsg.NewPtrMetadataRequest()
		r.AllowAutoTopicCreation = true
		s.word(ghost, "an unknown id")
		r.Topics = []kmsg.MetadataRequestTopic{{TopicID: ghost}, {TopicID: ghost}, {TopicID: s.ids[a]}, {TopicID: s.ids[a]}}
		s.ask("ids twice", r)
	}
}

func createTopicsOddScript(s *session) {
	t := assigned(s.name("a"), []int32{1}, []int32{1})
	t.Configs = append(t.Configs, topicConfig("retention.ms", "1000"))
	s.create("assigned, with configs", t)
	if s.version > 0 {
		t = assigned(s.name("b"), []int32{1})
		s.create("assigned, only validated", t, validateOnly)
		t = newTopic(s.name("b"), 1, 1)
		t.Configs = append(t.Configs, topicConfig("no.such.config", "1"))
		s.create("bad config, only validated", t, validateOnly)
		t = newTopic("a b", 0, 9)
		t.Configs = append(t.Configs, topicConfig("no.such.config", "1"))
		s.create("everything wrong, only validated", t, validateOnly)
		s.ask("one of two is bad, only validated", &kmsg.CreateTopicsRequest{TimeoutMillis: 10_000, ValidateOnly: true, Topics: []kmsg.CreateTopicsRequestTopic{newTopic(s.name("b"), 1, 1), newTopic("", 1, 1)}})
	}
	s.ask("a name three times, and another", createRequest(newTopic(s.name("c"), 1, 1), newTopic(s.name("c"), 2, 1), newTopic(s.name("c"), 1, 1), newTopic(s.name("d"), 1, 1)))
	s.create("negative timeout", newTopic(s.name("e"), 1, 1), func(r *kmsg.CreateTopicsRequest) { r.TimeoutMillis = -1 })
	s.ask("colliding names together", createRequest(newTopic(s.name("x.y"), 1, 1), newTopic(s.name("x_y"), 1, 1)))
	t = newTopic(s.name("f"), 1, 1)
	t.Configs = append(t.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: "no.such.config"})
	s.create("an unknown config of null", t)
	t = newTopic(s.name("g"), 1, 1)
	t.Configs = append(t.Configs, topicConfig("retention.ms", " 1000 "), topicConfig("cleanup.policy", " compact , delete "), topicConfig("preallocate", "TRUE"))
	s.create("values with blanks", t)
	describe := describeConfigsRequest(resource(2, s.name("g"), "retention.ms", "cleanup.policy", "preallocate"))
	s.note("as they are shown", s.render(s.must(4, describe))...)
	t = newTopic(s.name("h"), 1, 1)
	t.Configs = append(t.Configs, topicConfig("retention.ms", "1000.5"))
	s.create("a number with a point", t)
	t = newTopic(s.name("i"), 1, 1)
	t.Configs = append(t.Configs, topicConfig("max.message.bytes", "99999999999"))
	s.create("a number too large", t)
	t = newTopic(s.name("j"), 1, 1)
	t.Configs = append(t.Configs, topicConfig("retention.bytes", ""))
	s.create("an empty number", t)
}

func findCoordinatorOddScript(s *session) {
	s.topicOf("__consumer_offsets")
	request := func(kind int8, keys ...string) *kmsg.FindCoordinatorRequest {
		r := kmsg.NewPtrFindCoordinatorRequest()
		r.CoordinatorType, r.CoordinatorKeys = kind, keys
		if len(keys) > 0 {
			r.CoordinatorKey = keys[0]
		}
		return r
	}
	s.ask("odd group", request(0, "a b/ä"))
	s.ask("long group", request(0, string(make250())))
	if s.version >= 1 {
		s.ask("type 127", request(127, s.name("g")))
		s.ask("type -128", request(-128, s.name("g")))
	}
	if s.version >= 4 {
		s.ask("empty and not", request(0, "", s.name("g")))
		s.ask("nothing of a bad type", request(9))
		s.ask("two of a bad type", request(9, "a", "b"))
	}
}

func describeGroupsOddScript(s *session) {
	request := func(groups ...string) *kmsg.DescribeGroupsRequest {
		r := kmsg.NewPtrDescribeGroupsRequest()
		r.Groups = groups
		return r
	}
	g := s.name("static")
	s.static(g)
	s.ask("static", request(g))
	h := s.name("left")
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group, leave.MemberID = h, s.member(h, 4)
	s.must(2, leave)
	s.ask("everybody left", request(h))
	s.ask("unknown ones", request(s.name("x"), s.name("x"), "a b"))
}
