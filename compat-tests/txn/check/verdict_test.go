package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// run is a history that is being made up: a log for each partition, as a broker that does everything right would have it.
type run struct {
	programs map[string][]Event
	order    []string
	final    map[Place][]Record
	next     map[Place]int64
}

func (r *run) report(program string, e Event) {
	if !slices.Contains(r.order, program) {
		r.order = append(r.order, program)
	}
	r.programs[program] = append(r.programs[program], e)
}

// good is a run in which all went well: two programs of several transactions each, every third aborted, the last of each
// unknown (one is there, one is not), and a consumer of everything.
func good() *run {
	r := &run{programs: map[string][]Event{}, final: map[Place][]Record{}, next: map[Place]int64{}}
	atMs := int64(1_000)
	for x := range int64(9) {
		for _, program := range []string{"a", "b"} {
			visible := x%3 != 2
			outcome := Done
			if x == 7 {
				outcome, visible = Unknown, program == "a"
			}
			for n := range int32(3) {
				place := Place{"t", n % 2}
				value := TransferOf(n, []int64{5, 2, -7}[n], fmt.Sprintf("%s.%d.%d", program, x, n))
				r.report(program, Event{Kind: Send, Txn: x, Topic: "t", Partition: place.Partition, Value: value, AtMs: atMs})
				r.report(program, Event{Kind: Ack, Txn: x, Topic: "t", Partition: place.Partition, Value: value, Offset: r.next[place]})
				if visible {
					r.final[place] = append(r.final[place], Record{r.next[place], value})
				}
				r.next[place]++
			}
			atMs += 10
			r.report(program, Event{Kind: End, Txn: x, Commit: x%3 != 2, AtMs: atMs})
			r.report(program, Event{Kind: Ended, Txn: x, Outcome: outcome})
			r.next[Place{"t", 0}]++ // the markers
			r.next[Place{"t", 1}]++
		}
	}
	for _, partition := range []int32{0, 1} {
		for _, rec := range r.final[Place{"t", partition}] {
			r.report("reader", Event{Kind: Poll, Topic: "t", Partition: partition, Offset: rec.Offset, Value: rec.Value, AtMs: atMs + 5})
		}
	}
	return r
}

func (r *run) history() *History {
	h := New()
	for _, name := range r.order {
		take := h.Program(name)
		for _, e := range r.programs[name] {
			take(e)
		}
	}
	for place, records := range r.final {
		h.Final(place, records)
	}
	return h
}

// drop removes a value from the final read.
func (r *run) drop(value string) {
	for place := range r.final {
		r.final[place] = slices.DeleteFunc(r.final[place], func(rec Record) bool { return rec.Value == value })
	}
}

// put adds a record where it was acknowledged.
func (r *run) put(value string) {
	for _, events := range r.programs {
		for _, e := range events {
			if e.Kind == Ack && e.Value == value {
				place := Place{e.Topic, e.Partition}
				i, _ := slices.BinarySearchFunc(r.final[place], e.Offset, func(rec Record, o int64) int { return int(rec.Offset - o) })
				r.final[place] = slices.Insert(r.final[place], i, Record{e.Offset, value})
			}
		}
	}
}

// unread takes the reader's report back, which would name the damage too.
func (r *run) unread() { delete(r.programs, "reader") }

func (r *run) poll(i int) *Event { return &r.programs["reader"][i] }

// at is the wanted value: program.transaction.number.
func at(program string, txn int64, n int32) string {
	return TransferOf(n, []int64{5, 2, -7}[n], fmt.Sprintf("%s.%d.%d", program, txn, n))
}

// A judge that never convicts is no judge: each kind of damage is done to a good run and must be named, and nothing else.
func TestVerdictNamesEachDamage(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(r *run)
		want   []Kind
	}{
		{"none", func(*run) {}, nil},
		{"committed, and not a record of it is there", func(r *run) {
			r.unread()
			for n := range int32(3) {
				r.drop(at("a", 3, n))
			}
		}, []Kind{LostWrite, LostWrite, LostWrite}},
		{"one record of a committed one is not there", func(r *run) { r.unread(); r.drop(at("a", 3, 1)) }, []Kind{LostWrite, Torn}},
		{"one record of an unknown one is not there", func(r *run) { r.unread(); r.drop(at("a", 7, 1)) }, []Kind{Torn}},
		{"an unknown one that is there as a whole", func(r *run) {
			r.unread()
			for n := range int32(3) {
				r.put(at("b", 7, n))
			}
		}, nil},
		{"an aborted one is there", func(r *run) {
			r.unread()
			for n := range int32(3) {
				r.put(at("b", 2, n))
			}
		}, []Kind{AbortedRead, AbortedRead, AbortedRead}},
		{"one record of an aborted one is there", func(r *run) { r.unread(); r.put(at("b", 2, 0)) }, []Kind{AbortedRead, Torn}},
		{"an aborted one was read meanwhile", func(r *run) {
			*r.poll(0) = Event{Kind: Poll, Topic: "t", Partition: 0, Offset: 0, Value: at("b", 2, 0), AtMs: 9_999}
		}, []Kind{AbortedRead}},
		{"one that nobody ended was read", func(r *run) {
			r.report("c", Event{Kind: Send, Txn: 1, Topic: "t", Value: "c.1.0"})
			*r.poll(0) = Event{Kind: Poll, Topic: "t", Partition: 0, Offset: 0, Value: "c.1.0", AtMs: 9_999}
		}, []Kind{AbortedRead}},
		{"read before the end was asked for", func(r *run) { r.poll(3).AtMs = 900 }, []Kind{DirtyRead}},
		{"an offset given again", func(r *run) {
			p := r.programs["reader"]
			r.programs["reader"] = slices.Insert(p, 2, p[1])
		}, []Kind{NonMonotonicPoll}},
		{"given again after a seek", func(r *run) {
			p := r.programs["reader"]
			r.programs["reader"] = slices.Insert(p, 2, Event{Kind: Seek}, p[1])
		}, nil},
		{"an earlier offset given", func(r *run) { p := r.programs["reader"]; p[2], p[3] = p[3], p[2] }, []Kind{LostWrite, NonMonotonicPoll}},
		{"led past a record", func(r *run) { r.programs["reader"] = slices.Delete(r.programs["reader"], 2, 3) }, []Kind{LostWrite}},
		{"one record twice", func(r *run) {
			place := Place{"t", 0}
			r.unread()
			r.final[place] = append(r.final[place], Record{r.next[place], at("a", 0, 0)})
		}, []Kind{Duplicate}},
		{"not where it was acknowledged", func(r *run) { r.unread(); f := r.final[Place{"t", 1}]; f[len(f)-1].Offset++ }, []Kind{Changed}},
		{"read and then another", func(r *run) { p := r.poll(0); p.Value = at("b", 0, 0) }, []Kind{Changed}},
		{"read and gone", func(r *run) {
			p := r.programs["reader"]
			last := p[len(p)-1]
			last.Offset += 100
			r.programs["reader"] = append(p, last)
		}, []Kind{LostWrite}},
		{"nobody wrote it", func(r *run) {
			place := Place{"t", 0}
			r.final[place] = append(r.final[place], Record{r.next[place], "rubbish"})
		}, []Kind{Changed}},
		{"in another partition", func(r *run) {
			r.unread()
			r.drop(at("a", 8, 0))
			place := Place{"t", 1}
			r.final[place] = append(r.final[place], Record{r.next[place], at("a", 7, 0)})
		}, []Kind{Changed}},
		{"two of a program change places", func(r *run) {
			r.unread()
			f := r.final[Place{"t", 0}]
			f[0].Value, f[1].Value = f[1].Value, f[0].Value
		}, []Kind{Changed, Changed, Reordered}},
		{"a value written twice", func(r *run) {
			r.report("b", Event{Kind: Send, Txn: 9, Topic: "t", Value: at("a", 0, 0)})
		}, []Kind{Nonsense}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := good()
			c.damage(r)
			anomalies := r.history().Verdict()
			var kinds []Kind
			for _, a := range anomalies {
				kinds = append(kinds, a.Kind)
			}
			slices.Sort(kinds)
			slices.Sort(c.want)
			if !slices.Equal(kinds, c.want) {
				t.Errorf("want %v, got %v", c.want, anomalies)
			}
		})
	}
}

func TestVerdictOfCopies(t *testing.T) {
	from, to := Place{"in", 3}, Place{"out", 3}
	originals := []Record{{0, "a"}, {1, "b"}, {4, "c"}}
	for _, c := range []struct {
		name   string
		copies []string
		want   []Kind
	}{
		{"all", []string{"a|1", "b|1", "c|2"}, nil},
		{"one missing", []string{"a|1", "c|2"}, []Kind{LostWrite}},
		{"one twice", []string{"a|1", "b|1", "b|2", "c|2"}, []Kind{Duplicate}},
		{"out of order", []string{"b|1", "a|1", "c|2"}, []Kind{Reordered}},
		{"of nothing", []string{"a|1", "b|1", "c|2", "d|3"}, []Kind{Changed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := New()
			h.Final(from, originals)
			var copies []Record
			for i, value := range c.copies {
				copies = append(copies, Record{int64(i), value})
			}
			h.Final(to, copies)
			anomalies := h.VerdictOfCopies("in", "out")
			var kinds []Kind
			for _, a := range anomalies {
				kinds = append(kinds, a.Kind)
			}
			if !slices.Equal(kinds, c.want) {
				t.Errorf("want %v, got %v", c.want, anomalies)
			}
		})
	}
}

// A copy in a partition without originals was not looked at.
func TestVerdictOfCopiesWithoutOriginals(t *testing.T) {
	h := New()
	h.Final(Place{"in", 0}, []Record{{0, "a"}})
	h.Final(Place{"out", 0}, []Record{{0, "a|1"}})
	h.Final(Place{"out", 1}, []Record{{0, "a|2"}})
	if anomalies := h.VerdictOfCopies("in", "out"); len(anomalies) != 1 || anomalies[0].Kind != Changed {
		t.Errorf("want one %s, got %v", Changed, anomalies)
	}
}

// A reader who was led past the first records, or was given nothing since a kill, or nothing at all, had seen nothing wrong.
func TestVerdictOfReader(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(r *run)
		want   int
	}{
		{"none", func(*run) {}, 0},
		{"led past the first", func(r *run) { r.programs["reader"] = r.programs["reader"][1:] }, 1},
		{"stuck before the last", func(r *run) { p := r.programs["reader"]; r.programs["reader"] = p[:len(p)-1] }, 1},
		{"given nothing", func(r *run) { r.unread() }, len(good().programs["reader"])},
		{"of another topic", func(r *run) { r.unread(); r.final = map[Place][]Record{{"u", 0}: {{0, "x"}}} }, 0},
	} {
		r := good()
		c.damage(r)
		anomalies := r.history().VerdictOfReader("reader", "t")
		if len(anomalies) != c.want {
			t.Errorf("%s: want %d, got %v", c.name, c.want, anomalies)
		}
		for _, a := range anomalies {
			if a.Kind != LostWrite {
				t.Errorf("%s: %v", c.name, a)
			}
		}
	}
}

func TestVerdictOfTransfers(t *testing.T) {
	h := good().history()
	if anomalies := h.VerdictOfTransfers("t"); len(anomalies) > 0 {
		t.Errorf("%v", anomalies)
	}
	r := good()
	r.drop(at("a", 0, 2))
	if anomalies := r.history().VerdictOfTransfers("t"); len(anomalies) != 1 || anomalies[0].Kind != Torn {
		t.Errorf("one side missing: %v", anomalies)
	}
}

func TestRead(t *testing.T) {
	h := New()
	err := Read(strings.NewReader(`{"e":"send","x":1,"t":"t","p":2,"v":"w"}
{"e":"ack","x":1,"v":"w","o":7}
{"e":"end","x":1,"c":true,"at":5}
{"e":"ended","x":1,"r":"done"}
`), h.Program("p"))
	if err != nil {
		t.Fatal(err)
	}
	h.Final(Place{"t", 2}, []Record{{8, "w"}})
	anomalies := h.Verdict()
	if len(anomalies) != 1 || anomalies[0].String() != `changed record: "w" of p/1 was acknowledged at t-2@7 and is at 8` {
		t.Errorf("%v", anomalies)
	}
	if err := Read(strings.NewReader("{"), h.Program("q")); err == nil {
		t.Error("half a line is read")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"e":"send","x":1,"t":"t","v":"w"}`)
	f.Add("{\"e\":\"poll\",\"o\":-5}\n{\"e\":\"seek\"}\n{\"e\":\"poll\",\"o\":9223372036854775807}")
	f.Fuzz(func(t *testing.T, text string) {
		h := New()
		_ = Read(strings.NewReader(text), h.Program("p"))
		h.Verdict()
	})
}
