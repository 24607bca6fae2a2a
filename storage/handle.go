package storage

import (
	"sync"

	"github.com/sordini/sordini/storage/vfs"
)

// handle is an open segment file with a count of its users. The segment itself is one of them, until its
// file is evicted, replaced or deleted.
type handle struct {
	ref
	file vfs.File
	path string
}

func newHandle(f vfs.File, path string) *handle {
	h := &handle{file: f, path: path}
	h.n.Store(1)
	return h
}

func (h *handle) release() {
	if h.drop() {
		_ = h.file.Close() // nothing that matters was written through it without being synced
	}
}

// fileCache bounds the open files of closed segments. Active segments are not in it: their files stay
// open. Eviction is second chance, so that a read of an open file only sets a flag.
type fileCache struct {
	max int
	mu  struct {
		sync.Mutex
		ring []*segment
		hand int
	}
}

// add registers a segment whose file was just opened, or which was just closed for appends, and evicts.
func (c *fileCache) add(s *segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.cached || s.pinned.Load() {
		return
	}
	s.cached = true
	c.mu.ring = append(c.mu.ring, s)
	for len(c.mu.ring) > c.max {
		c.evictLocked()
	}
}

// evictLocked closes the file of the first segment that was not used since the hand last passed it. A file
// that is in use stays open until its last user releases it.
func (c *fileCache) evictLocked() {
	for {
		if c.mu.hand >= len(c.mu.ring) {
			c.mu.hand = 0
		}
		s := c.mu.ring[c.mu.hand]
		if s.used.Swap(false) && len(c.mu.ring) > 1 {
			c.mu.hand++
			continue
		}
		c.removeAtLocked(c.mu.hand)
		if h := s.handle.Swap(nil); h != nil {
			h.release()
		}
		return
	}
}

// shed closes every file of a closed segment that nobody uses at the moment: the process has no descriptors left.
func (c *fileCache) shed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := len(c.mu.ring); n > 0; n-- {
		s := c.mu.ring[n-1]
		c.removeAtLocked(n - 1)
		if h := s.handle.Swap(nil); h != nil {
			h.release()
		}
	}
}

func (c *fileCache) removeAtLocked(i int) {
	last := len(c.mu.ring) - 1
	c.mu.ring[i].cached = false
	c.mu.ring[i] = c.mu.ring[last]
	c.mu.ring[last] = nil
	c.mu.ring = c.mu.ring[:last]
}

// forget takes a segment out, because its file is going away or it takes appends again.
func (c *fileCache) forget(s *segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.cached {
		return
	}
	for i := range c.mu.ring {
		if c.mu.ring[i] == s {
			c.removeAtLocked(i)
			return
		}
	}
}

// open is how many files of closed segments are open.
func (c *fileCache) open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.mu.ring)
}
