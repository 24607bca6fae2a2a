package main

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// What is required of our broker besides the ratios, which stand at the workloads.
const (
	maxIdleRSS = 40 << 20
	maxStart   = 100 * time.Millisecond
)

// pair is one run on each side, one right after the other. A side that is not measured is nil.
type pair struct {
	ours, kafka *measurement
	clean       bool
}

func (p *pair) add(b *broker, m measurement) {
	if b.name == ours {
		p.ours = &m
		return
	}
	p.kafka = &m
}

func (p *pair) foreign() float64 {
	worst := 0.0
	for _, m := range []*measurement{p.ours, p.kafka} {
		if m != nil {
			worst = max(worst, m.foreign)
		}
	}
	return worst
}

func (p *pair) line(w *workload) string {
	var s []string
	for _, side := range []struct {
		name string
		m    *measurement
	}{{ours, p.ours}, {"Kafka", p.kafka}} {
		if m := side.m; m != nil {
			s = append(s, fmt.Sprintf("%s %.3g %s (%.2f s CPU in %.2f s, client %.2f s, %.0f requests/s)", side.name, w.figure(*m), w.unit(),
				m.cpu.Seconds(), m.wall.Seconds(), m.client.Seconds(), float64(m.requests)/m.wall.Seconds()))
		}
	}
	return fmt.Sprintf("%s, foreign %.0f%%", strings.Join(s, ", "), p.foreign()*100)
}

// row is one workload with all its pairs.
type row struct {
	workload workload
	pairs    []pair
}

// counted returns the pairs that the figures are made from: those free of foreign load, or all of them if those are too
// few to be a majority, which the table then says.
func (r *row) counted() (pairs []pair, noisy bool) {
	for _, p := range r.pairs {
		if p.clean {
			pairs = append(pairs, p)
		}
	}
	if 2*len(pairs) <= len(r.pairs) {
		return r.pairs, true
	}
	return pairs, false
}

func (r *row) figures(side func(*pair) *measurement) spread {
	pairs, _ := r.counted()
	var s spread
	for i := range pairs {
		if m := side(&pairs[i]); m != nil {
			s = append(s, r.workload.figure(*m))
		}
	}
	return s
}

func (r *row) ratios() spread {
	pairs, _ := r.counted()
	var s spread
	for _, p := range pairs {
		if p.ours != nil && p.kafka != nil {
			s = append(s, r.workload.figure(*p.ours)/r.workload.figure(*p.kafka))
		}
	}
	return s
}

func (r *row) withinLimit() bool {
	s := r.ratios()
	return r.workload.limit == 0 || len(s) > 0 && s.median() <= r.workload.limit
}

// spread is some figures of one thing; its zero value prints as "-".
type spread []float64

func (s spread) median() float64 {
	v := slices.Sorted(slices.Values(s))
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

func (s spread) String() string {
	if len(s) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g [%.3g..%.3g]", s.median(), slices.Min(s), slices.Max(s))
}

// report is everything a run found. Maps are by broker name.
type report struct {
	o            *options
	began        time.Time
	rows         []row
	idle, loaded map[string]memory
	firstStart   map[string]time.Duration
	restarts     map[string][]time.Duration
}

func newReport(o *options, began time.Time) *report {
	return &report{o: o, began: began, idle: map[string]memory{}, loaded: map[string]memory{},
		firstStart: map[string]time.Duration{}, restarts: map[string][]time.Duration{}}
}

func medianStart(d []time.Duration) time.Duration {
	v := slices.Sorted(slices.Values(d))
	if len(v) == 0 {
		return 0
	}
	return v[len(v)/2]
}

// withinLimits is true when our broker met everything required of it that was measured.
func (r *report) withinLimits() bool {
	if r.o.noOurs {
		return true
	}
	ok := r.idle[ours].rss <= maxIdleRSS && medianStart(r.restarts[ours]) <= maxStart && r.firstStart[ours] <= maxStart
	for i := range r.rows {
		ok = ok && (r.o.noKafka || r.rows[i].withinLimit())
	}
	return ok
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Broker CPU against Kafka %s (heap %s), %s, %s\n\n", r.o.kafkaVersion, r.o.heap,
		r.began.UTC().Format("2006-01-02 15:04 MST"), machine())
	fmt.Fprintf(&b, "CPU is user and system time of the broker process. One connection, one partition, acks=1, full validation, durability: page cache on both sides.\n")
	if r.o.pin {
		fmt.Fprintf(&b, "Broker bound to CPU %d, load generator to CPU %d.\n", brokerCPU, generatorCPU)
	} else {
		fmt.Fprintf(&b, "Broker and load generator not bound to a CPU.\n")
	}
	fmt.Fprintf(&b, "Median [min..max] of pairs run one after the other; a ratio is the median of the ratios within pairs.\n\n")
	fmt.Fprintf(&b, "| workload | unit | ours | Kafka | ours/Kafka | required | met | pairs | foreign CPU |\n|---|---|---|---|---|---|---|---|---|\n")
	for i := range r.rows {
		b.WriteString(r.line(&r.rows[i]))
	}
	fmt.Fprintf(&b, "\n| figure | unit | ours | Kafka | required | met |\n|---|---|---|---|---|---|\n")
	r.others(&b)
	return b.String()
}

func (r *report) line(row *row) string {
	w := &row.workload
	pairs, noisy := row.counted()
	worst := 0.0
	for _, p := range pairs {
		worst = max(worst, p.foreign())
	}
	required, met := "-", "-"
	if w.limit > 0 {
		required = fmt.Sprintf("<= %.3g", w.limit)
		if len(row.ratios()) > 0 {
			met = yesNo(row.withinLimit())
		}
	}
	foreign := fmt.Sprintf("<= %.0f%%", worst*100)
	if noisy && worst > r.o.maxForeign {
		foreign += " (noisy)"
	}
	return fmt.Sprintf("| %s | %s | %v | %v | %v | %s | %s | %d of %d | %s |\n", w.text, w.unit(),
		row.figures(func(p *pair) *measurement { return p.ours }), row.figures(func(p *pair) *measurement { return p.kafka }),
		row.ratios(), required, met, len(pairs), len(row.pairs), foreign)
}

// others are the figures that are not CPU: memory and starts.
func (r *report) others(b *strings.Builder) {
	kafka := "Kafka " + r.o.kafkaVersion
	mib := func(m map[string]memory, name string) string {
		if v, ok := m[name]; ok {
			return fmt.Sprintf("%.1f (%.1f anonymous)", float64(v.rss)/(1<<20), float64(v.anon)/(1<<20))
		}
		return "-"
	}
	ms := func(d time.Duration) string {
		if d == 0 {
			return "-"
		}
		return fmt.Sprintf("%.1f", float64(d)/1e6)
	}
	fmt.Fprintf(b, "| resident memory, idle | MiB | %s | %s | <= %d | %s |\n", mib(r.idle, ours), mib(r.idle, kafka), maxIdleRSS>>20,
		r.metBy(r.idle[ours].rss > 0, r.idle[ours].rss <= maxIdleRSS))
	fmt.Fprintf(b, "| resident memory, after the load | MiB | %s | %s | - | - |\n", mib(r.loaded, ours), mib(r.loaded, kafka))
	again := medianStart(r.restarts[ours])
	fmt.Fprintf(b, "| restart to listening, median of %d | ms | %s | %s | <= %d | %s |\n", len(r.restarts[ours]), ms(again),
		ms(medianStart(r.restarts[kafka])), maxStart.Milliseconds(), r.metBy(again > 0, again <= maxStart))
	first := r.firstStart[ours]
	fmt.Fprintf(b, "| first start (makes the data directory) to listening | ms | %s | %s | <= %d | %s |\n", ms(first), ms(r.firstStart[kafka]),
		maxStart.Milliseconds(), r.metBy(first > 0, first <= maxStart))
}

func (r *report) metBy(measured, met bool) string {
	if !measured {
		return "-"
	}
	return yesNo(met)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "**no**"
}

// machine describes what the figures were measured on, as far as it bears on them.
func machine() string {
	parts := []string{fmt.Sprintf("%d CPUs", numCPU), runtime.Version()}
	facts := map[string]string{"Linux": "/proc/sys/kernel/osrelease", "congestion control": "/proc/sys/net/ipv4/tcp_congestion_control"}
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		if text, err := os.ReadFile(facts[name]); err == nil {
			parts = append(parts, name+" "+strings.TrimSpace(string(text)))
		}
	}
	return strings.Join(parts, ", ")
}
