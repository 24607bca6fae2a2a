package harness

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AdminCaller is a Client whose admin calls differ from version to version. The ops and their arguments are in
// compat-tests/README.md.
type AdminCaller interface {
	// AdminCall makes one of the calls of Features.Admin. The error is the client's own.
	AdminCall(t testing.TB, op string, args map[string]any, result any) error
}

// administration is what the admin step works on.
type administration struct {
	b            *Broker
	c            Client
	a            AdminCaller
	topic, group string
}

// adminOps are the admin calls in the order in which the step makes them, each with the APIs that it may need: alter uses
// one of two.
var adminOps = []struct {
	op   string
	keys []kmsg.Key
	do   func(*administration, testing.TB)
}{
	{"create", []kmsg.Key{kmsg.CreateTopics}, (*administration).create},
	{"topics", []kmsg.Key{kmsg.Metadata}, (*administration).topics},
	{"config", []kmsg.Key{kmsg.DescribeConfigs}, (*administration).config},
	{"alter", []kmsg.Key{kmsg.AlterConfigs, kmsg.IncrementalAlterConfigs}, (*administration).alter},
	{"grow", []kmsg.Key{kmsg.CreatePartitions}, (*administration).grow},
	{"truncate", []kmsg.Key{kmsg.DeleteRecords}, (*administration).truncate},
	{"groups", []kmsg.Key{kmsg.ListGroups}, (*administration).groups},
	{"group", []kmsg.Key{kmsg.DescribeGroups}, (*administration).describeGroup},
	{"committed", []kmsg.Key{kmsg.OffsetFetch}, (*administration).committed},
	{"dropGroup", []kmsg.Key{kmsg.DeleteGroups}, (*administration).dropGroup},
	{"drop", []kmsg.Key{kmsg.DeleteTopics}, (*administration).drop},
}

// adminCalls makes each admin call that the client has and the broker advertises, and asks the broker itself what came of it.
func adminCalls(t *testing.T, b *Broker, c Client) string {
	s := &administration{b: b, c: c, a: c.(AdminCaller), topic: c.Name() + "-admin", group: c.Name() + "-admin-group"}
	s.prepareGroup(t)
	var done, later []string
	for _, o := range adminOps {
		if !slices.Contains(c.Features().Admin, o.op) {
			continue
		}
		if slices.ContainsFunc(o.keys, func(k kmsg.Key) bool { return !b.Advertises(t, k) }) {
			later = append(later, o.op)
			continue
		}
		o.do(s, t)
		done = append(done, o.op)
	}
	detail := strings.Join(done, " ")
	if len(later) > 0 {
		detail += "; not advertised: " + strings.Join(later, " ")
	}
	return detail
}

// prepareGroup gives the group calls a group that has no member: offsets committed from outside.
func (s *administration) prepareGroup(t testing.TB) {
	t.Helper()
	settle(t, s.b, s.topic+"-read")
	s.c.Produce(t, ProduceArgs{Topic: s.topic + "-read", Codec: "none", Acks: "all", Records: []Record{{Timestamp: TimestampNow, Value: []byte("v")}}})
	s.b.Admin(t, func(ctx context.Context, adm *kadm.Client) error {
		var o kadm.Offsets
		o.AddOffset(s.topic+"-read", 0, 1, -1)
		return adm.CommitAllOffsets(ctx, s.group, o)
	})
}

func (s *administration) must(t testing.TB, op string, args map[string]any, result any) {
	t.Helper()
	if err := s.a.AdminCall(t, op, args, result); err != nil {
		t.Fatalf("%s: admin %s %v: %v", s.c.Name(), op, args, err)
	}
}

func (s *administration) create(t testing.TB) {
	t.Helper()
	args := map[string]any{"topic": s.topic, "partitions": 3, "configs": map[string]string{"retention.ms": "3600000"}}
	s.must(t, "create", args, nil)
	s.await(t, "the topic has 3 partitions", func() (bool, string) {
		n := s.partitions(t)
		return n == 3, fmt.Sprint(n)
	})
	s.expectConfig(t, "retention.ms", "3600000")
	if err := s.a.AdminCall(t, "create", args, nil); err == nil || !strings.Contains(strings.ToLower(err.Error()), "exist") {
		t.Errorf("%s: a topic that exists is created again: %v, want an error that says so", s.c.Name(), err)
	}
}

func (s *administration) topics(t testing.TB) {
	t.Helper()
	var names []string
	s.must(t, "topics", nil, &names)
	if !slices.Contains(names, s.topic+"-read") {
		t.Errorf("%s lists the topics %v, want %s-read among them", s.c.Name(), names, s.topic)
	}
}

func (s *administration) config(t testing.TB) {
	t.Helper()
	var value string
	s.must(t, "config", map[string]any{"topic": s.topic, "name": "retention.ms"}, &value)
	if value != "3600000" {
		t.Errorf("%s: retention.ms is %q, want 3600000", s.c.Name(), value)
	}
}

func (s *administration) alter(t testing.TB) {
	t.Helper()
	s.must(t, "alter", map[string]any{"topic": s.topic, "name": "retention.ms", "value": "7200000"}, nil)
	s.expectConfig(t, "retention.ms", "7200000")
}

func (s *administration) grow(t testing.TB) {
	t.Helper()
	s.must(t, "grow", map[string]any{"topic": s.topic, "partitions": 5}, nil)
	s.await(t, "the topic has 5 partitions", func() (bool, string) {
		n := s.partitions(t)
		return n == 5, fmt.Sprint(n)
	})
}

func (s *administration) truncate(t testing.TB) {
	t.Helper()
	var records []Record
	for i := range 10 {
		records = append(records, Record{Partition: 2, Timestamp: TimestampNow, Key: []byte("k"), Value: fmt.Append(nil, i)})
	}
	s.c.Produce(t, ProduceArgs{Topic: s.topic, Codec: "none", Acks: "all", Records: records})
	s.must(t, "truncate", map[string]any{"topic": s.topic, "partition": 2, "offset": 6}, nil)
	s.b.Admin(t, func(ctx context.Context, adm *kadm.Client) error {
		starts, err := adm.ListStartOffsets(ctx, s.topic)
		if o, ok := starts.Lookup(s.topic, 2); ok && o.Offset != 6 {
			t.Errorf("%s: the log starts at %d after it was truncated, want 6", s.c.Name(), o.Offset)
		}
		return err
	})
}

func (s *administration) groups(t testing.TB) {
	t.Helper()
	var groups []string
	s.must(t, "groups", nil, &groups)
	if !slices.Contains(groups, s.group) {
		t.Errorf("%s lists the groups %v, want %s among them", s.c.Name(), groups, s.group)
	}
}

func (s *administration) describeGroup(t testing.TB) {
	t.Helper()
	var state string
	s.must(t, "group", map[string]any{"group": s.group}, &state)
	if !strings.EqualFold(state, "Empty") {
		t.Errorf("%s: the state of %s is %q, want Empty", s.c.Name(), s.group, state)
	}
}

func (s *administration) committed(t testing.TB) {
	t.Helper()
	var offset int64
	s.must(t, "committed", map[string]any{"group": s.group, "topic": s.topic + "-read", "partition": 0}, &offset)
	if offset != 1 {
		t.Errorf("%s: %s has committed %d, want 1", s.c.Name(), s.group, offset)
	}
}

func (s *administration) dropGroup(t testing.TB) {
	t.Helper()
	s.must(t, "dropGroup", map[string]any{"group": s.group}, nil)
	s.b.Admin(t, func(ctx context.Context, adm *kadm.Client) error {
		groups, err := adm.ListGroups(ctx)
		if slices.Contains(groups.Groups(), s.group) {
			t.Errorf("%s: %s is still there after it was deleted", s.c.Name(), s.group)
		}
		return err
	})
}

func (s *administration) drop(t testing.TB) {
	t.Helper()
	s.must(t, "drop", map[string]any{"topic": s.topic}, nil)
	s.await(t, "the topic is gone", func() (bool, string) {
		n := s.partitions(t)
		return n == 0, fmt.Sprintf("%d partitions", n)
	})
}

func (s *administration) await(t testing.TB, what string, condition func() (bool, string)) {
	t.Helper()
	eventually(t, s.b, what, 10*time.Second, condition)
}

// partitions counts them; 0: there is no such topic.
func (s *administration) partitions(t testing.TB) (n int) {
	t.Helper()
	s.b.Admin(t, func(ctx context.Context, adm *kadm.Client) error {
		topics, err := adm.ListTopics(ctx, s.topic)
		n = len(topics[s.topic].Partitions)
		return err
	})
	return n
}

func (s *administration) expectConfig(t testing.TB, name, want string) {
	t.Helper()
	s.await(t, name+" is "+want, func() (bool, string) {
		got := ""
		s.b.Admin(t, func(ctx context.Context, adm *kadm.Client) error {
			configs, err := adm.DescribeTopicConfigs(ctx, s.topic)
			for _, resource := range configs {
				for _, c := range resource.Configs {
					if c.Key == name {
						got = c.MaybeValue()
					}
				}
			}
			return err
		})
		return got == want, got
	})
}
