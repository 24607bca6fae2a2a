// Package check judges histories of real transactional runs: what programs wrote in transactions, how those ended, and
// what read_committed consumers saw. It knows nothing of a broker; it looks for what must not be in a history whatever
// happened in between, crashes included.
//
// Every record's value is written once and by one transaction, so a value that is read says who wrote it. Transactions end
// known or unknown (the program died, or lost its connection for good, with the end under way); an unknown one may be there
// or not, but as a whole. The kinds of anomaly are those of Kind.
package check

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Event is one line of a program's report, in the order in which things happened in it.
type Event struct {
	Kind      string `json:"e"`
	Txn       int64  `json:"x"` // numbered by the program
	Topic     string `json:"t"`
	Partition int32  `json:"p"`
	Offset    int64  `json:"o"`
	Value     string `json:"v"`
	AtMs      int64  `json:"at"` // wall clock, the same for all programs
	Commit    bool   `json:"c"`
	Outcome   string `json:"r"`
}

// The kinds of events.
const (
	Send  = "send"  // a record is handed to the client: Txn Topic Partition Value
	Ack   = "ack"   // and is acknowledged: also Offset
	End   = "end"   // the end is asked for: Txn Commit AtMs
	Ended = "ended" // Txn Outcome
	Poll  = "poll"  // a read_committed consumer was given a record: Topic Partition Offset Value AtMs
	Seek  = "seek"  // it goes on elsewhere in all partitions, or is another consumer from now on
)

// The outcomes of an end that was asked for. A transaction without an Ended is unknown, if its end was asked for, and
// otherwise aborted: nobody but its program can commit it.
const (
	Done    = "done"
	Failed  = "failed"  // it is aborted for certain, whatever was asked for
	Unknown = "unknown" // either way
)

// Place is a partition.
type Place struct {
	Topic     string
	Partition int32
}

func (p Place) String() string { return fmt.Sprintf("%s-%d", p.Topic, p.Partition) }

// Record is a record that was read.
type Record struct {
	Offset int64
	Value  string
}

// History is everything that is known of a run.
type History struct {
	txns   []*transaction
	writes map[string]*write
	polls  []poll
	final  map[Place][]Record
	odd    []string // events that make no sense: a fault of the programs
}

type transaction struct {
	program string
	number  int64
	writes  []*write
	asked   bool // for its end
	commit  bool
	endMs   int64
	outcome string
}

func (t *transaction) String() string { return fmt.Sprintf("%s/%d", t.program, t.number) }

// fate is what may be seen of the transaction.
type fate uint8

const (
	unknown fate = iota
	committed
	aborted
)

func (t *transaction) fate() fate {
	switch {
	case !t.asked || t.outcome == Failed:
		return aborted
	case t.outcome != Done:
		return unknown // also of an abort whose outcome was lost: it cannot have committed
	case t.commit:
		return committed
	}
	return aborted
}

type write struct {
	txn    *transaction
	place  Place
	value  string
	order  int   // in the program
	offset int64 // -1: not acknowledged
}

type poll struct {
	consumer string
	place    Place
	Record
	atMs int64
	seek bool
}

// New is an empty history.
func New() *History {
	return &History{writes: map[string]*write{}, final: map[Place][]Record{}}
}

// Program returns what takes the events of one program, in order. Programs must not be called at the same time.
func (h *History) Program(name string) func(Event) {
	open := map[int64]*transaction{}
	order := 0
	txn := func(number int64) *transaction {
		if open[number] == nil {
			open[number] = &transaction{program: name, number: number}
			h.txns = append(h.txns, open[number])
		}
		return open[number]
	}
	return func(e Event) {
		switch e.Kind {
		case Send:
			if w := h.writes[e.Value]; w != nil {
				h.oddf("%s writes %q, which %v wrote", name, e.Value, w.txn)
				return
			}
			order++
			w := &write{txn: txn(e.Txn), place: Place{e.Topic, e.Partition}, value: e.Value, order: order, offset: -1}
			w.txn.writes = append(w.txn.writes, w)
			h.writes[e.Value] = w
		case Ack:
			w := h.writes[e.Value]
			if w == nil || w.txn.program != name {
				h.oddf("%s has an acknowledgement of %q, which it did not write", name, e.Value)
				return
			}
			w.offset = e.Offset
		case End:
			t := txn(e.Txn)
			t.asked, t.commit, t.endMs = true, e.Commit, e.AtMs
		case Ended:
			txn(e.Txn).outcome = e.Outcome
		case Poll:
			h.polls = append(h.polls, poll{name, Place{e.Topic, e.Partition}, Record{e.Offset, e.Value}, e.AtMs, false})
		case Seek:
			h.polls = append(h.polls, poll{consumer: name, seek: true})
		default:
			h.oddf("%s reports %q", name, e.Kind)
		}
	}
}

func (h *History) oddf(format string, args ...any) {
	h.odd = append(h.odd, fmt.Sprintf(format, args...))
}

// Read gives a program's report, a JSON object a line, to take.
func Read(r io.Reader, take func(Event)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("%.100q: %w", lines.Bytes(), err)
		}
		take(e)
	}
	return lines.Err()
}

// Final is what a read_committed consumer finds in a partition at the end, from its beginning to its end.
func (h *History) Final(place Place, records []Record) { h.final[place] = records }

// Counts says how much there is to judge.
func (h *History) Counts() string {
	var n [3]int
	for _, t := range h.txns {
		n[t.fate()]++
	}
	final := map[string]int{}
	for place, records := range h.final {
		final[place.Topic] += len(records)
	}
	return fmt.Sprintf("%d transactions committed, %d aborted, %d unknown; %d records polled, at the end there are %v",
		n[committed], n[aborted], n[unknown], len(h.polls), final)
}
