package main

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
)

const pageSize = 4096

// loss says what a crash has done.
type loss struct {
	writes, lostWrites   int // of file contents, pages of torn ones counted each
	changes, lostChanges int // of names
}

// crash turns the power off and on again: of what is not durable, about percent are lost. What programs see afterwards is
// what is on the medium.
func (d *disk) crash(seed uint64, percent int) loss {
	d.mu.Lock()
	defer d.mu.Unlock()
	rnd := rand.New(rand.NewPCG(seed, uint64(percent)))
	var l loss
	d.dropChangesLocked(rnd, percent, &l)
	for _, n := range slices.SortedFunc(maps.Values(d.mu.nodes), func(a, b *node) int { return cmp.Compare(a.id, b.id) }) {
		d.dropWrites(rnd, percent, n, &l)
	}
	reached := map[uint64]*node{}
	d.reachLocked(rootID, reached)
	d.mu.nodes, d.mu.changes = reached, nil
	d.mu.ops, d.mu.haltAt, d.mu.halted = 0, 0, false
	return l
}

func (d *disk) reachLocked(id uint64, reached map[uint64]*node) {
	if reached[id] != nil {
		return
	}
	n := d.mu.nodes[id]
	reached[id] = n
	n.data, n.writes, n.grown = slices.Clone(n.saved), nil, false
	if n.dir {
		n.names = maps.Clone(n.savedIn)
	}
	for _, child := range n.savedIn {
		d.reachLocked(child, reached)
	}
}

// dropChangesLocked: on a medium with a journal, what is lost is the end of it. On one without, each change stands alone,
// except that changes of one name keep their order.
func (d *disk) dropChangesLocked(rnd *rand.Rand, percent int, l *loss) {
	l.changes = len(d.mu.changes)
	cut := rnd.IntN(len(d.mu.changes) + 1)
	lost := map[slot]bool{}
	i := -1
	d.commitLocked(func(c change) bool {
		i++
		drop := rnd.IntN(100) < percent
		switch {
		case percent == 0 || percent == 100:
			drop = percent == 100
		case d.journal:
			drop = i >= cut
		}
		for _, s := range c.sets {
			drop = drop || lost[s.slot]
		}
		if drop {
			l.lostChanges++
			for _, s := range c.sets {
				lost[s.slot] = true
			}
		}
		return !drop
	})
}

// dropWrites: a write may be torn at page boundaries. What follows a lost truncation in its file is lost too; with a journal,
// what follows any lost page is, for a file's size follows its data.
func (d *disk) dropWrites(rnd *rand.Rand, percent int, n *node, l *loss) {
	for _, w := range n.writes {
		for _, part := range parts(rnd, w) {
			l.writes++
			if rnd.IntN(100) >= percent {
				n.saved = part.apply(n.saved)
				continue
			}
			l.lostWrites++
			if d.journal || part.bytes == nil {
				return
			}
		}
	}
}

// parts tears about half of the writes at the borders of pages.
func parts(rnd *rand.Rand, w write) []write {
	if w.bytes == nil || rnd.IntN(2) == 0 {
		return []write{w}
	}
	var all []write
	for len(w.bytes) > 0 {
		n := min(len(w.bytes), pageSize-int(w.at%pageSize))
		all = append(all, write{w.at, w.bytes[:n]})
		w.at, w.bytes = w.at+int64(n), w.bytes[n:]
	}
	return all
}
