package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// numCPU is read before this process binds itself to one CPU.
var numCPU = runtime.NumCPU()

// quietWithin is how long a run waits for the machine to become quiet before it starts all the same.
const quietWithin = 6 * time.Second

// idleAfter is how long a fresh broker is left alone before its memory is read.
const idleAfter = 3 * time.Second

// run does the whole plan and returns what it has, also when something failed on the way.
func run(ctx context.Context, o *options) (r *report, err error) {
	began := time.Now()
	chosen, err := choose(o)
	if err != nil {
		return nil, err
	}
	if numCPU < 2 {
		return nil, fmt.Errorf("needs two CPUs, one for the broker and one for the load generator")
	}
	dir, err := os.MkdirTemp(o.dir, "sordini-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	sides, err := newSides(o, dir)
	if err != nil {
		return nil, err
	}
	r = newReport(o, began)
	defer func() {
		for _, b := range sides {
			if err != nil && b.cmd != nil && !alive(b.pid) {
				err = fmt.Errorf("%w (%s, pid %d, has ended)", err, b.name, b.pid)
			}
			if serr := b.stop(); err == nil {
				err = serr
			}
			if err != nil {
				showLog(dir)
			}
		}
	}()
	if o.only == "" {
		if err := measureStarts(ctx, o, sides, r); err != nil {
			return r, err
		}
	}
	for _, b := range sides {
		cpu := -1
		if o.pin {
			cpu = brokerCPU
		}
		if _, err := b.start(ctx, cpu); err != nil {
			return r, err
		}
	}
	if err := measureIdle(ctx, sides, r); err != nil {
		return r, err
	}
	if o.pin {
		if err := pinSelf(generatorCPU); err != nil {
			return r, err
		}
	}
	if err := warmUp(ctx, o, sides); err != nil {
		return r, err
	}
	for i := range chosen {
		row, err := measureWorkload(ctx, o, &chosen[i], sides, began)
		r.rows = append(r.rows, row)
		if err != nil {
			return r, err
		}
	}
	return r, measureLoaded(sides, r)
}

// choose returns the workloads that were asked for; without a choice all that the Kafka of the run serves.
func choose(o *options) ([]workload, error) {
	all := workloads()
	kafka3 := strings.HasPrefix(o.kafkaVersion, "3.")
	oldServed, newServed := o.noKafka || kafka3, o.noKafka || !kafka3
	if o.only == "" {
		return slices.DeleteFunc(all, func(w workload) bool { return w.old && !oldServed || w.producers > 0 && !newServed }), nil
	}
	var chosen []workload
	for name := range strings.SplitSeq(o.only, ",") {
		i := slices.IndexFunc(all, func(w workload) bool { return w.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no workload %q; there are: %s", name, strings.Join(workloadNames(), ", "))
		}
		if all[i].old && !oldServed {
			return nil, fmt.Errorf("workload %q is not served by Kafka %s any more; add -kafka 3.9.1", name, o.kafkaVersion)
		}
		if all[i].producers > 0 && !newServed {
			return nil, fmt.Errorf("workload %q is not served by Kafka %s yet: it is of transaction version 2", name, o.kafkaVersion)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func newSides(o *options, dir string) ([]*broker, error) {
	var sides []*broker
	if !o.noOurs {
		b, err := newOurs(o, dir, o.port)
		if err != nil {
			return nil, err
		}
		sides = append(sides, b)
	}
	if !o.noKafka {
		sides = append(sides, newKafka(o, dir, o.port+10))
	}
	return sides, nil
}

// showLog prints the end of our broker's output when a run failed: the directory it lies in is about to go.
func showLog(dir string) {
	for _, name := range []string{"sordini.log", "kafka.log"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(text) == 0 {
			continue
		}
		progress("--- end of %s\n%s", name, text[max(0, len(text)-4000):])
	}
}

// measureStarts times starts on no particular CPU, each after an orderly stop. The first start of a side also formats its
// data directory and is not counted with the others.
func measureStarts(ctx context.Context, o *options, sides []*broker, r *report) error {
	for _, b := range sides {
		n := o.starts
		if b.name != ours {
			n = min(n, 2)
		}
		for i := range n + 1 {
			awaitQuiet(quietWithin)
			d, err := b.start(ctx, -1)
			if err != nil {
				return err
			}
			if err := b.stop(); err != nil {
				return err
			}
			if i == 0 {
				r.firstStart[b.name] = d
				continue
			}
			r.restarts[b.name] = append(r.restarts[b.name], d)
		}
		progress("%s: listens %v after a restart", b.name, r.restarts[b.name])
	}
	return nil
}

func measureIdle(ctx context.Context, sides []*broker, r *report) error {
	select {
	case <-time.After(idleAfter):
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, b := range sides {
		m, err := processMemory(b.pid)
		if err != nil {
			return err
		}
		r.idle[b.name] = m
		progress("%s: %d MiB resident when idle", b.name, m.rss>>20)
	}
	return nil
}

func measureLoaded(sides []*broker, r *report) error {
	for _, b := range sides {
		m, err := processMemory(b.pid)
		if err != nil {
			return err
		}
		r.loaded[b.name] = m
	}
	return nil
}

// warmUp gives both sides the same load before anything is counted: the JVM compiles what is hot, and the machine gets
// the memory for its page cache (a virtual machine may have to ask its host for it).
func warmUp(ctx context.Context, o *options, sides []*broker) error {
	const topic = "warm-up"
	batch := encodeBatch(batchShape{records: 16, valueBytes: 1000}, time.Now().UnixMilli())
	for _, b := range sides {
		began := time.Now()
		c, err := dial(b.addr)
		if err != nil {
			return err
		}
		err = b.createTopic(c, topic)
		if err == nil {
			_, err = produce(ctx, c, topic, batch, int(o.warmupBytes)/len(batch), 5)
		}
		if err == nil {
			_, _, err = fetch(ctx, c, fetchVersion, topic, 1<<20, 1)
		}
		if err == nil {
			err = b.deleteTopic(c, topic)
		}
		_ = c.Close()
		if err != nil {
			return fmt.Errorf("warm up %s: %w", b.name, err)
		}
		progress("%s: warm after %v", b.name, time.Since(began).Round(time.Millisecond))
	}
	return nil
}

// measureWorkload runs pairs until enough of them were free of foreign load, or the tries or the time are used up. The
// order within a pair alternates. One pair before them is not counted: it warms the code of this workload.
func measureWorkload(ctx context.Context, o *options, w *workload, sides []*broker, began time.Time) (row, error) {
	out := row{workload: *w}
	for _, b := range sides {
		if err := w.prepare(ctx, b, o.scale); err != nil {
			return out, err
		}
	}
	clean := 0
	for round := -1; clean < o.pairs && round < o.pairs+o.retries; round++ {
		if time.Since(began) > o.limit {
			progress("%s: time is up after %d pairs", w.name, len(out.pairs))
			break
		}
		p := pair{}
		for i := range sides {
			b := sides[i]
			if round%2 != 0 {
				b = sides[len(sides)-1-i]
			}
			scale := o.scale
			if round < 0 {
				scale /= 4
			}
			m, err := w.run(ctx, b, round+1, scale)
			if err != nil {
				return out, err
			}
			p.add(b, m)
		}
		if round < 0 {
			continue
		}
		p.clean = p.foreign() <= o.maxForeign
		if p.clean {
			clean++
		}
		out.pairs = append(out.pairs, p)
		progress("%s: pair %d: %s", w.name, len(out.pairs), p.line(w))
	}
	for _, b := range sides {
		if err := w.cleanup(b); err != nil {
			return out, err
		}
	}
	return out, nil
}
