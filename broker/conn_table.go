package broker

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sordini/sordini/broker/config"
)

// connTable knows the open connections, keeps their number within max.connections, max.connections.per.ip and its overrides, and closes those
// that have done nothing for connections.max.idle.ms. It looks for idle ones a few times per idle time, and only while there are connections.
type connTable struct {
	idleMs int64

	wake chan struct{} // capacity 1: the first connection wakes the reaper

	mu struct {
		sync.Mutex
		max, maxPerHost int
		overrides       map[string]int32 // by address, in place of maxPerHost
		conns           map[*conn]struct{}
		perHost         map[string]int
	}
}

var (
	errTooMany        = errors.New("max.connections is reached")
	errTooManyPerHost = errors.New("max.connections.per.ip is reached")
)

func newConnTable(limits *config.Sockets) *connTable {
	t := &connTable{idleMs: limits.ConnectionsMaxIdleMs, wake: make(chan struct{}, 1)}
	t.mu.conns, t.mu.perHost = map[*conn]struct{}{}, map[string]int{}
	t.setLimits(limits)
	return t
}

// setLimits changes the limits. Connections that are open stay.
func (t *connTable) setLimits(limits *config.Sockets) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.max = min(int(limits.MaxConnections), descriptorsForConnections())
	t.mu.maxPerHost, t.mu.overrides = int(limits.MaxConnectionsPerIP), limits.MaxConnectionsOverrides
}

// descriptorsForConnections is what connections may take of the descriptors that the system grants: three quarters. The logs need theirs, and
// suffer more without: a connection that is refused comes again, a sync that cannot open its file takes the directory offline.
func descriptorsForConnections() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(limit.Cur / 4 * 3)
}

func (t *connTable) add(c *conn, host string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.mu.conns) >= t.mu.max {
		return errTooMany
	}
	limit := t.mu.maxPerHost
	if n, ok := t.mu.overrides[host]; ok {
		limit = int(n)
	}
	if t.mu.perHost[host] >= limit {
		return errTooManyPerHost
	}
	t.mu.conns[c] = struct{}{}
	t.mu.perHost[host]++
	if len(t.mu.conns) == 1 {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

func (t *connTable) remove(c *conn, host string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.mu.conns, c)
	if t.mu.perHost[host]--; t.mu.perHost[host] == 0 {
		delete(t.mu.perHost, host)
	}
}

func (t *connTable) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.mu.conns)
}

// each calls fn for every connection, without the lock.
func (t *connTable) each(fn func(*conn)) {
	t.mu.Lock()
	all := make([]*conn, 0, len(t.mu.conns))
	for c := range t.mu.conns {
		all = append(all, c)
	}
	t.mu.Unlock()
	for _, c := range all {
		fn(c)
	}
}

const (
	idleChecks   = 8 // per idle time
	minIdleCheck = 50 * time.Millisecond
)

// reap closes idle connections until ctx ends.
func (t *connTable) reap(ctx context.Context) {
	if t.idleMs < 0 {
		return
	}
	every := max(time.Duration(t.idleMs/idleChecks)*time.Millisecond, minIdleCheck)
	for {
		if t.count() == 0 {
			select {
			case <-t.wake:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
		oldest := time.Now().UnixMilli() - t.idleMs
		t.each(func(c *conn) {
			if c.tcp.usedMs.Load() < oldest {
				c.close()
			}
		})
	}
}
