package check

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Two flows know more than their transactions do. Both are judged by the final reads.

// A copy is written as the original's value, a bar, and what makes the attempt's own value of it.
const copyMark = "|"

// CopyOf is the value of a copy.
func CopyOf(original, attempt string) string { return original + copyMark + attempt }

// VerdictOfCopies holds a topic of copies against its originals: each has one copy, in its own partition, in order.
func (h *History) VerdictOfCopies(originals, copies string) []Anomaly {
	v := &verdict{h: h}
	for _, partition := range h.partitionsOf(originals, copies) {
		place := Place{originals, partition}
		order := map[string]int{}
		for i, r := range h.final[place] {
			order[r.Value] = i
		}
		copied, last := map[string]int64{}, -1
		to := Place{copies, partition}
		for _, r := range h.final[to] {
			original, _, _ := strings.Cut(r.Value, copyMark)
			i, ok := order[original]
			first, twice := copied[original]
			switch {
			case !ok:
				v.add(Changed, "%v@%d is a copy of %q, which is not in %v", to, r.Offset, original, place)
			case twice:
				v.add(Duplicate, "%q was copied to %v@%d and to %d", original, to, first, r.Offset)
			case i < last:
				v.add(Reordered, "%v@%d holds the copy of %q behind one of a later original", to, r.Offset, original)
			}
			copied[original], last = r.Offset, max(i, last)
		}
		for _, r := range h.final[place] {
			if _, ok := copied[r.Value]; !ok {
				v.add(LostWrite, "%q of %v@%d was never copied", r.Value, place, r.Offset)
			}
		}
	}
	return v.anomalies
}

// partitionsOf are those of which the final read has something in one of the topics.
func (h *History) partitionsOf(topics ...string) []int32 {
	found := map[int32]bool{}
	for place := range h.final {
		if slices.Contains(topics, place.Topic) {
			found[place.Partition] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// VerdictOfReader holds what a consumer was given, who began at the beginning and went on to the end, against the final reads: all of it.
func (h *History) VerdictOfReader(consumer string, topics ...string) []Anomaly {
	v := &verdict{h: h}
	given := map[Place]map[int64]bool{}
	for i := range h.polls {
		if p := &h.polls[i]; p.consumer == consumer && !p.seek {
			if given[p.place] == nil {
				given[p.place] = map[int64]bool{}
			}
			given[p.place][p.Offset] = true
		}
	}
	for _, place := range slices.SortedFunc(maps.Keys(h.final), comparePlaces) {
		if !slices.Contains(topics, place.Topic) {
			continue
		}
		for _, r := range h.final[place] {
			if !given[place][r.Offset] {
				v.add(LostWrite, "%s was never given %q of %v@%d", consumer, r.Value, place, r.Offset)
			}
		}
	}
	return v.anomalies
}

// TransferOf is one side of a transfer between accounts: what is added to an account.
func TransferOf(account int32, delta int64, attempt string) string {
	return strconv.Itoa(int(account)) + ":" + strconv.FormatInt(delta, 10) + ":" + attempt
}

// VerdictOfTransfers adds up a topic of transfers: no money is made or lost.
func (h *History) VerdictOfTransfers(topic string) []Anomaly {
	v := &verdict{h: h}
	total, n := int64(0), 0
	for place, records := range h.final {
		if place.Topic != topic {
			continue
		}
		for _, r := range records {
			parts := strings.SplitN(r.Value, ":", 3)
			delta, err := int64(0), error(nil)
			if len(parts) == 3 {
				delta, err = strconv.ParseInt(parts[1], 10, 64)
			}
			if len(parts) != 3 || err != nil {
				v.add(Changed, "%v@%d is no transfer: %.60q", place, r.Offset, r.Value)
				continue
			}
			total, n = total+delta, n+1
		}
	}
	if total != 0 {
		v.add(Torn, "%d sides of transfers add up to %d", n, total)
	}
	return v.anomalies
}
