package storage

import (
	"context"
	"math"
	"time"
)

// throttle keeps background reading and writing below a rate. It waits for as long as the bytes are worth, whatever
// time the work itself took, and so asks no clock; it stays a little below the rate.
type throttle struct {
	bytesPerSecond int64 // 0: as fast as it goes
	owed           int64
}

// throttleStep is the least time that is worth a timer. It is long, for a scrub that goes on for days should hardly wake anybody, and short
// enough that what is read in between disturbs nobody.
const throttleStep = 100 * time.Millisecond

// spent is called after some bytes. It returns early, with the context's error, when the context ends.
func (t *throttle) spent(ctx context.Context, n int64) error {
	if t.bytesPerSecond <= 0 || t.bytesPerSecond == math.MaxInt64 {
		return ctx.Err()
	}
	t.owed += n
	wait := time.Duration(float64(t.owed) / float64(t.bytesPerSecond) * float64(time.Second))
	if wait < throttleStep {
		return ctx.Err()
	}
	t.owed = 0
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
