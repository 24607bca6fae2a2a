package runtime

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

// call is one event in a shard's mailbox and the goroutine that waits for its
// reply.
type call struct {
	event any
	reply chan result // capacity 1: the shard never waits for a caller. nil if nobody waits

	// mu is held while the machine reads the event. A caller whose context
	// ends takes it before it goes, for the event may alias a buffer that is
	// used again as soon as the caller has returned.
	mu struct {
		sync.Mutex
		gone bool
	}
}

type result struct {
	response any
	err      *kerr.Error
}

func (c *call) answer(r result) {
	if c.reply != nil {
		c.reply <- r
	}
}

func (c *call) fail(err *kerr.Error) { c.answer(result{err: err}) }

// wait returns the reply, or NOT_COORDINATOR when ctx ends first.
func (c *call) wait(ctx context.Context) (any, *kerr.Error) {
	select {
	case r := <-c.reply:
		return r.response, r.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	c.mu.gone = true
	c.mu.Unlock()
	select {
	case r := <-c.reply: // both were ready
		return r.response, r.err
	default:
		return nil, kerr.NotCoordinator
	}
}
