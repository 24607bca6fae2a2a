package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sordini/sordini/broker/config"
)

// serveFlags are the flags of `sordini serve`.
type serveFlags struct {
	configFlags
	log logFlags
}

func newServeCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the broker",
		Long: `Run the broker until SIGTERM or SIGINT; a second signal ends it at once.

Nothing needs to be configured: it then listens on port 9092 and keeps its data in /var/lib/sordini as root, else in
sordini under $XDG_DATA_HOME or ~/.local/share. The directory and the cluster id are made at the first start.

Settings have Kafka's names and come from, later ones win: defaults, the file, KAFKA_ variables, --override and --data.
A variable is a key in upper case with _ for the dot: KAFKA_LOG_RETENTION_MS is log.retention.ms (__ is _, ___ is -).
CLUSTER_ID names a new cluster, and -Xmx in KAFKA_HEAP_OPTS is a soft limit of memory.`,
		Example: `  sordini serve
  sordini serve --config server.properties --data /srv/sordini
  sordini serve --override num.partitions=3 --override listeners=PLAINTEXT://:9095
  KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://broker.example.org:9092 sordini serve`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), flags, processStarted())
		},
	}
	addConfigFlags(cmd, &flags.configFlags)
	flags.log.add(cmd)
	return cmd
}

// addConfigFlags adds the flags by which a configuration is found and changed.
func addConfigFlags(cmd *cobra.Command, flags *configFlags) {
	cmd.Flags().StringVarP(&flags.file, "config", "c", "", "configuration `FILE`, .properties or .yaml [$"+fileVariable+"]")
	cmd.Flags().StringVarP(&flags.dataDir, "data", "d", "", "data directory `DIR`, before log.dirs [$KAFKA_LOG_DIRS]")
	cmd.Flags().StringArrayVarP(&flags.overrides, "override", "o", nil, "set one `key=value`; may be given often")
}

// serve runs a broker from the flags to its end.
func serve(parent context.Context, flags serveFlags, started time.Time) error {
	if parent == nil {
		parent = context.Background()
	}
	logger, level, err := flags.log.logger(os.Stderr, os.Environ())
	if err != nil {
		return err
	}
	l, err := flags.load(os.Environ())
	if err != nil {
		return err
	}
	for _, entry := range startupMessages(l.warnings) {
		logger.Log(parent, entry.level, entry.text)
	}
	limitMemory(l.maxHeap)
	ctx, stop := stopSignals(parent, logger, exitNow)
	defer stop()
	server, err := startBroker(l.values, logger, level)
	if err != nil {
		return err
	}
	serving, served := context.WithCancel(ctx)
	announced := make(chan struct{})
	go func() { // ends with the run, and is waited for below
		defer close(announced)
		select {
		case <-server.Ready():
			announce(os.Stdout, server.Info(), l, time.Since(started))
		case <-serving.Done():
		}
	}()
	err = server.Run(ctx)
	served()
	<-announced
	if err != nil {
		return err
	}
	logger.Info("stopped")
	return nil
}

// startupMessage is a line of the log about the configuration.
type startupMessage struct {
	level slogLevel
	text  string
}

// startupMessages makes log lines from warnings: one for each that somebody should act on, one for all keys that should protect something and do
// not for the same reason, and a single one for all keys that merely do nothing.
func startupMessages(warnings []config.Warning) []startupMessage {
	var lines []startupMessage
	var idle, reasons []string
	unprotected := map[string][]string{} // by reason
	for _, w := range warnings {
		switch w.Kind {
		case config.WarnNoEffect:
			idle = append(idle, w.Key)
		case config.WarnUnprotected:
			if unprotected[w.Reason] == nil {
				reasons = append(reasons, w.Reason)
			}
			unprotected[w.Reason] = append(unprotected[w.Reason], w.Key)
		case config.WarnNotice:
			lines = append(lines, startupMessage{levelInfo, w.String()})
		default:
			lines = append(lines, startupMessage{levelWarn, w.String()})
		}
	}
	for _, reason := range reasons {
		lines = append(lines, startupMessage{levelWarn, fmt.Sprintf("do not rely on %s: without effect here, %s", strings.Join(unprotected[reason], ", "), reason)})
	}
	if len(idle) > 0 {
		lines = append(lines, startupMessage{levelInfo, fmt.Sprintf("these keys are known and have no effect here: %s (`sordini config explain KEY` says why)", strings.Join(idle, ", "))})
	}
	return lines
}

// limitMemory sets the soft limit of memory from -Xmx, unless the environment already says how the collector should work.
func limitMemory(maxHeap int64) {
	const least = 64 << 20 // below this the collector would only run in circles
	if maxHeap > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(max(maxHeap, least))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectorPercent)
	}
}

// collectorPercent lets the heap double before it is collected: record bytes lie in pooled buffers, so that there is little to collect, and the idle process stays small.
const collectorPercent = 100
