package groupcoord

import (
	"context"
	"strings"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sordini/sordini/groupcoord/group"
	"github.com/sordini/sordini/groupcoord/runtime"
	"github.com/sordini/sordini/protocol/batch"
)

// The topics that the coordinators keep their state in: OffsetsTopic has the groups with their offsets, StateTopic the transactional ids with their
// transactions.
const (
	OffsetsTopic = "__consumer_offsets"
	StateTopic   = "__transaction_state"
)

// Service is the group coordinator of one broker.
type Service struct {
	cfg Config
	rt  *runtime.Runtime
}

// New returns a Service that leads nothing yet.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, rt: runtime.New(runtime.Config{
		Clock:           cfg.Clock,
		Logger:          cfg.Logger,
		NewMachine:      func() runtime.Machine { return machine{group.New(cfg.Group)} },
		MaxBatchBytes:   cfg.Group.MaxRecordBytes,
		LoadParallelism: cfg.LoadParallelism,
	})}
}

// Lead starts the coordinator of a partition of __consumer_offsets. Loading
// runs in the background; until it is done its groups get
// COORDINATOR_LOAD_IN_PROGRESS.
func (s *Service) Lead(partition, leaderEpoch int32, log runtime.PartitionLog) {
	s.rt.Lead(partition, leaderEpoch, log)
}

// Resign stops the coordinator of a partition. When it returns, what waited
// there has been answered with NOT_COORDINATOR and the log is not used any more.
func (s *Service) Resign(partition int32) { s.rt.Resign(partition) }

// Run returns when ctx ends and every shard has stopped.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return s.Close()
}

// Close stops every shard and waits for their goroutines.
func (s *Service) Close() error {
	s.rt.Close()
	return nil
}

// TopicsDeleted removes the offsets of deleted topics in the background.
func (s *Service) TopicsDeleted(topics []string) {
	if len(topics) > 0 {
		s.rt.Tell(&group.TopicsDeleted{Topics: topics})
	}
}

// RetainTopics removes, in the background, the offsets of all topics that do not
// exist: the broker may have died between the deletion of a topic and that of its
// offsets, and a topic of the same name must not begin at them. It is called at the
// start with the first metadata, after Lead and before requests can see that
// metadata: no commit for a topic that is created later comes before it.
func (s *Service) RetainTopics(exists func(topic string) bool) {
	s.rt.Tell(&group.TopicsRetained{Exists: exists})
}

// PartitionFor is the partition of __consumer_offsets a group lives on: the
// absolute value of Java's String.hashCode, modulo the partition count.
func (s *Service) PartitionFor(groupID string) int32 {
	hash := javaHash(groupID)
	if hash < 0 {
		hash = -hash
	}
	if hash < 0 { // the smallest int32 has no absolute value; Kafka takes 0
		hash = 0
	}
	return hash % max(s.cfg.OffsetsPartitions(), 1)
}

func javaHash(s string) int32 {
	var hash int32
	for _, r := range s {
		if r < 0x10000 {
			hash = 31*hash + r
			continue
		}
		high, low := utf16.EncodeRune(r)
		hash = 31*(31*hash+high) + low
	}
	return hash
}

// ask gives a group's event to the shard of the group and waits.
func ask[T any](ctx context.Context, s *Service, groupID string, e group.Event) (T, *kerr.Error) {
	response, err := s.rt.Call(ctx, s.PartitionFor(groupID), e)
	if err != nil {
		var none T
		return none, err
	}
	return response.(T), nil
}

// host is the address as Kafka writes it, Java's InetAddress.toString.
func (c *ClientInfo) host() string {
	if c.Host == "" || strings.HasPrefix(c.Host, "/") {
		return c.Host
	}
	return "/" + c.Host
}

// machine lets the runtime drive a group machine.
type machine struct{ m *group.Machine }

func (m machine) Decide(nowMs int64, token uint64, event any, out *runtime.Out) {
	e := event.(group.Event)
	if asked, ok := e.(interface{ SetTo(group.Token) }); ok {
		asked.SetTo(group.Token(token))
	}
	m.collect(m.m.Decide(nowMs, e), out)
}

func (m machine) Tick(nowMs int64, out *runtime.Out) { m.collect(m.m.Decide(nowMs, group.Tick{}), out) }

func (machine) collect(d *group.Decision, out *runtime.Out) {
	for _, r := range d.Records {
		out.Records = append(out.Records, runtime.Record(r))
	}
	if d.Txn != nil {
		out.Txn = &runtime.Txn{ProducerID: d.Txn.ProducerID, ProducerEpoch: d.Txn.ProducerEpoch}
		if e := d.Txn.Marker; e != nil {
			out.Txn.Marker = &batch.Marker{Commit: e.Commit, CoordinatorEpoch: e.CoordinatorEpoch}
		}
	}
	for _, r := range d.Replies {
		out.Replies = append(out.Replies, runtime.Reply{Token: uint64(r.To), Response: r.Response, AfterCommit: r.AfterCommit})
	}
}

func (m machine) NextTimerMs() int64 { return m.m.NextTimerMs() }
func (m machine) Apply(key, value []byte) error {
	return m.m.Apply(group.Record{Key: key, Value: value})
}
func (m machine) ApplyTxn(producerID int64, producerEpoch int16, key, value []byte) error {
	return m.m.ApplyTxn(producerID, producerEpoch, group.Record{Key: key, Value: value})
}
func (m machine) ApplyMarker(producerID int64, end batch.Marker) {
	m.m.ApplyMarker(producerID, end.Commit)
}
func (m machine) Loaded(nowMs int64) { m.m.Loaded(nowMs) }
