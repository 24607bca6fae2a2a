package ledger

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Found is one partition's log as it was read after a crash: its bounds and its records in the order of reading.
type Found struct {
	Start, End int64
	Records    []Record
}

// Record is one record that was read.
type Record struct {
	Offset     int64
	Key, Value []byte
}

// Crash is what has happened: when, and whether unsynced writes were lost with it.
type Crash struct {
	At        time.Time
	PowerLoss bool
}

// maxFaults bounds the report: the first few faults tell what the thousandth would.
const maxFaults = 20

// Verdict is what is wrong with a partition, in words, and how many acknowledged records were lost where that is allowed.
type Verdict struct {
	Faults []string
	Lost   int
}

// Judge holds a partition's log against the book, and takes it for the truth from now on.
func (l *Ledger) Judge(index int32, c Crash, f *Found) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := &judge{l: l, p: &l.mu.partitions[index], index: index, crash: c, found: f, at: map[int]int64{}, by: map[int64]int{}, last: map[string]int64{}}
	j.bounds()
	for i := range f.Records {
		j.record(i)
	}
	j.acknowledged()
	j.beginning()
	j.keys()
	j.close()
	return j.verdict
}

type judge struct {
	l       *Ledger
	p       *partition
	index   int32
	crash   Crash
	found   *Found
	at      map[int]int64    // where each number was found
	by      map[int64]int    // and the other way round
	last    map[string]int64 // offset of the last record of each key
	highest int              // number so far
	verdict Verdict
}

func (j *judge) fault(format string, args ...any) {
	if len(j.verdict.Faults) == maxFaults {
		j.verdict.Faults = append(j.verdict.Faults, "and more")
	}
	if len(j.verdict.Faults) < maxFaults {
		j.verdict.Faults = append(j.verdict.Faults, fmt.Sprintf("%s-%d: ", j.l.Name, j.index)+fmt.Sprintf(format, args...))
	}
}

func (j *judge) bounds() {
	j.highest = -1
	f := j.found
	switch {
	case f.Start < j.p.start:
		j.fault("the log begins at %d, and began at %d before: what was deleted is back", f.Start, j.p.start)
	case f.Start > j.p.start && !j.l.Trimmed:
		j.fault("the log begins at %d, and nothing deletes its beginning", f.Start)
	}
	if f.End < j.p.end {
		j.fault("the log ends at %d, and ended at %d when it was judged last", f.End, j.p.end)
	}
	if !j.l.Compacted && int64(len(f.Records)) != f.End-f.Start {
		j.fault("offsets %d to %d hold %d records", f.Start, f.End, len(f.Records))
	}
}

// record checks one record by itself, against the one before it, and against what is known of its offset.
func (j *judge) record(i int) {
	r := &j.found.Records[i]
	if i > 0 {
		before := j.found.Records[i-1].Offset
		if r.Offset <= before || (!j.l.Compacted && r.Offset != before+1) {
			j.fault("offset %d follows offset %d: a hole or a step back", r.Offset, before)
		}
	}
	n, ok := NumberOf(r.Value)
	if !ok || n >= j.l.mu.next {
		j.fault("the record at %d was never sent: %.60q", r.Offset, r.Value)
		return
	}
	if !bytes.Equal(r.Value, ValueOf(n)) || !bytes.Equal(r.Key, KeyOf(n)) {
		j.fault("record %d at %d is changed: %d bytes, want %d", n, r.Offset, len(r.Value), len(ValueOf(n)))
	}
	if PartitionOf(n, j.l.Partitions) != j.index {
		j.fault("record %d at %d is in the wrong partition", n, r.Offset)
	}
	if first, twice := j.at[n]; twice {
		j.fault("record %d is doubled: at %d and at %d", n, first, r.Offset)
	}
	if n < j.highest {
		j.fault("record %d at %d stands behind record %d: the order is broken", n, r.Offset, j.highest)
	}
	j.highest = max(j.highest, n)
	j.at[n], j.by[r.Offset], j.last[string(r.Key)] = r.Offset, n, r.Offset
	j.place(n, r.Offset)
}

// place: an offset that was given to one record is not another's later.
func (j *judge) place(n int, offset int64) {
	if was, ok := j.p.truth[offset]; ok && was != n {
		j.fault("offset %d held record %d and now holds record %d", offset, was, n)
	}
	if said, ok := j.p.acked[n]; ok && said.Offset != offset {
		j.fault("record %d was acknowledged at %d and is at %d", n, said.Offset, offset)
	}
	_, known := j.p.known[n]
	if _, now := slices.BinarySearch(j.p.sent, n); !known && !now {
		j.fault("record %d at %d is back: it was not there when the log was judged last", n, offset)
	}
}

// acknowledged looks for what is missing.
func (j *judge) acknowledged() {
	for _, n := range j.p.sent {
		said, ok := j.p.acked[n]
		if !ok {
			continue
		}
		if _, there := j.at[n]; there {
			continue
		}
		age := j.crash.At.Sub(said.At)
		switch {
		case j.mayBeGone(n, said.Offset):
		case !j.crash.PowerLoss || !j.l.Weak():
			j.fault("record %d is missing: it was acknowledged at %d, %d ms before the crash; the log ends at %d", n, said.Offset, age.Milliseconds(), j.found.End)
		case said.Offset < j.found.End:
			j.fault("record %d is missing at %d, and the log goes on to %d", n, said.Offset, j.found.End)
		case j.l.Policy == "interval" && age > j.l.LostFor:
			j.fault("record %d is missing: it was acknowledged at %d, %d ms before the crash, and was due on disk", n, said.Offset, age.Milliseconds())
		default:
			j.verdict.Lost++
		}
	}
	for _, offset := range slices.Sorted(maps.Keys(j.p.truth)) {
		n := j.p.truth[offset]
		if _, there := j.at[n]; !there && !j.mayBeGone(n, offset) {
			j.fault("record %d is missing: it was at %d when the log was judged last", n, offset)
		}
	}
}

// mayBeGone: retention has taken it, or a later record of its key stands for it.
func (j *judge) mayBeGone(n int, offset int64) bool {
	if j.l.Trimmed && offset < j.found.Start {
		return true
	}
	last, there := j.last[string(KeyOf(n))]
	return j.l.Compacted && there && last > offset
}

// beginning: what one producer sent in order is there from its first record on, without a gap.
func (j *judge) beginning() {
	if j.l.Compacted {
		return
	}
	missing := -1
	for _, n := range j.p.sent {
		offset, there := j.at[n]
		if said, ok := j.p.acked[n]; !there && ok && j.mayBeGone(n, said.Offset) {
			continue
		}
		if there && missing >= 0 {
			j.fault("record %d is at %d, and record %d, sent before it, is not there", n, offset, missing)
			return
		}
		if !there && missing < 0 && (!j.l.Trimmed || j.found.Start <= j.p.end) {
			missing = n
		}
	}
}

// keys: the last acknowledged value of a key, or one that came after it, is there.
func (j *judge) keys() {
	if !j.l.Compacted {
		return
	}
	latest := map[string]int64{}
	note := func(n int, offset int64) { latest[string(KeyOf(n))] = max(latest[string(KeyOf(n))], offset) }
	for offset, n := range j.p.truth {
		note(n, offset)
	}
	for n, said := range j.p.acked {
		note(n, said.Offset)
	}
	for _, key := range slices.Sorted(maps.Keys(latest)) {
		if last, there := j.last[key]; !there || last < latest[key] {
			j.fault("key %s has lost its last value, acknowledged at %d; the last found is at %d", key, latest[key], last)
		}
	}
}

// close begins a new page. Of a compacted log everything that was ever known of an offset stays known.
func (j *judge) close() {
	p := j.p
	p.start, p.end = j.found.Start, j.found.End
	if !j.l.Compacted {
		p.truth = j.by
	}
	for offset, n := range j.by {
		p.truth[offset] = n
	}
	p.known = map[int]struct{}{}
	for _, n := range p.truth {
		p.known[n] = struct{}{}
	}
	if j.l.Compacted {
		for n, said := range p.acked {
			p.truth[said.Offset] = n
			p.known[n] = struct{}{}
		}
	}
	p.sent, p.acked = nil, map[int]Place{}
}
