package oracle

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Scripts about what tools ask a cluster for, and one broker has little to say to.

func listConfigResourcesScript(s *session) {
	if s.target.release == "3.9.1" {
		s.t.Skip("groups have no configs there; 4.4.0 measures every version")
	}
	s.topicOf("__consumer_offsets")
	a := s.topic("a", 1)
	subscription, group := s.name("m"), s.name("g")
	s.must(1, change(changed(16, subscription, set("interval.ms", "60000")), changed(32, group, set("consumer.session.timeout.ms", "50000"))))
	if s.target.release != "" {
		time.Sleep(settling)
	}
	list := func(label string, kinds ...int8) {
		r := kmsg.NewPtrListConfigResourcesRequest()
		r.ResourceTypes = append([]int8{}, kinds...)
		s.ask(label, r)
	}
	list("all")
	if s.version >= 1 {
		for _, kind := range []int8{2, 4, 8, 16, 32} {
			list(fmt.Sprint("type ", kind), kind)
		}
		list("two types", 16, 32)
		list("a type twice", 16, 16)
		for _, kind := range []int8{0, 1, 3, 64, -1} {
			list(fmt.Sprint("type ", kind), kind)
		}
		list("a good and a bad type", 16, 3)
	}
	s.must(1, change(changed(16, subscription, unset("interval.ms")), changed(32, group, unset("consumer.session.timeout.ms")), changed(2, a, unset("retention.ms"))))
}

func listReassignmentsScript(s *session) {
	a := s.topic("a", 2)
	request := func(topics ...kmsg.ListPartitionReassignmentsRequestTopic) *kmsg.ListPartitionReassignmentsRequest {
		r := kmsg.NewPtrListPartitionReassignmentsRequest()
		r.TimeoutMillis = 10_000
		r.Topics = append([]kmsg.ListPartitionReassignmentsRequestTopic{}, topics...)
		return r
	}
	of := func(topic string, partitions ...int32) kmsg.ListPartitionReassignmentsRequestTopic {
		return kmsg.ListPartitionReassignmentsRequestTopic{Topic: topic, Partitions: partitions}
	}
	all := request()
	all.Topics = nil
	s.ask("all", all)
	s.ask("nothing", request())
	s.ask("one", request(of(a, 0, 1)))
	s.ask("unknown", request(of(a, 7), of(s.name("ghost"), 0)))
	s.ask("no partitions", request(of(a)))
	s.ask("bad name", request(of("a b", 0), of("", 0)))
	s.ask("twice", request(of(a, 0, 0), of(a, 0)))
	all.TimeoutMillis = 0
	s.ask("timeout 0", all)
}

func electLeadersScript(s *session) {
	s.topicOf("__consumer_offsets")
	a := s.topic("a", 2)
	of := func(topic string, partitions ...int32) kmsg.ElectLeadersRequestTopic {
		return kmsg.ElectLeadersRequestTopic{Topic: topic, Partitions: partitions}
	}
	ask := func(label string, kind int8, topics ...kmsg.ElectLeadersRequestTopic) {
		r := kmsg.NewPtrElectLeadersRequest()
		r.TimeoutMillis, r.ElectionType, r.Topics = 10_000, kind, topics
		s.ask(label, r)
	}
	none := []kmsg.ElectLeadersRequestTopic{}
	kinds := []int8{0}
	if s.version >= 1 {
		kinds = []int8{0, 1, 2, -1}
	}
	for _, kind := range kinds {
		name := fmt.Sprint("type ", kind)
		ask(name+", all", kind)
		ask(name+", none", kind, none...)
		ask(name+", two", kind, of(a, 0, 1))
		ask(name+", unknown", kind, of(a, 0, 7, -1), of(s.name("ghost"), 0))
		ask(name+", no partitions", kind, of(a))
	}
	ask("bad name", 0, of("a b", 0), of("", 0))
	ask("a partition twice", 0, of(a, 0, 0))
	ask("a topic twice", 0, of(a, 0), of(a, 1))
}

func describeQuorumScript(s *session) {
	request := func(topics ...kmsg.DescribeQuorumRequestTopic) *kmsg.DescribeQuorumRequest {
		r := kmsg.NewPtrDescribeQuorumRequest()
		r.Topics = topics
		return r
	}
	of := func(topic string, partitions ...int32) kmsg.DescribeQuorumRequestTopic {
		t := kmsg.DescribeQuorumRequestTopic{Topic: topic}
		for _, p := range partitions {
			t.Partitions = append(t.Partitions, kmsg.DescribeQuorumRequestTopicPartition{Partition: p})
		}
		return t
	}
	a := s.topic("a", 1)
	s.ask("the metadata", request(of("__cluster_metadata", 0)))
	s.ask("another partition", request(of("__cluster_metadata", 1)))
	s.ask("another topic", request(of(a, 0)))
	s.ask("both", request(of("__cluster_metadata", 0), of(a, 0)))
	s.ask("two partitions", request(of("__cluster_metadata", 0, 1)))
	s.ask("twice", request(of("__cluster_metadata", 0), of("__cluster_metadata", 0)))
	s.ask("no partitions", request(of("__cluster_metadata")))
	s.ask("nothing", request())
}
