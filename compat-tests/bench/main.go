// Command bench compares the broker's CPU and memory with those of a real Apache Kafka on the same machine.
//
// It owns the whole measurement: it starts both brokers, sends them the same frames (encoded once, so that the client
// costs next to nothing), and reads what the kernel charged to each broker process. `make bench` runs it; nothing else
// imports it.
//
// What must hold, so that the figures are honest:
//   - The figure is CPU seconds of the broker process (user and system, all threads), not wall time: on two cores wall
//     time measures the client.
//   - Both sides are measured in pairs, one right after the other, in alternating order; the answer is the median of
//     the ratios within pairs, never a quotient of two lonely runs.
//   - Both sides have the same durability (the page cache), the same validation (full), the same pinning (broker on
//     CPU 0, client on CPU 1) and the same load before the first counted run (a JVM needs about 2 GB to get warm).
//   - What other processes used meanwhile is printed with every row. A pair with much of it is repeated.
//   - Every answer is checked; an error code ends the run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the command's flags; see parseOptions for their meanings.
type options struct {
	binary, peer, kafkaVersion, heap string
	dir, out, only                   string
	port, pairs, retries, starts     int
	warmupBytes                      int64
	scale                            float64
	maxForeign                       float64
	limit                            time.Duration
	quick, noKafka, noOurs, check    bool
	pin                              bool
}

func parseOptions(args []string) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.binary, "binary", "bin/sordini", "our broker's binary")
	f.StringVar(&o.peer, "peer", "compat-tests/peer/kafka.sh", "launcher of a real Kafka: `FILE` run VERSION PORT DIR [key=value]... becomes the broker")
	f.StringVar(&o.kafkaVersion, "kafka", "4.4.0", "Kafka `VERSION` to compare with")
	f.StringVar(&o.heap, "heap", "1g", "heap of Kafka's JVM")
	f.StringVar(&o.dir, "dir", "", "make the temporary data directory under `DIR` (default: the system's)")
	f.StringVar(&o.out, "out", "", "also write the tables to `FILE`")
	f.StringVar(&o.only, "only", "", "run only these workloads (comma separated): "+strings.Join(workloadNames(), ", "))
	f.IntVar(&o.port, "port", 22400, "first port to use, on 127.0.0.1")
	f.IntVar(&o.pairs, "pairs", 5, "pairs per workload that must be free of foreign load")
	f.IntVar(&o.retries, "retries", 3, "pairs per workload that may be repeated because of foreign load")
	f.IntVar(&o.starts, "starts", 5, "starts of our broker to time")
	f.Int64Var(&o.warmupBytes, "warmup-mb", 2000, "megabytes that both sides get before the first counted run")
	f.Float64Var(&o.scale, "scale", 1, "factor on the volume of every workload")
	f.Float64Var(&o.maxForeign, "max-foreign", 0.05, "share of the machine that other processes may use during a pair")
	f.DurationVar(&o.limit, "limit", 25*time.Minute, "start no new pair after this time")
	f.BoolVar(&o.pin, "pin", false, "broker on CPU 0, load generator on CPU 1; without, both run where the kernel puts them, as brokers do")
	f.BoolVar(&o.quick, "quick", false, "one small pair per workload, short warm-up: shows that it works, not how fast")
	f.BoolVar(&o.noKafka, "no-kafka", false, "measure our broker alone")
	f.BoolVar(&o.noOurs, "no-ours", false, "measure Kafka alone")
	f.BoolVar(&o.check, "check", false, "exit with 1 when a required limit is missed")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if o.noKafka && o.noOurs {
		return nil, errors.New("-no-kafka and -no-ours leave nothing to measure")
	}
	if o.quick {
		o.pairs, o.retries, o.starts, o.scale, o.warmupBytes = 1, 0, 2, 0.1, 100
	}
	o.warmupBytes *= 1e6
	return o, nil
}

func main() {
	o, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	report, err := run(ctx, o)
	stop()
	if report != nil {
		if werr := writeReport(report, o.out); err == nil {
			err = werr
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if o.check && !report.withinLimits() {
		fmt.Fprintln(os.Stderr, "bench: a required limit is missed")
		os.Exit(1)
	}
}

func writeReport(r *report, file string) error {
	text := r.markdown()
	if _, err := io.WriteString(os.Stdout, text); err != nil {
		return err
	}
	if file == "" {
		return nil
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// progress goes to standard error, so that standard output is the report alone.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
