package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// deliveryTimeout is how long no record may be acknowledged while some wait. Somebody waits in front of it.
const deliveryTimeout = 30 * time.Second

// deliveries collects what became of the records. The client calls it from a goroutine of its own.
//
// It also ends what does not move: the client retries for ever, and its own time-out counts from a record's timestamp, which for records
// from JSON is in the past.
type deliveries struct {
	out    io.Writer
	format recordWriter // nil prints nothing
	mu     struct {
		sync.Mutex
		waiting, written, failed int
		first                    error // why the first one failed
		firstNumber              int
		outErr                   error
		line                     []byte
		stalled                  bool
		timer                    *time.Timer // runs while records wait; nil does not watch
		timeout                  time.Duration
	}
}

// watch returns a context that ends when records wait and none was acknowledged for the timeout. The caller stops it.
func (d *deliveries) watch(parent context.Context, timeout time.Duration) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.timeout = timeout
	d.mu.timer = time.AfterFunc(timeout, func() {
		d.mu.Lock()
		d.mu.stalled = d.mu.waiting > 0
		stalled := d.mu.stalled
		d.mu.Unlock()
		if stalled {
			cancel()
		}
	})
	return ctx, func() {
		d.mu.timer.Stop()
		cancel()
	}
}

// deliver notes that a record is on its way and returns what the client calls at its end.
func (d *deliveries) deliver(number int) func(*kgo.Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.waiting++; d.mu.waiting == 1 && d.mu.timer != nil {
		d.mu.timer.Reset(d.mu.timeout)
	}
	return func(r *kgo.Record, err error) { d.delivered(number, r, err) }
}

func (d *deliveries) delivered(number int, r *kgo.Record, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.waiting--
	if err != nil {
		if d.mu.failed++; d.mu.first == nil {
			d.mu.first, d.mu.firstNumber = err, number
		}
		return
	}
	if d.mu.timer != nil {
		d.mu.timer.Reset(d.mu.timeout)
	}
	d.mu.written++
	if d.format == nil || d.mu.outErr != nil {
		return
	}
	d.mu.line = d.format(d.mu.line[:0], r)
	_, d.mu.outErr = d.out.Write(d.mu.line)
}

func (d *deliveries) ended() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.first != nil || d.mu.outErr != nil
}

// result is the outcome of the command. cause is what ended the reading early, if anything did.
func (d *deliveries) result(c *client, cause error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if first := d.mu.first; first != nil {
		if d.mu.stalled {
			first = context.DeadlineExceeded // instead of the cancellation that it caused
		}
		return fmt.Errorf("%s written, %d failed, record %d first: %w", plural(d.mu.written, "record"), d.mu.failed, d.mu.firstNumber, c.explain(first))
	}
	if cause != nil {
		return addContext(cause, "", fmt.Sprintf(" (%s written)", plural(d.mu.written, "record")))
	}
	return d.mu.outErr
}
