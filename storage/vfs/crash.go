package vfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// crashBlock is the unit in which unsynced data survives a crash, or does not: a page.
const crashBlock = 4096

func (n *node) sync() {
	if n.dir {
		n.saved, n.pending = maps.Clone(n.entries), nil
		return
	}
	n.synced = slices.Clone(n.data)
}

func (n *node) syncAll() {
	n.sync()
	for _, child := range n.entries {
		child.syncAll()
	}
}

// CrashClone returns a file system as it may be found after a crash at this moment. Everything synced is
// there. Of what was not synced, each page of a file and each cut of a file is there with a chance of percent in 100,
// independently of the others, and each directory has seen some number of its first changes: 0 is a disk that lost
// all, 100 a crash of the process alone. The result has no locks and no limit of its size.
func (m *MemFS) CrashClone(percent int, rng *rand.Rand) *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := NewMemFS()
	out.noSyncFS = m.noSyncFS
	c := crash{percent: percent, rng: rng, done: make(map[*node]*node)}
	out.root = c.clone(m.root)
	out.used = out.root.bytes()
	return out
}

type crash struct {
	percent int
	rng     *rand.Rand
	done    map[*node]*node // files can have several names
}

func (c *crash) kept() bool {
	return c.percent > 0 && (c.percent >= 100 || c.rng.IntN(100) < c.percent)
}

// prefix is how many of n ordered changes made it.
func (c *crash) prefix(n int) int {
	switch {
	case c.percent <= 0:
		return 0
	case c.percent >= 100:
		return n
	}
	return c.rng.IntN(n + 1)
}

func (c *crash) clone(n *node) *node {
	if out := c.done[n]; out != nil {
		return out
	}
	out := &node{dir: n.dir}
	c.done[n] = out
	if !n.dir {
		out.data = c.file(n)
		out.synced = slices.Clone(out.data)
		return out
	}
	entries := maps.Clone(n.saved)
	for _, change := range n.pending[:c.prefix(len(n.pending))] {
		change.apply(entries)
	}
	out.entries = make(map[string]*node, len(entries))
	// In order, so that a seed gives the same crash each time.
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		out.entries[name] = c.clone(entries[name])
	}
	out.saved = maps.Clone(out.entries)
	return out
}

// file mixes the synced bytes with some of the pages written since.
func (c *crash) file(n *node) []byte {
	data := slices.Clone(n.synced)
	if len(n.data) < len(data) && c.kept() {
		data = data[:len(n.data)]
	}
	for at := 0; at < len(n.data); at += crashBlock {
		if !c.kept() {
			continue
		}
		page := n.data[at:min(at+crashBlock, len(n.data))]
		if grow := at + len(page) - len(data); grow > 0 {
			data = append(data, make([]byte, grow)...) // pages before it that did not make it are zeros
		}
		copy(data[at:], page)
	}
	return data
}

func (n *node) bytes() int64 {
	total := int64(len(n.data))
	for _, child := range n.entries {
		total += child.bytes()
	}
	return total
}
