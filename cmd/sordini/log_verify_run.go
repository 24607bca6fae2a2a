package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sordini/sordini/storage/inspect"
)

// verifying is one run of `log verify`. Partitions are read by several goroutines, and printed in their order.
type verifying struct {
	o      *output
	errOut io.Writer
	found  *inspect.Found
	jobs   int
	begin  time.Time

	progress *progress
	next     atomic.Int64 // the partition that the next goroutine takes
	// results has room for all partitions: nobody waits to be printed.
	results []chan verified
	totals  inspect.Totals
}

// verified is what became of one partition.
type verified struct {
	findings []inspect.Finding
	totals   inspect.Totals
	err      error
}

func (v *verifying) run(ctx context.Context) (inspect.Totals, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	v.progress = newProgress(v.errOut, v.found)
	v.results = make([]chan verified, len(v.found.Partitions))
	for i := range v.results {
		v.results[i] = make(chan verified, 1)
	}
	var jobs sync.WaitGroup
	for range min(v.jobs, len(v.results)) {
		jobs.Go(func() { v.work(ctx) })
	}
	defer jobs.Wait()
	defer stop()
	err := v.print()
	v.progress.clear()
	if err != nil {
		return v.totals, err
	}
	return v.totals, printVerified(v.o, v.errOut, v.totals, time.Since(v.begin))
}

// print prints what is found, partition by partition.
func (v *verifying) print() error {
	var failed error
	show := func(f inspect.Finding) {
		v.progress.clear()
		failed = errors.Join(failed, printFinding(v.o, f))
	}
	for i := range v.found.DataDirs {
		inspect.CheckMeta(&v.found.DataDirs[i], v.found.Partitions, func(f inspect.Finding) {
			if f.Kind.Damage() {
				v.totals.Damages++
			}
			show(f)
		})
	}
	for _, result := range v.results {
		done := <-result
		for _, f := range done.findings {
			show(f)
		}
		if err := errors.Join(done.err, failed); err != nil {
			return err
		}
		v.totals.Add(done.totals)
	}
	return failed
}

// work verifies one partition after another.
func (v *verifying) work(ctx context.Context) {
	var done verified
	verifier := &inspect.Verifier{Report: func(f inspect.Finding) { done.findings = append(done.findings, f) }}
	told := int64(0)
	verifier.Progress = func(bytes int64) {
		v.progress.add(bytes - told)
		told = bytes
	}
	for {
		i := int(v.next.Add(1)) - 1
		if i >= len(v.results) {
			return
		}
		done, told, verifier.Totals = verified{}, 0, inspect.Totals{}
		done.err = verifier.Partition(ctx, &v.found.Partitions[i])
		done.totals = verifier.Totals
		v.results[i] <- done
	}
}

// progress is a line on a terminal that is rewritten in place.
type progress struct {
	w     *os.File // nil: not a terminal
	all   int64
	done  atomic.Int64
	begin time.Time
	mu    struct {
		sync.Mutex
		last  time.Time
		shown bool
	}
}

const progressEvery = 200 * time.Millisecond

func newProgress(w io.Writer, found *inspect.Found) *progress {
	p := &progress{begin: time.Now()}
	p.mu.last = p.begin
	if file, ok := w.(*os.File); ok && isTerminal(file) {
		p.w = file
	}
	for i := range found.Partitions {
		p.all += found.Partitions[i].Size()
	}
	return p
}

func (p *progress) add(bytes int64) {
	done := p.done.Add(bytes)
	if p.w == nil || !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.mu.last) < progressEvery {
		return
	}
	p.mu.last, p.mu.shown = now, true
	fmt.Fprintf(p.w, "\r\x1b[K%s of %s, %s/s", sizeText(done), sizeText(p.all), sizeText(int64(float64(done)/now.Sub(p.begin).Seconds())))
}

// clear takes the line away, for what is printed now.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.mu.shown = false
	}
}
