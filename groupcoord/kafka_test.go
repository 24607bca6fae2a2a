package groupcoord

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/groupcoord/group"
	"github.com/sordini/sordini/groupcoord/runtime/memlog"
)

var kafka = flag.String("kafka", "", "address of a real Kafka, to compare with (group.initial.rebalance.delay.ms=0)")

// peer is a coordinator under comparison.
type peer func(kmsg.Request) (kmsg.Response, error)

// TestSameAsKafka puts the same questions to a real Kafka and to a Service, and
// compares the answers, member ids and such apart.
func TestSameAsKafka(t *testing.T) {
	if *kafka == "" {
		t.Skip("needs -kafka host:port")
	}
	compareWithKafka(t, kafkaScenarios, func(c *group.Config) { c.InitialRebalanceDelayMs = 0 })
}

func compareWithKafka(t *testing.T, scenarios []kafkaScenario, limits func(*group.Config)) {
	id := kafkaTopic(t)
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			suffix := fmt.Sprintf("-%d", time.Now().UnixNano())
			theirs := sc.run(t, suffix, func() peer { return dial(t) }, id)
			service := local(t, id, limits)
			ours := sc.run(t, suffix, func() peer { return service }, id)
			for i := range min(len(theirs), len(ours)) {
				if theirs[i] != ours[i] {
					t.Errorf("step %d\nkafka %s\nours  %s", i, theirs[i], ours[i])
				}
			}
			t.Logf("%d answers compared", len(theirs))
		})
	}
}

// dial is one connection to the real Kafka.
func dial(t *testing.T) peer {
	conn, err := net.Dial("tcp", *kafka)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	formatter := kmsg.NewRequestFormatter(kmsg.FormatterClientID("c"))
	return func(req kmsg.Request) (kmsg.Response, error) {
		if _, err := conn.Write(formatter.AppendRequest(nil, req, 1)); err != nil {
			return nil, err
		}
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return nil, err
		}
		body := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(conn, body); err != nil {
			return nil, err
		}
		resp := req.ResponseKind()
		resp.SetVersion(req.GetVersion())
		body = body[4:]
		if resp.IsFlexible() {
			body = body[1:]
		}
		return resp, resp.ReadFrom(body)
	}
}

// kafkaTopic makes the topic t and returns its id.
func kafkaTopic(t *testing.T) [16]byte {
	p := dial(t)
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Version, create.TimeoutMillis = 2, 10_000
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "t", 4, 1
	create.Topics = append(create.Topics, topic)
	if _, err := p(create); err != nil {
		t.Fatal(err)
	}
	// The first question makes __consumer_offsets.
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey = "g"
	for range 100 {
		resp, err := p(find)
		if err != nil {
			t.Fatal(err)
		}
		if resp.(*kmsg.FindCoordinatorResponse).ErrorCode == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	// It answers before its fifty partitions are led.
	for i := range 200 {
		fetch := fetchRequest(7, 0)
		fetch.Group = fmt.Sprint("probe-", i)
		for range 100 {
			resp, err := p(fetch)
			if err != nil {
				t.Fatal(err)
			}
			if resp.(*kmsg.OffsetFetchResponse).ErrorCode == 0 {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	return kafkaMetadata(t, "t").TopicID
}

func kafkaMetadata(t *testing.T, topic string) kmsg.MetadataResponseTopic {
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Version = 12
	metadata.Topics = []kmsg.MetadataRequestTopic{{Topic: &topic}}
	resp, err := dial(t)(metadata)
	if err != nil {
		t.Fatal(err)
	}
	return resp.(*kmsg.MetadataResponse).Topics[0]
}

// local is a Service, asked over the wire format.
func local(t *testing.T, id [16]byte, limits func(*group.Config)) peer {
	var ids atomic.Int32
	cfg := Config{
		Clock: func() int64 { return time.Now().UnixMilli() }, Logger: slog.New(slog.DiscardHandler), Group: group.DefaultConfig(),
		OffsetsPartitions: func() int32 { return 1 },
		RandomID:          func() string { return fmt.Sprintf("00000000-0000-0000-0000-%012d", ids.Add(1)) },
		ResolveTopic: func(topic string, asked [16]byte, partition int32) (string, *kerr.Error) {
			switch {
			case topic == "" && asked != id:
				return "", kerr.UnknownTopicID
			case topic != "" && topic != "t" || partition > 3:
				return "", kerr.UnknownTopicOrPartition
			}
			return "t", nil
		},
		TopicID: func(topic string) ([16]byte, bool) { return id, topic == "t" },
	}
	limits(&cfg.Group)
	s := New(cfg)
	s.Lead(0, 0, &memlog.Log{})
	t.Cleanup(func() { s.Close() })
	for s.ListGroups(t.Context(), &kmsg.ListGroupsRequest{}).ErrorCode != 0 {
		time.Sleep(time.Millisecond)
	}
	return func(req kmsg.Request) (kmsg.Response, error) {
		again := kmsg.RequestForKey(req.Key())
		again.SetVersion(req.GetVersion())
		if err := again.ReadFrom(req.AppendTo(nil)); err != nil {
			return nil, err
		}
		resp := again.ResponseKind()
		resp.SetVersion(req.GetVersion())
		return resp, resp.ReadFrom(handle(context.Background(), s, again).AppendTo(nil))
	}
}

func handle(ctx context.Context, s *Service, req kmsg.Request) kmsg.Response {
	switch req := req.(type) {
	case *kmsg.JoinGroupRequest:
		return s.JoinGroup(ctx, req, ClientInfo{ID: "c", Host: "127.0.0.1"})
	case *kmsg.SyncGroupRequest:
		return s.SyncGroup(ctx, req)
	case *kmsg.HeartbeatRequest:
		return s.Heartbeat(ctx, req)
	case *kmsg.LeaveGroupRequest:
		return s.LeaveGroup(ctx, req)
	case *kmsg.OffsetCommitRequest:
		return s.OffsetCommit(ctx, req)
	case *kmsg.OffsetFetchRequest:
		return s.OffsetFetch(ctx, req)
	case *kmsg.DescribeGroupsRequest:
		return s.DescribeGroups(ctx, req)
	case *kmsg.ListGroupsRequest:
		return s.ListGroups(ctx, req)
	case *kmsg.DeleteGroupsRequest:
		return s.DeleteGroups(ctx, req)
	case *kmsg.OffsetDeleteRequest:
		return s.OffsetDelete(ctx, req)
	}
	return nil
}

// session asks one peer and keeps the answers as text.
type session struct {
	t       *testing.T
	dial2   func() peer // another connection to the same peer
	main    peer
	group   string
	topicID [16]byte
	members []string
	out     []string
}

var uuids = regexp.MustCompile(`[0-9a-zA-Z]+-[0-9a-f]{8}-[0-9a-f-]{27}`)

func (s *session) ask(req kmsg.Request) kmsg.Response { return s.askOn(s.main, req) }

func (s *session) askOn(p peer, req kmsg.Request) kmsg.Response {
	s.t.Helper()
	resp, err := p(req)
	if err != nil {
		s.t.Fatalf("%T v%d: %v", req, req.GetVersion(), err)
	}
	s.record(req, resp)
	return resp
}

func (s *session) record(req kmsg.Request, resp kmsg.Response) {
	s.order(resp)
	text, err := json.Marshal(resp)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, id := range uuids.FindAllString(string(text), -1) {
		if !slices.Contains(s.members, id) {
			s.members = append(s.members, id)
		}
		text = bytes.ReplaceAll(text, []byte(id), fmt.Appendf(nil, "<member %d>", slices.Index(s.members, id)))
	}
	text = regexp.MustCompile(`"(ThrottleMillis|UnknownTags)":(\d+|\{\}),?`).ReplaceAll(text, nil)
	s.out = append(s.out, fmt.Sprintf("%T v%d -> %s", req, req.GetVersion(), text))
}

// order sorts what Kafka gives in the order of its hash maps.
func (s *session) order(resp kmsg.Response) {
	switch resp := resp.(type) {
	case *kmsg.ListGroupsResponse:
		resp.Groups = slices.DeleteFunc(resp.Groups, func(g kmsg.ListGroupsResponseGroup) bool { return !strings.HasPrefix(g.Group, s.group) })
		slices.SortFunc(resp.Groups, func(a, b kmsg.ListGroupsResponseGroup) int { return strings.Compare(a.Group, b.Group) })
		if len(resp.Groups) == 0 {
			resp.Groups = nil
		}
	case *kmsg.DescribeGroupsResponse:
		slices.SortFunc(resp.Groups, func(a, b kmsg.DescribeGroupsResponseGroup) int { return strings.Compare(a.Group, b.Group) })
	case *kmsg.JoinGroupResponse:
		slices.SortFunc(resp.Members, func(a, b kmsg.JoinGroupResponseMember) int {
			return slices.Index(s.members, a.MemberID) - slices.Index(s.members, b.MemberID)
		})
	case *kmsg.OffsetCommitResponse:
		for _, topic := range resp.Topics {
			slices.SortFunc(topic.Partitions, func(a, b kmsg.OffsetCommitResponseTopicPartition) int { return int(a.Partition - b.Partition) })
		}
	case *kmsg.DeleteGroupsResponse:
		slices.SortStableFunc(resp.Groups, func(a, b kmsg.DeleteGroupsResponseGroup) int { return strings.Compare(a.Group, b.Group) })
	case *kmsg.OffsetDeleteResponse:
		slices.SortFunc(resp.Topics, func(a, b kmsg.OffsetDeleteResponseTopic) int { return strings.Compare(a.Topic, b.Topic) })
		for _, topic := range resp.Topics {
			slices.SortStableFunc(topic.Partitions, func(a, b kmsg.OffsetDeleteResponseTopicPartition) int { return int(a.Partition - b.Partition) })
		}
	case *kmsg.OffsetFetchResponse:
		for _, topic := range resp.Topics {
			slices.SortFunc(topic.Partitions, func(a, b kmsg.OffsetFetchResponseTopicPartition) int { return int(a.Partition - b.Partition) })
		}
		for _, g := range resp.Groups {
			for _, topic := range g.Topics {
				slices.SortFunc(topic.Partitions, func(a, b kmsg.OffsetFetchResponseGroupTopicPartition) int { return int(a.Partition - b.Partition) })
			}
		}
	}
}

func (s *session) join(version int16, group, member string, instance *string, change func(*kmsg.JoinGroupRequest)) *kmsg.JoinGroupRequest {
	req := joinRequest(version, member)
	req.Group, req.InstanceID = group, instance
	if version < 5 {
		req.InstanceID = nil
	}
	if change != nil {
		change(req)
	}
	return req
}

// joined joins and, if a member id is required, joins with it.
func (s *session) joined(version int16, group string, instance *string) *kmsg.JoinGroupResponse {
	resp := s.ask(s.join(version, group, "", instance, nil)).(*kmsg.JoinGroupResponse)
	if resp.ErrorCode == kerr.MemberIDRequired.Code {
		resp = s.ask(s.join(version, group, resp.MemberID, instance, nil)).(*kmsg.JoinGroupResponse)
	}
	return resp
}

func (s *session) sync(version int16, group, member string, generation int32, assign ...string) kmsg.Response {
	req := syncRequest(member, generation, assign...)
	for i := range req.GroupAssignment {
		req.GroupAssignment[i].MemberAssignment = []byte{byte(i)}
	}
	protocolType, protocol := "consumer", "range"
	req.Version, req.Group, req.ProtocolType, req.Protocol = version, group, &protocolType, &protocol
	return s.ask(req)
}

func (s *session) heartbeat(group, member string, generation int32) {
	req := heartbeatRequest(member, generation)
	req.Group = group
	s.ask(req)
}

func (s *session) commit(version int16, group, member string, generation int32, offsets ...int64) {
	req := commitRequest(version, offsets...)
	req.Group, req.MemberID, req.Generation = group, member, generation
	req.Topics[0].TopicID = s.topicID
	s.ask(req)
}

func (s *session) fetch(version int16, group string, partitions ...int32) {
	req := fetchRequest(version, partitions...)
	if req.Group = group; version >= 8 {
		req.Groups[0].Group, req.Groups[0].Topics[0].TopicID = group, s.topicID
		if partitions == nil {
			req.Groups[0].Topics = nil
		}
	} else if partitions == nil {
		req.Topics = nil
	}
	s.ask(req)
}

func (s *session) deleteGroups(groups ...string) {
	for v := range int16(3) {
		s.ask(&kmsg.DeleteGroupsRequest{Version: v, Groups: groups})
	}
}

func (s *session) offsetDelete(group string, topics map[string][]int32) {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = group
	for _, name := range slices.Sorted(maps.Keys(topics)) {
		topic := kmsg.NewOffsetDeleteRequestTopic()
		topic.Topic = name
		for _, p := range topics[name] {
			topic.Partitions = append(topic.Partitions, kmsg.OffsetDeleteRequestTopicPartition{Partition: p})
		}
		req.Topics = append(req.Topics, topic)
	}
	s.ask(req)
}

func (s *session) describe(groups ...string) {
	for v := range int16(7) {
		s.ask(&kmsg.DescribeGroupsRequest{Version: v, Groups: groups, IncludeAuthorizedOperations: v >= 3})
	}
}

func (s *session) list(states, types []string) {
	for v := range int16(6) {
		s.ask(&kmsg.ListGroupsRequest{Version: v, StatesFilter: states, TypesFilter: types})
	}
}

type kafkaScenario struct {
	name string
	do   func(*session)
}

func (sc *kafkaScenario) run(t *testing.T, suffix string, dial func() peer, id [16]byte) []string {
	s := &session{t: t, main: dial(), dial2: dial, group: strings.ReplaceAll(sc.name, " ", "-") + suffix, topicID: id}
	sc.do(s)
	for i := range s.out {
		s.out[i] = strings.ReplaceAll(strings.ReplaceAll(s.out[i], suffix, ""), base64.StdEncoding.EncodeToString(id[:]), "ID")
	}
	return s.out
}
