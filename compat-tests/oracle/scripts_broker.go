package oracle

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func initProducerIDScript(s *session) {
	s.ask("idempotent", initProducer())
	r := initProducer()
	r.TransactionTimeoutMillis = 0
	s.ask("timeout 0", r)
	r.TransactionTimeoutMillis = -1
	s.ask("timeout -1", r)
	if s.version >= 3 {
		id := s.must(3, initProducer()).(*kmsg.InitProducerIDResponse).ProducerID
		for _, c := range []struct {
			label string
			id    int64
			epoch int16
		}{{"id and epoch", id, 0}, {"unknown id and epoch", id + 1_000_000, 5}, {"id only", id, -1}, {"epoch only", -1, 0}, {"largest epoch", id, 32767}, {"id -2", -2, -1}, {"epoch -2", id, -2}} {
			r := initProducer()
			r.ProducerID, r.ProducerEpoch = c.id, c.epoch
			s.ask(c.label, r)
		}
	}
	empty := ""
	r = initProducer()
	r.TransactionalID = &empty
	s.ask("empty transactional id", r)
}

func describeConfigsRequest(resources ...kmsg.DescribeConfigsRequestResource) *kmsg.DescribeConfigsRequest {
	r := kmsg.NewPtrDescribeConfigsRequest()
	r.Resources = resources
	return r
}

func resource(kind kmsg.ConfigResourceType, name string, keys ...string) kmsg.DescribeConfigsRequestResource {
	return kmsg.DescribeConfigsRequestResource{ResourceType: kind, ResourceName: name, ConfigNames: keys}
}

func describeConfigsScript(s *session) {
	a := s.topic("a", 1, "cleanup.policy", "compact", "max.message.bytes", "2000", "segment.bytes", "1073741824")
	s.ask("a topic", describeConfigsRequest(resource(2, a)))
	r := describeConfigsRequest(resource(2, a, "cleanup.policy", "retention.ms", "segment.bytes", "flush.ms", "min.insync.replicas"))
	r.IncludeSynonyms, r.IncludeDocumentation = true, true
	s.ask("with synonyms", r)
	s.ask("one config", describeConfigsRequest(resource(2, a, "max.message.bytes")))
	s.ask("unknown config", describeConfigsRequest(resource(2, a, "no.such.config")))
	s.ask("a config twice", describeConfigsRequest(resource(2, a, "max.message.bytes", "max.message.bytes")))
	none := resource(2, a)
	none.ConfigNames = []string{}
	s.ask("empty list of configs", describeConfigsRequest(none))
	s.ask("unknown topic", describeConfigsRequest(resource(2, s.name("ghost"))))
	s.ask("bad name", describeConfigsRequest(resource(2, "a b")))
	s.ask("empty name", describeConfigsRequest(resource(2, "")))
	s.ask("two topics", describeConfigsRequest(resource(2, a, "flush.ms"), resource(2, s.name("ghost"), "flush.ms")))
	s.ask("a topic twice", describeConfigsRequest(resource(2, a, "flush.ms"), resource(2, a, "segment.ms")))
	r = describeConfigsRequest(resource(4, "1", "num.partitions", "log.retention.hours", "log.retention.ms", "default.replication.factor", "ssl.keystore.password", "message.max.bytes"))
	r.IncludeSynonyms = true
	s.ask("a broker", r)
	s.ask("brokers", describeConfigsRequest(resource(4, "")))
	s.ask("another broker", describeConfigsRequest(resource(4, "9")))
	s.ask("a broker by word", describeConfigsRequest(resource(4, "one")))
	s.ask("logger of another broker", describeConfigsRequest(resource(8, "9")))
	s.ask("loggers without broker", describeConfigsRequest(resource(8, "")))
	s.ask("type 0", describeConfigsRequest(resource(0, "x")))
	s.ask("type 99", describeConfigsRequest(resource(99, "x")))
	s.ask("group", describeConfigsRequest(resource(32, s.name("g"))))
	s.ask("empty group", describeConfigsRequest(resource(32, "")))
	s.ask("client metrics", describeConfigsRequest(resource(16, s.name("m"))))
	s.ask("empty client metrics", describeConfigsRequest(resource(16, "")))
	s.ask("nothing", describeConfigsRequest())
}

// describeConfigsEverythingScript holds every config of a broker against Kafka's.
func describeConfigsEverythingScript(s *session) {
	r := describeConfigsRequest(resource(4, "1"))
	r.IncludeSynonyms = true
	s.ask("the broker", r)
	a := s.topic("a", 1)
	r = describeConfigsRequest(resource(2, a))
	r.IncludeSynonyms = true
	s.ask("a topic", r)
}

func describeClusterScript(s *session) {
	r := kmsg.NewPtrDescribeClusterRequest()
	s.ask("plain", r)
	r.IncludeClusterAuthorizedOperations = true
	s.ask("authorized operations", r)
	if s.version >= 1 {
		for _, kind := range []int8{2, 0, 3, -1} {
			r = kmsg.NewPtrDescribeClusterRequest()
			r.EndpointType = kind
			s.ask(fmt.Sprint("endpoint type ", kind), r)
		}
	}
	if s.version >= 2 {
		r = kmsg.NewPtrDescribeClusterRequest()
		r.IncludeFencedBrokers = true
		s.ask("fenced brokers", r)
	}
}

func apiVersionsScript(s *session) {
	request := func(name, version string) *kmsg.ApiVersionsRequest {
		r := kmsg.NewPtrApiVersionsRequest()
		r.ClientSoftwareName, r.ClientSoftwareVersion = name, version
		return r
	}
	s.ask("plain", request("oracle", "1.0"))
	s.ask("again", request("oracle", "1.0"))
	if s.version >= 3 {
		for _, name := range []string{"", "-a", "a-", "a b", "a_b", "a.b-c", "1", "ä"} {
			resp := s.ask("software name "+name, request(name, "1"))
			if resp.(*kmsg.ApiVersionsResponse).ErrorCode == 0 {
				s.steps = s.steps[:len(s.steps)-1]
				s.note("software name "+name, "accepted")
			}
		}
		s.ask("no version", request("a", ""))
	}
	if s.version >= 5 {
		other, own := "another cluster", &s.target.clusterID
		for _, c := range []struct {
			label   string
			cluster *string
			node    int32
		}{{"means this node", own, 1}, {"means another node", own, 7}, {"means any node", own, -1}, {"means another cluster", &other, 1}, {"means a node of any cluster", nil, 7},
			{"means any node of another cluster", &other, -1}} {
			r := request("oracle", "1.0")
			r.ClusterID, r.NodeID = c.cluster, c.node
			resp := s.ask(c.label, r)
			if resp.(*kmsg.ApiVersionsResponse).ErrorCode == 0 {
				s.steps = s.steps[:len(s.steps)-1]
				s.note(c.label, "accepted")
			}
		}
	}
}
