package txn

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew; read the diff before you keep it")

// TestTranscripts replays testdata/*.txt. A line at the left margin is an event,
// the indented lines after it are everything that followed: what is written,
// what is answered and what is asked of the world ("..." = after the commit). Lines
// with # are comments. Events:
//
//	config tv=1 expiration=5000 ...     before anything else; see script.config
//	at 5000                             time passes until then, timers fire
//	init 1 id=a timeout=60000 pid=7 epoch=0 fresh=100
//	add 2 id=a pid=7 epoch=0 to=t/0,t/1 tv=2
//	verify 3 id=a pid=7 epoch=0 to=t/0
//	end 4 id=a pid=7 epoch=0 commit tv=2 fresh=101
//	markers 1 ok,retry,gone,fenced      what became of the effect with this number
//	fresh id=a pid=7 epoch=0 fresh=102  the answer to "needs a fresh id"
//	describe 5 id=a ; list 6 states=Ongoing pids=7 longer=100 like=a.*
//	record id=a pid=7 epoch=3 state=1 ...   a record as a log may hold it
//	reload                              the coordinator moves: a new machine from the records
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
	log     []Record
	effects []*WriteMarkers
	waiting map[Token]string
	out     strings.Builder
}

func runScript(t *testing.T, text string) string {
	s := &script{t: t, cfg: DefaultConfig(), waiting: map[Token]string{}}
	s.cfg.CoordinatorEpoch = 1
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
		t.Errorf("never answered: %d %s", to, what)
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
			if _, err := strconv.Atoi(field); err == nil {
				key, value = "", field
			} else {
				key, value = field, "true"
			}
		}
		a.m[key] = value
	}
	if fields[0] == "config" {
		s.config(&a)
		return
	}
	if s.m == nil {
		s.load()
	}
	switch fields[0] {
	case "at":
		s.advance(a.num("", 0))
	case "reload":
		checkMachine(s.t, s.m, s.log)
		s.cfg.CoordinatorEpoch++
		s.load()
	case "record":
		s.record(&a)
	case "markers":
		s.markers(&a, fields[2])
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
	c := &s.cfg
	c.TransactionVersion = int16(a.num("tv", int64(c.TransactionVersion)))
	c.MaxTimeoutMs = int32(a.num("max-timeout", int64(c.MaxTimeoutMs)))
	c.IDExpirationMs = a.num("expiration", c.IDExpirationMs)
	c.AbortTimedOutIntervalMs = a.num("abort-interval", c.AbortTimedOutIntervalMs)
	c.RemoveExpiredIDIntervalMs = a.num("remove-interval", c.RemoveExpiredIDIntervalMs)
	c.MaxRecordBytes = int(a.num("max-record", int64(c.MaxRecordBytes)))
}

func (s *script) load() {
	s.cfg.Incarnation++
	s.m = New(s.cfg)
	for _, r := range s.log {
		if err := s.m.Apply(r); err != nil {
			s.t.Fatalf("apply: %v", err)
		}
	}
	s.m.Loaded(s.nowMs)
	s.waiting = map[Token]string{}
}

func (s *script) decide(e Event) {
	d := s.m.Decide(s.nowMs, e)
	for _, r := range d.Records {
		fmt.Fprintf(&s.out, "  write %s\n", printRecord(r))
		if err := s.m.Apply(r); err != nil {
			s.t.Fatalf("apply: %v", err)
		}
		s.log = append(s.log, r)
	}
	for _, r := range d.Replies {
		if s.waiting[r.To] == "" {
			s.t.Fatalf("token %d is answered twice", r.To)
		}
		delete(s.waiting, r.To)
		dots := ""
		if r.AfterCommit {
			dots = "... "
		}
		fmt.Fprintf(&s.out, "  %s%d: %s\n", dots, r.To, printResponse(r.Response))
	}
	for _, e := range d.Effects {
		if w, ok := e.(*WriteMarkers); ok {
			s.effects = append(s.effects, w)
			fmt.Fprintf(&s.out, "  ... effect %d: %s\n", len(s.effects), printEffect(e))
			continue
		}
		fmt.Fprintf(&s.out, "  ... effect: %s\n", printEffect(e))
	}
	checkMachine(s.t, s.m, s.log)
}

func (s *script) advance(toMs int64) {
	for next := s.m.NextTimerMs(); next <= toMs; next = s.m.NextTimerMs() {
		s.nowMs = max(s.nowMs, next)
		before := s.out.Len()
		s.decide(Tick{})
		text := s.out.String()
		s.out.Reset()
		s.out.WriteString(text[:before])
		if did := text[before:]; did != "" {
			fmt.Fprintf(&s.out, "  at %d\n%s", s.nowMs, did)
		}
	}
	s.nowMs = max(s.nowMs, toMs)
}

func (s *script) markers(a *args, outcomes string) {
	effect := s.effects[a.num("", 0)-1]
	done := MarkerDone{Effect: effect}
	for _, name := range strings.Split(outcomes, ",") {
		done.Outcomes = append(done.Outcomes, map[string]MarkerOutcome{
			"ok": MarkerWritten, "retry": MarkerRetry, "gone": MarkerGone, "fenced": MarkerFenced}[name])
	}
	s.decide(&MarkersWritten{Done: []MarkerDone{done}})
}

// record puts a record into the log and loads.
func (s *script) record(a *args) {
	cfg := s.cfg
	cfg.TransactionVersion = int16(a.num("v", 1))
	md := metadata{
		producerID: a.num("pid", 0), previousProducerID: a.num("previous", -1), nextProducerID: a.num("next", -1),
		epoch: int16(a.num("epoch", 0)), previousEpoch: int16(a.num("previous-epoch", -1)),
		timeoutMs: int32(a.num("timeout", 60_000)), state: State(a.num("state", 0)), partitions: a.partitions(),
		startMs: a.num("start", -1), updateMs: a.num("update", 0), clientVersion: int16(a.num("tv", 0)),
	}
	r := (&Machine{cfg: cfg}).record(a.m["id"], &md)
	s.log = append(s.log, r)
	s.load()
}

func (s *script) event(kind string, a *args) Event {
	id, pid, epoch := a.m["id"], a.num("pid", -1), int16(a.num("epoch", -1))
	switch kind {
	case "init":
		return &InitProducerID{TransactionalID: id, TimeoutMs: int32(a.num("timeout", 60_000)), ProducerID: pid, ProducerEpoch: epoch, FreshID: a.num("fresh", -1)}
	case "add":
		return &AddPartitions{TransactionalID: id, ProducerID: pid, ProducerEpoch: epoch, Partitions: a.partitions(), TransactionVersion: int16(a.num("tv", 0))}
	case "verify":
		return &Verify{TransactionalID: id, ProducerID: pid, ProducerEpoch: epoch, Partitions: a.partitions()}
	case "end":
		return &EndTxn{TransactionalID: id, ProducerID: pid, ProducerEpoch: epoch, Commit: a.m["commit"] != "", TransactionVersion: int16(a.num("tv", 0)), FreshID: a.num("fresh", -1)}
	case "fresh":
		return &AbortTimedOut{TransactionalID: id, ProducerID: pid, ProducerEpoch: epoch, FreshID: a.num("fresh", -1)}
	case "describe":
		return &Describe{TransactionalID: id}
	case "list":
		e := &List{DurationMs: a.num("longer", -1)}
		for _, name := range a.list("states") {
			state, ok := StateForName(name)
			if !ok {
				s.t.Fatalf("no state %s", name)
			}
			e.States = append(e.States, state)
		}
		if pid >= 0 {
			e.ProducerIDs = []int64{pid}
		}
		if a.m["like"] != "" {
			e.Pattern = regexp.MustCompile(a.m["like"])
		}
		return e
	}
	s.t.Fatalf("unknown event: %s", a.line)
	return nil
}

type args struct {
	t    *testing.T
	line string
	m    map[string]string
}

func (a *args) num(key string, def int64) int64 {
	v, ok := a.m[key]
	if !ok {
		return def
	}
	n, err := strconv.ParseInt(v, 10, 64)
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

func (a *args) partitions() partitions {
	var all partitions
	for _, item := range a.list("to") {
		topic, number, _ := strings.Cut(item, "/")
		n, err := strconv.Atoi(number)
		if err != nil {
			a.t.Fatalf("%s: %v", a.line, err)
		}
		all = append(all, TopicPartition{topic, int32(n)})
	}
	return all
}
