package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
)

// produceFlags are the flags of `sordini produce`.
type produceFlags struct {
	clientFlags
	key, value, keySeparator string
	hasKey, hasValue, hasSep bool
	tombstone, json          bool
	keepPartition            bool
	partition                int32
	headers                  []string
	timestamp                string
	compression, acks        string
	autoCreate               bool
	maxMessageBytes          int32
	format                   string
}

func newProduceCommand() *cobra.Command {
	var flags produceFlags
	cmd := &cobra.Command{
		Use:   "produce [TOPIC]",
		Short: "Write records to a topic of any Kafka, from stdin or flags",
		Long: `Write records to a topic. Each line of stdin is the value of one record; with --key-separator the key stands before it, and -v gives the value
on the command line instead. A record without a key has a null key. Records with equal keys go to the same partition that Java's producer chooses.

With --json it reads what "consume --json" writes, and then the topic may be left out: each record goes to the topic it came from.
` + jsonHelp + `

Nothing is printed unless -f asks for a line for each record that the broker has acknowledged; see "sordini consume --help" for the format.
It stops at the first record that fails, and exits with 1 when not everything was written.`,
		Example: `  echo hello | sordini produce orders
  sordini produce orders -k customer7 -v '{"total": 12}' -H source=shop
  sordini produce orders --key-separator : --compression zstd <orders.txt
  sordini produce orders -k customer7 --tombstone
  sordini consume orders -o start -e --json | sordini produce copy --json -b other:9092`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 || len(args) == 0 && flags.json {
				return nil
			}
			return usageError(cmd, errors.New("it takes one topic"))
		},
		ValidArgsFunction: completeTopics(&flags.clientFlags, false),
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			set := cmd.Flags().Changed
			flags.hasKey, flags.hasValue, flags.hasSep = set("key"), set("value"), set("key-separator")
			topic := ""
			if len(args) > 0 {
				topic = args[0]
			}
			return flags.run(ctx, cmd, topic)
		}),
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVarP(&flags.key, "key", "k", "", "key of every record")
	f.StringVarP(&flags.value, "value", "v", "", "value of the one record to write, instead of stdin")
	f.BoolVar(&flags.tombstone, "tombstone", false, "write one record without a value, which deletes its key from a compacted topic")
	f.StringVarP(&flags.keySeparator, "key-separator", "K", "", "`TEXT` between key and value on each line; \\t is a tab")
	f.BoolVar(&flags.json, "json", false, "read records in JSON, as consume --json writes them")
	f.Int32VarP(&flags.partition, "partition", "p", -1, "partition to write to; -1 chooses by key")
	f.BoolVar(&flags.keepPartition, "keep-partition", false, "with --json, write each record to the partition that it names")
	f.StringArrayVarP(&flags.headers, "header", "H", nil, "header `key=value` of every record; may be given often")
	f.StringVar(&flags.timestamp, "timestamp", "", "`TIME` of every record, as 2026-01-31T12:00:00Z or milliseconds (default now, or that of the JSON)")
	f.StringVarP(&flags.compression, "compression", "z", "none", "none, gzip, snappy, lz4 or zstd")
	f.StringVar(&flags.acks, "acks", "all", "who must have it: all replicas in sync, 1 (the leader), or 0 (nobody)")
	f.BoolVar(&flags.autoCreate, "auto-create", false, "let the broker create the topic when it is not there")
	f.Int32Var(&flags.maxMessageBytes, "max-message-bytes", 1000012, "largest batch to send; the topic's max.message.bytes must allow it")
	f.StringVarP(&flags.format, "format", "f", "", "print a line for each record that is acknowledged, as '%p %o\\n'")
	_ = cmd.RegisterFlagCompletionFunc("compression", cobra.FixedCompletions([]string{"none", "gzip", "snappy", "lz4", "zstd"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("acks", cobra.FixedCompletions([]string{"all", "1", "0"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check finds flags that contradict each other.
func (f *produceFlags) check() error {
	switch {
	case f.json && (f.hasKey || f.hasValue || f.hasSep || f.tombstone):
		return errors.New("--json brings keys and values itself: leave out -k, -v, --key-separator and --tombstone")
	case f.keepPartition && (!f.json || f.partition >= 0):
		return errors.New("--keep-partition goes with --json and without --partition")
	case f.tombstone && f.hasValue:
		return errors.New("a tombstone has no value: leave out -v")
	case f.tombstone && !f.hasKey:
		return errors.New("a tombstone needs a key: add -k KEY")
	case f.hasSep && (f.hasKey || f.hasValue):
		return errors.New("--key-separator takes keys from lines: leave out -k and -v")
	case f.hasSep && f.keySeparator == "":
		return errors.New("--key-separator is empty")
	case f.partition < -1:
		return fmt.Errorf("--partition %d: it takes 0 or more", f.partition)
	}
	return nil
}

// template is what every record gets from flags.
type template struct {
	key       []byte
	headers   []kgo.RecordHeader
	timestamp time.Time
}

func (f *produceFlags) template(now time.Time) (template, error) {
	var t template
	if f.hasKey {
		t.key = []byte(f.key)
	}
	for _, pair := range f.headers {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return t, fmt.Errorf("--header takes key=value, not %q", pair)
		}
		t.headers = append(t.headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	if f.timestamp != "" {
		ms, err := parseTime(f.timestamp, now)
		if err != nil {
			return t, fmt.Errorf("--timestamp: %w", err)
		}
		t.timestamp = time.UnixMilli(ms)
	}
	return t, nil
}

func (f *produceFlags) options() ([]kgo.Opt, error) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	codec, ok := codecs[f.compression]
	if !ok {
		return nil, fmt.Errorf("there is no compression %q; there are none, gzip, snappy, lz4 and zstd", f.compression)
	}
	opts := []kgo.Opt{
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytes(f.maxMessageBytes),
		kgo.MaxBufferedBytes(maxUnsentBytes),
		kgo.AllowIdempotentProduceCancellation(),
	}
	switch f.acks {
	case "all", "-1":
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	default:
		return nil, fmt.Errorf("--acks %s: there are all, 1 and 0", f.acks)
	}
	if f.partition >= 0 || f.keepPartition {
		opts = append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	if f.autoCreate {
		opts = append(opts, kgo.AllowAutoTopicCreation())
	}
	return opts, nil
}
