package group

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew; read the diff before you keep it")

// TestTranscripts replays testdata/*.txt. A line at the left margin is an event,
// the indented lines after it are everything that followed: what is
// written, what is answered ("..." = after the commit). Lines with # are
// comments. Events:
//
//	config initial-delay=0 max-size=2 ...
//	at 5000                        time passes until then, timers fire
//	join 1 v=5 group=g member= protocols=range:aa,rr:bb session=10000 rebalance=60000 instance=i client=c
//	sync 2 v=3 group=g gen=1 member=m assign=m:01,n:02
//	heartbeat 3 group=g gen=1 member=m
//	leave 4 v=3 group=g members=m,n/instance,/instance
//	commit 5 v=2 group=g gen=1 member=m offsets=t/0=10,t/1=20
//	fetch 6 group=g topics=t/0,t/1
//	txncommit 7 producer=1/0 group=g offsets=t/0=10   epoch 0 of producer 1; member and gen as in commit
//	verified 7                     the coordinator said yes: the same with the guard
//	unguard 7                      it said no
//	marker 8 producer=1/1 end=commit v=2
//	deletegroups 7 groups=g,h ; offsetdelete 8 group=g topics=t/0,t/1
//	describe 7 group=g ; list 8 states=Stable ; deleted topics=t
//	reload                         the coordinator moves: a new machine from the records
//	compact                        the same, after compaction of the log
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(want))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s: the transcript changed; -rewrite shows how\n%s", file, firstDifference(string(want), got))
			}
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range g {
		if i >= len(w) || w[i] != g[i] {
			line := "(end)"
			if i < len(w) {
				line = w[i]
			}
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, line, g[i])
		}
	}
	return "got is shorter"
}

// script drives one machine.
type script struct {
	t       *testing.T
	cfg     Config
	m       *Machine
	nowMs   int64
	log     []logged
	ids     int
	verify  map[Token]*TxnCommit // to be verified
	waiting map[Token]string
	out     strings.Builder
}

func runScript(t *testing.T, text string) string {
	s := &script{t: t, cfg: DefaultConfig(), waiting: map[Token]string{}, verify: map[Token]*TxnCommit{}}
	s.m = New(s.cfg)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.HasPrefix(line, "  ") {
			continue
		}
		fmt.Fprintln(&s.out, line)
		if line != "" && !strings.HasPrefix(line, "#") {
			s.line(line)
		}
	}
	for to, what := range s.waiting {
		t.Logf("still waiting: %d %s", to, what)
	}
	checkMachine(t, s.m, s.log)
	return s.out.String()
}

func (s *script) line(line string) {
	fields := strings.Fields(line)
	a := args{t: s.t, line: line, m: map[string]string{}}
	for _, field := range fields[1:] {
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			key, value = "", field
		}
		a.m[key] = value
	}
	switch fields[0] {
	case "config":
		s.config(&a)
	case "at":
		s.advance(int64(a.num("", 0)))
	case "reload":
		s.reload()
	case "compact":
		s.log = compacted(s.log, len(s.log))
		for _, l := range s.log {
			fmt.Fprintf(&s.out, "  left %s\n", printLogged(l))
		}
		s.reload()
	case "verified":
		s.waiting[Token(a.num("", 0))] = line
		s.decide(s.verify[Token(a.num("", 0))])
	case "unguard":
		s.decide(&Unguard{Guard: s.verify[Token(a.num("", 0))].Guard})
	default:
		e := s.event(fields[0], &a)
		if to := Token(a.num("", 0)); to != 0 {
			e.(interface{ SetTo(Token) }).SetTo(to)
			s.waiting[to] = line
		}
		s.decide(e)
	}
}

func (s *script) config(a *args) {
	s.cfg.InitialRebalanceDelayMs = int32(a.num("initial-delay", int(s.cfg.InitialRebalanceDelayMs)))
	s.cfg.MaxSize = int32(a.num("max-size", int(s.cfg.MaxSize)))
	s.cfg.OffsetMetadataMaxBytes = int32(a.num("metadata-max", int(s.cfg.OffsetMetadataMaxBytes)))
	s.cfg.OffsetsRetentionMs = int64(a.num("retention", int(s.cfg.OffsetsRetentionMs)))
	s.cfg.OffsetsRetentionCheckMs = int64(a.num("retention-check", int(s.cfg.OffsetsRetentionCheckMs)))
	s.cfg.MaxRecordBytes = a.num("max-record", s.cfg.MaxRecordBytes)
	s.m.cfg = s.cfg
}

func (s *script) decide(e Event) {
	d := s.m.Decide(s.nowMs, e)
	for _, l := range logOf(d) {
		fmt.Fprintf(&s.out, "  write %s\n", printLogged(l))
		if err := l.apply(s.m); err != nil {
			s.t.Fatalf("apply: %v", err)
		}
		s.log = append(s.log, l)
	}
	replies := append([]Reply(nil), d.Replies...)
	sort.SliceStable(replies, func(i, j int) bool { return replies[i].To < replies[j].To })
	for _, r := range replies {
		if s.waiting[r.To] == "" {
			s.t.Fatalf("token %d is answered twice", r.To)
		}
		delete(s.waiting, r.To)
		if need, ok := r.Response.(*NeedVerification); ok {
			again := *e.(*TxnCommit)
			again.Guard = need.Guard
			s.verify[r.To] = &again
		}
		dots := ""
		if r.AfterCommit {
			dots = "... "
		}
		fmt.Fprintf(&s.out, "  %s%d: %s\n", dots, r.To, printResponse(r.Response))
	}
}

func (s *script) advance(toMs int64) {
	for next := s.m.NextTimerMs(); next <= toMs; next = s.m.NextTimerMs() {
		s.nowMs = max(s.nowMs, next)
		before := s.out.Len()
		s.out.WriteString("\x00")
		s.decide(Tick{})
		text := s.out.String()
		s.out.Reset()
		s.out.WriteString(text[:before])
		if did := text[before+1:]; did != "" {
			fmt.Fprintf(&s.out, "  at %d\n%s", s.nowMs, did)
		}
	}
	s.nowMs = max(s.nowMs, toMs)
}

func (s *script) reload() {
	checkMachine(s.t, s.m, s.log)
	s.m = New(s.cfg)
	for _, l := range s.log {
		if err := l.apply(s.m); err != nil {
			s.t.Fatalf("apply: %v", err)
		}
	}
	s.m.Loaded(s.nowMs)
	s.waiting = map[Token]string{}
}

func (s *script) event(kind string, a *args) Event {
	switch kind {
	case "join":
		return s.join(a)
	case "sync":
		req := kmsg.NewPtrSyncGroupRequest()
		req.Version, req.Group = a.version(3), a.str("group")
		req.Generation, req.MemberID, req.InstanceID = int32(a.num("gen", 0)), a.str("member"), a.ptr("instance")
		req.ProtocolType, req.Protocol = a.ptr("type"), a.ptr("protocol")
		for member, data := range a.pairs("assign", ":") {
			one := kmsg.NewSyncGroupRequestGroupAssignment()
			one.MemberID, one.MemberAssignment = member, a.hex(data)
			req.GroupAssignment = append(req.GroupAssignment, one)
		}
		return &Sync{Req: req}
	case "heartbeat":
		req := kmsg.NewPtrHeartbeatRequest()
		req.Version, req.Group = a.version(3), a.str("group")
		req.Generation, req.MemberID, req.InstanceID = int32(a.num("gen", 0)), a.str("member"), a.ptr("instance")
		return &Heartbeat{Req: req}
	case "leave":
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Version, req.Group, req.MemberID = a.version(3), a.str("group"), a.str("member")
		for _, who := range a.list("members") {
			one := kmsg.NewLeaveGroupRequestMember()
			id, instance, static := strings.Cut(who, "/")
			if one.MemberID = id; static {
				one.InstanceID = &instance
			}
			req.Members = append(req.Members, one)
		}
		return &Leave{Req: req}
	case "commit":
		return a.commit()
	case "txncommit":
		id, epoch := a.producer()
		return &TxnCommit{Req: a.commit().Req, ProducerID: id, ProducerEpoch: epoch}
	case "marker":
		id, epoch := a.producer()
		return &Marker{ProducerID: id, ProducerEpoch: epoch, Commit: a.str("end") == "commit", TransactionVersion: a.version(0)}
	case "fetch":
		req := kmsg.NewOffsetFetchRequestGroup()
		req.Group = a.str("group")
		for _, tp := range a.list("topics") {
			topic, partition, _ := strings.Cut(tp, "/")
			n, _ := strconv.Atoi(partition)
			req.Topics = append(req.Topics, kmsg.OffsetFetchRequestGroupTopic{Topic: topic, Partitions: []int32{int32(n)}})
		}
		return &Fetch{Req: &req, RequireStable: a.has("stable")}
	case "describe":
		return &Describe{Group: a.str("group"), Version: a.version(5)}
	case "list":
		return &List{States: a.list("states"), Types: a.list("types")}
	case "deletegroups":
		return &DeleteGroups{Groups: a.list("groups")}
	case "offsetdelete":
		req := kmsg.NewPtrOffsetDeleteRequest()
		req.Group = a.str("group")
		for _, tp := range a.list("topics") {
			topic, partition, _ := strings.Cut(tp, "/")
			n, _ := strconv.Atoi(partition)
			req.Topics = append(req.Topics, kmsg.OffsetDeleteRequestTopic{Topic: topic,
				Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{Partition: int32(n)}}})
		}
		return &OffsetDelete{Req: req}
	case "deleted":
		return &TopicsDeleted{Topics: a.list("topics")}
	}
	s.t.Fatalf("unknown event: %s", a.line)
	return nil
}

func (s *script) join(a *args) Event {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID = a.version(3), a.str("group"), a.str("member")
	req.SessionTimeoutMillis = int32(a.num("session", 10_000))
	req.RebalanceTimeoutMillis = int32(a.num("rebalance", 60_000))
	req.InstanceID, req.ProtocolType = a.ptr("instance"), "consumer"
	if a.has("type") {
		req.ProtocolType = a.str("type")
	}
	if !a.has("protocols") {
		a.m["protocols"] = "range:" + hex.EncodeToString(subscribeTo("t"))
	}
	for name, data := range a.pairs("protocols", ":") {
		req.Protocols = append(req.Protocols, kmsg.JoinGroupRequestProtocol{Name: name, Metadata: a.hex(data)})
	}
	client := "c"
	if a.has("client") {
		client = a.str("client")
	}
	s.ids++
	return &Join{Req: req, ClientID: client, ClientHost: "/127.0.0.1", ID: strconv.Itoa(s.ids)}
}

func (a *args) producer() (id int64, epoch int16) {
	idText, epochText, _ := strings.Cut(a.str("producer"), "/")
	id, err := strconv.ParseInt(idText, 10, 64)
	if err != nil {
		a.t.Fatalf("%s: %v", a.line, err)
	}
	n, _ := strconv.Atoi(epochText)
	return id, int16(n)
}

func (a *args) commit() *Commit {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Version, req.Group = a.version(2), a.str("group")
	req.Generation, req.MemberID, req.InstanceID = int32(a.num("gen", -1)), a.str("member"), a.ptr("instance")
	req.RetentionTimeMillis = int64(a.num("retention", -1))
	for tp, at := range a.pairs("offsets", "=") {
		topic, partition, _ := strings.Cut(tp, "/")
		n, _ := strconv.Atoi(partition)
		offset, _ := strconv.ParseInt(at, 10, 64)
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch = int32(n), offset, int32(a.num("epoch", -1))
		p.Timestamp = int64(a.num("time", -1))
		p.Metadata = a.ptr("metadata")
		req.Topics = append(req.Topics, kmsg.OffsetCommitRequestTopic{Topic: topic, Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}})
	}
	return &Commit{Req: req}
}

// subscribeTo is consumer protocol metadata, version 0.
func subscribeTo(topics ...string) []byte {
	m := kmsg.NewConsumerMemberMetadata()
	m.Topics = topics
	return m.AppendTo(nil)
}

type args struct {
	t    *testing.T
	line string
	m    map[string]string
}

func (a *args) has(key string) bool   { _, ok := a.m[key]; return ok }
func (a *args) str(key string) string { return a.m[key] }
func (a *args) version(def int) int16 { return int16(a.num("v", def)) }

func (a *args) ptr(key string) *string {
	if v, ok := a.m[key]; ok {
		return &v
	}
	return nil
}

func (a *args) num(key string, def int) int {
	v, ok := a.m[key]
	if !ok {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		a.t.Fatalf("%s: %v", a.line, err)
	}
	return n
}

func (a *args) list(key string) []string {
	if a.m[key] == "" {
		return nil
	}
	return strings.Split(a.m[key], ",")
}

func (a *args) pairs(key, sep string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for _, item := range a.list(key) {
			k, v, _ := strings.Cut(item, sep)
			if !yield(k, v) {
				return
			}
		}
	}
}

func (a *args) hex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		a.t.Fatalf("%s: %v", a.line, err)
	}
	return b
}
