package storage

import (
	"sync"
	"time"
)

const (
	// syncFilesMax is up to how many dirty files are always synced one by one.
	syncFilesMax = 3
	// syncAtOnce is how many are synced at the same time.
	syncAtOnce = 8
	// wholeForgotten is the time after which what a sync of the whole file system has cost counts half.
	wholeForgotten = time.Minute
)

// syncCost knows what it costs to make many files durable: file by file, or with one syncfs. With nothing else dirty in the file system a
// syncfs is a few times cheaper from some ten files on; with much else, that is of others or of logs that nobody waits for, it is a
// hundred times dearer, for it writes all of that too. So both are measured where they are used, and the cheaper one is taken. An answer of
// long ago counts less and less, until the other way is tried again.
type syncCost struct {
	clock func() time.Duration // nil: syncfs is always taken for the cheaper one
	mu    struct {
		sync.Mutex
		file  time.Duration // for each of many; 0: not known
		whole time.Duration // 0: not known
		at    time.Duration // when whole was measured
	}
}

// now is the time from which a sync is measured.
func (c *syncCost) now() time.Duration {
	if c.clock == nil {
		return 0
	}
	return c.clock()
}

// wholeIsCheaper chooses for a number of files and directories.
func (c *syncCost) wholeIsCheaper(n int) bool {
	if n <= syncFilesMax {
		return false
	}
	if c.clock == nil {
		return true
	}
	now := c.clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.mu.file == 0:
		return false
	case c.mu.whole == 0:
		return true
	}
	return c.wholeLocked(now) < time.Duration(n)*c.mu.file
}

// wholeLocked is what is to be expected of a syncfs.
func (c *syncCost) wholeLocked(now time.Duration) time.Duration {
	halvings := min((now-c.mu.at)/wholeForgotten, 32)
	return c.mu.whole >> halvings
}

// filesTook notes a sync that began at a time, file by file.
func (c *syncCost) filesTook(n int, began time.Duration) {
	if c.clock == nil || n <= syncFilesMax {
		return
	}
	each := max((c.clock()-began)/time.Duration(n), 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.file == 0 {
		c.mu.file = each
	}
	c.mu.file = (7*c.mu.file + each) / 8
}

// wholeTook notes a syncfs that began at a time. A bad experience counts at once, a good one by half.
func (c *syncCost) wholeTook(began time.Duration) {
	if c.clock == nil {
		return
	}
	now := c.clock()
	took := max(now-began, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.whole = max(took, (c.wholeLocked(now)+took)/2)
	c.mu.at = now
}
