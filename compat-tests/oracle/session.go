package oracle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

// session is one script in one version against one broker. What a script makes has names of its own there: it sees "a", the broker
// "o1f03-7-a", and transcripts have "a" again.
type session struct {
	t       testing.TB
	target  *target
	version int16
	api     kmsg.Key
	prefix  string
	conn    *harness.Conn
	ids     map[string][16]byte
	words   map[string]string // what stands for itself in transcripts: ids, numbers
	steps   []step
}

// target is the broker that is asked.
type target struct {
	addr      string
	port      string
	release   string // of Kafka; "" for Sordini
	clusterID string
	serves    map[int16][2]int16
	run       string // tells runs against one broker apart
	sessions  int
}

// step is one answer: its label, and what is in it.
type step struct {
	label string
	lines []string
}

func newTarget(t testing.TB, addr, release string) *target {
	t.Helper()
	c, err := harness.Dial(addr, clientID)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tg := &target{addr: addr, release: release, serves: map[int16][2]int16{}, run: fmt.Sprintf("o%04x", rand.Uint32N(1<<16))}
	_, tg.port, _ = strings.Cut(addr, ":")
	resp, err := c.Ask(kmsg.NewPtrApiVersionsRequest())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range resp.(*kmsg.ApiVersionsResponse).ApiKeys {
		tg.serves[k.ApiKey] = [2]int16{k.MinVersion, k.MaxVersion}
	}
	if release == "4.4.0" {
		tg.serves[int16(kmsg.Produce)] = [2]int16{3, 13} // it says 0 and closes
	}
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Version, metadata.Topics = 9, []kmsg.MetadataRequestTopic{}
	resp, err = c.Ask(metadata)
	if err != nil {
		t.Fatal(err)
	}
	tg.clusterID = *resp.(*kmsg.MetadataResponse).ClusterID
	return tg
}

func (tg *target) session(t testing.TB, version int16) *session {
	tg.sessions++
	s := &session{t: t, target: tg, version: version, prefix: fmt.Sprintf("%s-%d-", tg.run, tg.sessions), ids: map[string][16]byte{}, words: map[string]string{}}
	s.redial()
	return s
}

func (s *session) redial() {
	s.t.Helper()
	s.end()
	var err error
	if s.conn, err = harness.Dial(s.target.addr, clientID); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) end() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// name is the broker's name for what the script calls short.
func (s *session) name(short string) string { return s.prefix + short }

// word makes a value appear as a word in transcripts.
func (s *session) word(value any, word string) { s.words[fmt.Sprint(value)] = word }

// ask sends a request in the session's version and records the answer.
func (s *session) ask(label string, r kmsg.Request) kmsg.Response {
	s.t.Helper()
	r.SetVersion(s.version)
	resp, err := s.conn.Ask(r)
	for deadline := time.Now().Add(harness.Patience); err == nil && notReady(resp) && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
		resp, err = s.conn.Ask(r)
	}
	switch {
	case errors.Is(err, io.EOF):
		s.steps = append(s.steps, step{label, []string{"closed"}})
		s.redial()
	case err != nil:
		s.t.Errorf("%s v%d, %q: %v", kmsg.NameForKey(r.Key()), s.version, label, err)
		s.steps = append(s.steps, step{label, []string{"error: " + err.Error()}})
		s.redial()
	default:
		s.steps = append(s.steps, step{label, s.render(resp)})
	}
	return resp
}

// note records something that is not an answer.
func (s *session) note(label string, lines ...string) { s.steps = append(s.steps, step{label, lines}) }

// must asks in a version that every broker serves and records nothing: it is for what a script stands on. It asks again while Kafka's leaders
// and coordinators are not ready.
func (s *session) must(version int16, r kmsg.Request) kmsg.Response {
	s.t.Helper()
	r.SetVersion(version)
	for deadline := time.Now().Add(harness.Patience); ; time.Sleep(10 * time.Millisecond) {
		resp, err := s.conn.Ask(r)
		if err != nil {
			s.t.Fatalf("prepare: %s v%d: %v", kmsg.NameForKey(r.Key()), version, err)
		}
		code := firstCode(resp)
		if code == 0 {
			return resp
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("prepare: %s v%d: error %d in %+v", kmsg.NameForKey(r.Key()), version, code, resp)
		}
	}
}

// notReady tells of an answer that a broker which has just started gives, or one that has just made a topic.
func notReady(resp kmsg.Response) bool {
	switch firstCode(resp) {
	case 14, 15, 16:
		return true
	}
	return false
}

// topic makes a topic, waits until its leaders take requests, and returns its name. Configs come in pairs.
func (s *session) topic(short string, partitions int32, configs ...string) string {
	s.t.Helper()
	create := kmsg.NewPtrCreateTopicsRequest()
	create.TimeoutMillis = 10_000
	t := newTopic(s.name(short), partitions, 1)
	t.Configs = append(t.Configs, topicConfig("retention.ms", "-1")) // the records of the scripts are old
	for i := 0; i < len(configs); i += 2 {
		t.Configs = append(t.Configs, topicConfig(configs[i], configs[i+1]))
	}
	create.Topics = append(create.Topics, t)
	resp := s.must(7, create).(*kmsg.CreateTopicsResponse)
	s.word(resp.Topics[0].TopicID, "id of "+short)
	list := kmsg.NewPtrListOffsetsRequest()
	list.ReplicaID = -1
	list.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: t.Topic}}
	for p := range partitions {
		list.Topics[0].Partitions = append(list.Topics[0].Partitions, kmsg.ListOffsetsRequestTopicPartition{Partition: p, CurrentLeaderEpoch: -1, Timestamp: -2})
	}
	s.must(5, list)
	s.ids[t.Topic] = resp.Topics[0].TopicID
	return t.Topic
}

// topicOf waits for a topic that somebody made or that is made by asking, and makes its id a word.
func (s *session) topicOf(topic string) {
	s.t.Helper()
	if topic == "__consumer_offsets" {
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.CoordinatorKey = "oracle"
		s.must(3, find)
	}
	s.ids[topic] = s.id(topic)
}

// unanswered sends what must not be answered, and looks what comes next on the connection.
func (s *session) unanswered(label string, r kmsg.Request) {
	s.t.Helper()
	r.SetVersion(s.version)
	if _, err := s.conn.Send(r); err != nil {
		s.t.Fatal(err)
	}
	_, err := s.conn.Ask(kmsg.NewPtrApiVersionsRequest())
	switch {
	case errors.Is(err, io.EOF):
		s.note(label, "closed")
		s.redial()
	case err != nil:
		s.note(label, "out of step: "+err.Error())
		s.redial()
	default:
		s.note(label, "no answer")
	}
}

// id returns a topic's id.
func (s *session) id(topic string) [16]byte {
	s.t.Helper()
	m := kmsg.NewPtrMetadataRequest()
	m.Topics = []kmsg.MetadataRequestTopic{{Topic: &topic}}
	id := s.must(12, m).(*kmsg.MetadataResponse).Topics[0].TopicID
	s.word(id, "id of "+strings.TrimPrefix(topic, s.prefix))
	return id
}

// fill appends a batch to a partition.
func (s *session) fill(topic string, partition int32, batch []byte) {
	s.t.Helper()
	p := kmsg.NewPtrProduceRequest()
	p.Acks, p.TimeoutMillis = -1, 10_000
	p.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: partition, Records: batch}}}}
	s.must(7, p)
}

func newTopic(name string, partitions int32, factor int16) kmsg.CreateTopicsRequestTopic {
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, factor
	return t
}

func topicConfig(name, value string) kmsg.CreateTopicsRequestTopicConfig {
	return kmsg.CreateTopicsRequestTopicConfig{Name: name, Value: &value}
}

// raw asks ApiVersions in a version that the broker does not know, in the frame of the oldest header; the answer is of version 0.
func (s *session) raw(label string, r *kmsg.ApiVersionsRequest, version int16) {
	s.t.Helper()
	answer, err := s.conn.AskRaw(header(r.Key(), version))
	if err != nil {
		s.note(label, "closed")
		s.redial()
		return
	}
	var resp kmsg.ApiVersionsResponse
	if len(answer) < 4 || resp.ReadFrom(answer[4:]) != nil {
		s.note(label, fmt.Sprintf("unreadable: %x", answer))
		return
	}
	s.note(label, s.render(&resp)...)
}

// rawKey asks any API with an empty body.
func (s *session) rawKey(label string, key, version int16) {
	s.t.Helper()
	answer, err := s.conn.AskRaw(header(key, version))
	switch {
	case errors.Is(err, io.EOF):
		s.note(label, "closed")
	case err != nil:
		s.note(label, "no answer")
	default:
		s.note(label, fmt.Sprintf("an answer of %d bytes", len(answer)))
	}
	s.redial()
}

func header(key, version int16) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, 7)
	b = binary.BigEndian.AppendUint16(b, uint16(len(clientID)))
	return append(append(b, clientID...), 0)
}
