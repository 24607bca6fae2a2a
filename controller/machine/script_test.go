package machine

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sordini/sordini/controller/image"
)

// run carries out one line of a script: a command, then words that are flags or key=value. A topic's words follow its
// name= word.
func (s *script) run(line string) string {
	var out strings.Builder
	words := strings.Fields(line)
	command, words := words[0], words[1:]
	switch command {
	case "cluster":
		s.decide(FormatCluster{ClusterID: words[0]}, &out)
	case "broker":
		s.broker(words, &out)
	case "fence", "unfence":
		ev := FenceBroker{ID: int32(number(words, "id")), Epoch: number(words, "epoch"), Fenced: command == "fence"}
		s.brokerReply(ev, &out)
	case "unregister":
		s.brokerReply(UnregisterBroker{ID: int32(number(words, "id"))}, &out)
	case "create":
		s.create(words, &out)
	case "grow":
		s.grow(words, &out)
	case "delete":
		s.delete(words, &out)
	case "alter":
		s.alter(words, &out)
	case "ids":
		r := s.decide(AllocateProducerIDs{BrokerID: int32(number(words, "id")), BrokerEpoch: number(words, "epoch"),
			Count: int32(number(words, "count"))}, &out).(ProducerIDsReply)
		fmt.Fprintf(&out, "> %s first=%d count=%d\n", failure(r.Err, r.Message), r.First, r.Count)
	case "image":
		s.show(&out)
	default:
		s.t.Fatalf("unknown command %q", line)
	}
	return out.String()
}

// value finds key=value among words.
func value(words []string, key string) (string, bool) {
	for _, w := range words {
		if k, v, ok := strings.Cut(w, "="); ok && k == key {
			return v, true
		}
	}
	return "", false
}

func number(words []string, key string) int64 {
	v, ok := value(words, key)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		panic(key + " in " + strings.Join(words, " "))
	}
	return n
}

func (s *script) broker(words []string, out *strings.Builder) {
	ev := RegisterBroker{
		ID: int32(number(words, "id")), Incarnation: [16]byte{byte(number(words, "run"))},
		Fenced: slices.Contains(words, "fenced"), Unclean: slices.Contains(words, "unclean"),
	}
	ev.ClusterID, _ = value(words, "cluster")
	if !slices.Contains(words, "deaf") {
		ev.Listeners = []image.Listener{{Name: "PLAINTEXT", Host: "host", Port: 9092}}
	}
	s.brokerReply(ev, out)
}

func (s *script) brokerReply(ev Event, out *strings.Builder) {
	r := s.decide(ev, out).(BrokerReply)
	fmt.Fprintf(out, "> %s epoch=%d\n", failure(r.Err, r.Message), r.Epoch)
}

// create: [validate] [seed=N] [partitions and rf as defaults] then for each topic name=T p=N rf=N k:v 0:1,2
func (s *script) create(words []string, out *strings.Builder) {
	ev := CreateTopics{DefaultPartitions: 1, DefaultReplicationFactor: 1}
	for _, w := range words {
		key, v, isPair := strings.Cut(w, "=")
		n, _ := strconv.ParseInt(v, 10, 32)
		var t *CreatableTopic
		if len(ev.Topics) > 0 {
			t = &ev.Topics[len(ev.Topics)-1]
		}
		switch {
		case w == "validate":
			ev.ValidateOnly = true
		case key == "seed":
			ev.Seed = uint64(n)
		case key == "name":
			s.nextID++
			ev.TopicIDs = append(ev.TopicIDs, image.TopicID{15: s.nextID})
			ev.Topics = append(ev.Topics, CreatableTopic{Name: strings.ReplaceAll(v, "LONG", strings.Repeat("x", 250)),
				NumPartitions: -1, ReplicationFactor: -1})
		case key == "p":
			t.NumPartitions = int32(n)
		case key == "rf":
			t.ReplicationFactor = int16(n)
		case isPair: // a configuration; one without a value is null
			c := TopicConfig{Name: key}
			if v != "null" {
				c.Value = &v
			}
			t.Configs = append(t.Configs, c)
		default:
			t.Assignments = append(t.Assignments, assignment(w))
		}
	}
	for _, r := range s.decide(ev, out).([]CreateTopicResult) {
		fmt.Fprintf(out, "> %s: %s", r.Name, failure(r.Err, r.Message))
		if r.Err == nil {
			fmt.Fprintf(out, " id=%d p=%d rf=%d", r.ID[15], r.NumPartitions, r.ReplicationFactor)
		}
		fmt.Fprintln(out)
	}
}

// grow: [validate] [seed=N] then for each topic name=T count=N and the brokers of new partitions as on=1,2; on= is an empty list of brokers, and
// manual an empty list of assignments
func (s *script) grow(words []string, out *strings.Builder) {
	var ev CreatePartitions
	for _, w := range words {
		key, v, _ := strings.Cut(w, "=")
		n, _ := strconv.ParseInt(v, 10, 32)
		switch key {
		case "validate":
			ev.ValidateOnly = true
		case "seed":
			ev.Seed = uint64(n)
		case "name":
			ev.Topics = append(ev.Topics, GrowingTopic{Name: v})
		case "count":
			ev.Topics[len(ev.Topics)-1].Count = int32(n)
		case "on":
			t := &ev.Topics[len(ev.Topics)-1]
			t.Assignments = append(t.Assignments, assignment("0:"+v).Brokers)
		case "manual":
			ev.Topics[len(ev.Topics)-1].Assignments = [][]int32{}
		}
	}
	for _, r := range s.decide(ev, out).([]CreatePartitionsResult) {
		fmt.Fprintf(out, "> %s: %s\n", r.Name, failure(r.Err, r.Message))
	}
}

// assignment reads 0:1,2 as partition 0 on brokers 1 and 2.
func assignment(w string) Assignment {
	index, brokers, _ := strings.Cut(w, ":")
	n, _ := strconv.Atoi(index)
	a := Assignment{Partition: int32(n)}
	for b := range strings.SplitSeq(brokers, ",") {
		if id, err := strconv.Atoi(b); err == nil {
			a.Brokers = append(a.Brokers, int32(id))
		}
	}
	return a
}

// delete: words are name=T, id=N, or both=T,N for one element with both; none=  is an element with neither.
func (s *script) delete(words []string, out *strings.Builder) {
	var ev DeleteTopics
	for _, w := range words {
		key, v, _ := strings.Cut(w, "=")
		n, _ := strconv.Atoi(v)
		switch key {
		case "name":
			ev.Topics = append(ev.Topics, DeletableTopic{Name: &v})
		case "id":
			ev.Topics = append(ev.Topics, DeletableTopic{ID: image.TopicID{15: byte(n)}})
		case "both":
			ev.Topics = append(ev.Topics, DeletableTopic{Name: &v, ID: image.TopicID{1}})
		case "none":
			ev.Topics = append(ev.Topics, DeletableTopic{})
		}
	}
	for _, r := range s.decide(ev, out).([]DeleteTopicResult) {
		name := "(no name)"
		if r.Name != nil {
			name = *r.Name
		}
		fmt.Fprintf(out, "> %s id=%d: %s\n", name, r.ID[15], failure(r.Err, r.Message))
	}
}

// alter: [validate] [replace] then for each resource TYPE/NAME and its operations k=v, -k, k+=v, k-=v, k=null
func (s *script) alter(words []string, out *strings.Builder) {
	var ev AlterConfigs
	for _, w := range words {
		if w == "validate" {
			ev.ValidateOnly = true
			continue
		}
		if typ, name, ok := strings.Cut(w, "/"); ok {
			n, _ := strconv.Atoi(typ)
			ev.Resources = append(ev.Resources, AlterConfigsResource{Type: image.ResourceType(n), Name: name})
			continue
		}
		r := &ev.Resources[len(ev.Resources)-1]
		if w == "replace" {
			r.Replace = true
			continue
		}
		r.Ops = append(r.Ops, configOp(w))
	}
	for _, r := range s.decide(ev, out).([]AlterConfigResult) {
		fmt.Fprintf(out, "> %d/%s: %s\n", r.Type, r.Name, failure(r.Err, r.Message))
	}
}

func configOp(w string) ConfigOp {
	if w[0] == '-' {
		return ConfigOp{Name: w[1:], Op: OpDelete}
	}
	key, v, _ := strings.Cut(w, "=")
	op := ConfigOp{Name: strings.TrimRight(key, "+-"), Value: &v}
	switch key[len(key)-1] {
	case '+':
		op.Op = OpAppend
	case '-':
		op.Op = OpSubtract
	}
	if v == "null" {
		op.Value = nil
	}
	return op
}

func (s *script) show(out *strings.Builder) {
	img := s.m.Image()
	fmt.Fprintf(out, "cluster %s, offset %d, next producer id %d\n", img.ClusterID, img.Offset, img.NextProducerID)
	for b := range img.Brokers() {
		fmt.Fprintf(out, "broker %d epoch %d fenced %v\n", b.ID, b.Epoch, b.Fenced)
	}
	for t := range img.Topics() {
		fmt.Fprintf(out, "topic %s id=%d\n", t.Name, t.ID[15])
		for _, p := range t.Partitions {
			fmt.Fprintf(out, "  %d leader=%d/%d epoch=%d replicas=%v isr=%v\n",
				p.Index, p.Leader, p.LeaderEpoch, p.PartitionEpoch, p.Replicas, p.ISR)
		}
	}
	for r, c := range img.AllConfigs() {
		for _, name := range slices.Sorted(maps.Keys(c)) {
			fmt.Fprintf(out, "config %d/%s %s=%s\n", r.Type, r.Name, name, c[name])
		}
	}
}
