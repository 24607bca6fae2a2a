package oracle

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

// askAs is ask in another version than the session's.
func (s *session) askAs(version int16, label string, r kmsg.Request) kmsg.Response {
	s.t.Helper()
	own := s.version
	s.version = version
	defer func() { s.version = own }()
	return s.ask(label, r)
}

// inSession makes a fetch that belongs to a fetch session.
func (s *session) inSession(id, epoch int32, parts ...fetched) *kmsg.FetchRequest {
	r := s.fetchRequest(parts...)
	r.SessionID, r.SessionEpoch = id, epoch
	return r
}

// opened opens a session, recorded under the label, and makes its id a word.
func (s *session) opened(label string, parts ...fetched) int32 {
	s.t.Helper()
	id := s.ask(label, s.inSession(0, 0, parts...)).(*kmsg.FetchResponse).SessionID
	s.word(id, "session of: "+label)
	return id
}

func (s *session) forgotten(topic string, partitions ...int32) kmsg.FetchRequestForgottenTopic {
	t := kmsg.FetchRequestForgottenTopic{Topic: topic, Partitions: partitions}
	if s.version >= 13 {
		t.TopicID = s.idOrGhost(topic)
	}
	return t
}

func fetchSessionsOddScript(s *session) {
	a, b := s.filled("a"), s.filled("b")
	id := s.opened("open", fetched{topic: a, offset: 9}, fetched{topic: b, offset: 9})
	r := s.inSession(id, 1, fetched{topic: a, offset: 7})
	r.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{s.forgotten(a, 0)}
	s.ask("change and forget", r)
	s.ask("after that", s.inSession(id, 2))
	r = s.inSession(id, 3)
	r.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{s.forgotten(a, 7), s.forgotten(s.name("ghost"), 0), s.forgotten(b)}
	s.ask("forget what is not there", r)
	s.ask("after forgetting nothing", s.inSession(id, 4, fetched{topic: b, offset: 7}))
	s.ask("the same partition twice", s.inSession(id, 5, fetched{topic: b, offset: 4}, fetched{topic: b, offset: 9}))
	s.ask("after that twice", s.inSession(id, 6))
	r = s.inSession(id, 7)
	r.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{s.forgotten(b, 0), s.forgotten(a, 0)}
	s.ask("forget everything", r)
	s.ask("after forgetting everything", s.inSession(id, 8))
	s.ask("begin again", s.inSession(id, 9, fetched{topic: a, partition: 1}, fetched{topic: b, partition: 1}))

	id = s.opened("open at bad offsets", fetched{topic: a, offset: 99}, fetched{topic: a, partition: 1, offset: -5}, fetched{topic: b, offset: 9})
	s.ask("bad offsets are told again", s.inSession(id, 1))
	s.ask("one is mended", s.inSession(id, 2, fetched{topic: a, offset: 9}))
	s.deleteBefore(b, 0, 9)
	s.ask("records were deleted", s.inSession(id, 3))
	s.ask("nothing new after that", s.inSession(id, 4))
	r = s.inSession(id, 5, fetched{topic: b, offset: 9, edit: func(p *kmsg.FetchRequestTopicPartition) { p.CurrentLeaderEpoch = 77 }})
	s.ask("an epoch ahead", r)
	if s.version >= 12 {
		s.ask("a last epoch ahead", s.inSession(id, 6, fetched{topic: b, offset: 9, edit: func(p *kmsg.FetchRequestTopicPartition) { p.LastFetchedEpoch = 7 }}))
	}
	s.ask("epoch -5", s.inSession(id, -5, fetched{topic: a, offset: 9}))
	s.ask("session -5", s.inSession(-5, 1, fetched{topic: a, offset: 9}))
	s.ask("session -5 begins", s.inSession(-5, 0, fetched{topic: a, offset: 9}))
	s.ask("close an unknown one", s.inSession(4711, -1, fetched{topic: a, offset: 9}))

	r = s.inSession(0, 0, fetched{topic: a, offset: 9}, fetched{topic: a, offset: 7})
	id = s.ask("open with a partition twice", r).(*kmsg.FetchResponse).SessionID
	s.word(id, "session with a partition twice")
	s.ask("a partition twice, again", s.inSession(id, 1))
	r = s.inSession(0, 0, fetched{topic: a, offset: 9}, fetched{topic: b, offset: 9})
	r.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{s.forgotten(b, 0)}
	s.ask("open and forget", r)
	r = s.inSession(0, 0)
	t := kmsg.FetchRequestTopic{Topic: a}
	if s.version >= 13 {
		t.TopicID = s.ids[a]
	}
	r.Topics = append(r.Topics, t)
	s.ask("open with a topic without partitions", r)
	id = s.opened("a wait", fetched{topic: a, offset: 9})
	r = s.inSession(id, 1)
	r.MaxWaitMillis = 50
	s.ask("nothing comes", r)
	r = s.inSession(id, 2)
	r.IsolationLevel, r.MaxBytes = 1, 1
	s.ask("other limits", r)
}

func fetchSessionsTopicsScript(s *session) {
	a := s.filled("a")
	late := s.name("late")
	id := s.opened("open with a topic that comes later", fetched{topic: a, offset: 9}, fetched{topic: late})
	s.ask("it is not there yet", s.inSession(id, 1))
	late = s.filled("late")
	if s.version < 13 {
		s.ask("it is there", s.inSession(id, 2))
		s.ask("it was told", s.inSession(id, 3, fetched{topic: late, offset: 9}))
	} else {
		s.ask("it is there, under another id", s.inSession(id, 2))
		s.ask("the right id is added", s.inSession(id, 3, fetched{topic: late, offset: 9}))
	}
	s.delete(late)
	s.ask("it was deleted", s.inSession(id, 4))
	s.ask("it is still deleted", s.inSession(id, 5))
	old := s.ids[late]
	again := s.topic("late", 1)
	s.word(old, "the old id")
	if s.version < 13 {
		s.ask("it is there again", s.inSession(id, 6))
		s.ask("from its start", s.inSession(id, 7, fetched{topic: again}))
		return
	}
	s.ask("it is there again, under a new id", s.inSession(id, 6))
	s.ask("with the new id", s.inSession(id, 7, fetched{topic: again}))
	r := s.inSession(id, 8)
	r.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{TopicID: old, Partitions: []int32{0}}}
	s.ask("forget the old id", r)
	s.ask("nothing is left to say", s.inSession(id, 9))
	zero := s.inSession(id, 10, fetched{topic: a})
	zero.Topics[0].TopicID = [16]byte{}
	s.ask("no id in a session", zero)
	other := int16(12)
	s.version = other
	names := s.inSession(id, 11, fetched{topic: a, offset: 9})
	s.version = 13
	s.askAs(other, "go on by name", names)
	s.askAs(other, "by name, again", names)
	id = s.askAs(other, "open by name", s.byName(s.inSession(0, 0, fetched{topic: a, offset: 9}))).(*kmsg.FetchResponse).SessionID
	s.word(id, "session by name")
	s.ask("go on by id", s.inSession(id, 1, fetched{topic: a, offset: 9}))
	s.askAs(other, "go on by name after all", s.byName(s.inSession(id, 1)))
}

func (s *session) byName(r *kmsg.FetchRequest) *kmsg.FetchRequest {
	for i := range r.Topics {
		r.Topics[i].TopicID = [16]byte{}
	}
	return r
}

// delete deletes a topic and waits until the broker does not know it.
func (s *session) delete(topic string) {
	s.t.Helper()
	r := kmsg.NewPtrDeleteTopicsRequest()
	r.TimeoutMillis, r.TopicNames = 10_000, []string{topic}
	s.must(4, r)
	list := listRequest(topic, 0, -1)
	list.SetVersion(5)
	for deadline := time.Now().Add(harness.Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		resp, err := s.conn.Ask(list)
		if err != nil {
			s.t.Fatal(err)
		}
		if firstCode(resp) == 3 {
			return
		}
	}
	s.t.Fatalf("%s is not gone", topic)
}
