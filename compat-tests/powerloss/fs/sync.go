package main

import "syscall"

// syncFile makes the bytes of a file durable, and its size. Its name is durable then only on a medium with a journal, and
// only if there was something about the file to be written into the journal.
func (d *disk) syncFile(id uint64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.mu.nodes[id]
	if n == nil || n.dir {
		return syscall.EBADF
	}
	if errno := d.beginLocked(); errno != 0 {
		return errno
	}
	if d.journal && n.grown {
		d.commitLocked(func(change) bool { return true })
	}
	n.save()
	return 0
}

func (n *node) save() {
	for _, w := range n.writes {
		n.saved = w.apply(n.saved)
	}
	n.writes, n.grown = nil, false
}

// syncDir makes the names in a directory durable, and what has to be durable before them.
func (d *disk) syncDir(id uint64) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.mu.nodes[id]; n == nil || !n.dir {
		return syscall.EBADF
	}
	if errno := d.beginLocked(); errno != 0 {
		return errno
	}
	needed := map[slot]bool{}
	keep := make([]bool, len(d.mu.changes))
	for i := len(keep) - 1; i >= 0; i-- {
		for _, s := range d.mu.changes[i].sets {
			keep[i] = keep[i] || d.journal || s.dir == id || needed[s.slot]
		}
		if keep[i] {
			for _, s := range d.mu.changes[i].sets {
				needed[s.slot] = true
			}
		}
	}
	i := -1
	d.commitLocked(func(change) bool { i++; return keep[i] })
	return 0
}

// syncAll is syncfs.
func (d *disk) syncAll() syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if errno := d.beginLocked(); errno != 0 {
		return errno
	}
	d.commitLocked(func(change) bool { return true })
	for _, n := range d.mu.nodes {
		n.save()
	}
	return 0
}

// commitLocked puts the chosen changes on the medium, in order.
func (d *disk) commitLocked(chosen func(change) bool) {
	var rest []change
	for _, c := range d.mu.changes {
		if !chosen(c) {
			rest = append(rest, c)
			continue
		}
		for _, s := range c.sets {
			applySet(d.mu.nodes[s.dir].savedIn, s)
		}
	}
	d.mu.changes = rest
}
