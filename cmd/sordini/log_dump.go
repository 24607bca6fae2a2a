package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sordini/sordini/storage/inspect/decode"
)

// dumpFlags are the flags of `sordini log dump`.
type dumpFlags struct {
	out          outputFlag
	records      bool
	deep         bool
	skipMetadata bool
	offsets      bool
	transactions bool
	shares       bool
	metadata     bool
	files        []string
	span         string
	offsetRange
	count int64
}

func newLogDumpCommand() *cobra.Command {
	var flags dumpFlags
	cmd := &cobra.Command{
		Use:   "dump FILE|DIR...",
		Short: "Print the batches and records of segments, as kafka-dump-log.sh does",
		Long: `Print the batches of segments, and their records with --records (with --deep: without keys and values), line by line what Kafka's kafka-dump-log.sh (DumpLogSegments) prints
for the same file. Where that tool ends with an exception (a damaged batch, bytes between batches), this one says what is wrong and goes on with the next good batch.
On a terminal characters that would move the cursor are escaped.

` + logPathsHelp + `
Snapshots of Kafka's metadata log (.checkpoint) can be given as files.

-o json prints one object a line. Its "kind" is batch, record (with --records or --deep) or gap:
  batch   file, position, size, magic, base_offset, last_offset, count, max_timestamp, timestamp_type, codec, crc, valid, and in format 2 also leader_epoch,
          producer_id, producer_epoch, base_sequence, last_sequence, transactional, control, delete_horizon_ms
  record  file, offset, timestamp, sequence, key, value, headers (key_base64, value_base64 where bytes are not UTF-8); control and coordinator_epoch in control batches;
          decoded_key, decoded_value where a decoder was asked for or the topic is an internal one
  gap     file, position, end, reason, torn: bytes that are no batch
  error   file, offset, reason: the records of this batch cannot be read`,
		Example: `  sordini log dump orders-0/00000000000000000000.log
  sordini log dump --records --from 1000 --to 1010 /var/lib/sordini/orders-0
  sordini log dump --offsets-decoder /var/lib/kafka/data/__consumer_offsets-12
  sordini log dump --records -o json orders-0 | jq -c 'select(.kind == "record")'`,
		Args: func(cmd *cobra.Command, paths []string) error {
			if len(paths)+len(flags.files) == 0 {
				return usageError(cmd, errors.New("it takes one or more segment files, partition directories or data directories"))
			}
			return nil
		},
		ValidArgsFunction: logCompletion,
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, paths []string) error {
			return flags.run(ctx, cmd, append(paths, flags.files...))
		}),
	}
	flags.out.add(cmd)
	f := cmd.Flags()
	f.BoolVar(&flags.records, "records", false, "print records with keys and values; also --print-data-log")
	f.BoolVar(&flags.deep, "deep", false, "print records without keys and values; also --deep-iteration")
	f.BoolVar(&flags.skipMetadata, "skip-record-metadata", false, "print nothing but keys and values of records")
	f.BoolVar(&flags.offsets, "offsets-decoder", false, "decode records of __consumer_offsets")
	f.BoolVar(&flags.transactions, "transaction-log-decoder", false, "decode records of __transaction_state")
	f.BoolVar(&flags.shares, "share-group-state-decoder", false, "decode records of __share_group_state")
	f.BoolVar(&flags.metadata, "cluster-metadata-decoder", false, "decode records of __cluster_metadata, Sordini's or Kafka's")
	f.StringSliceVar(&flags.files, "files", nil, "more files, separated by commas, as Kafka's tool takes them")
	f.StringVar(&flags.span, "offsets", "", "only batches and records at these offsets: 47, or `FROM-TO`")
	f.Int64Var(&flags.from, "from", 0, "only from this `OFFSET` on")
	f.Int64Var(&flags.to, "to", math.MaxInt64, "only up to this `OFFSET`, inclusive")
	f.Int64VarP(&flags.count, "num", "n", 0, "end after `N` records, or without --records and --deep N batches; 0 does not")
	// Names that people know from Kafka's tool.
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name {
		case "print-data-log":
			name = "records"
		case "deep-iteration":
			name = "deep"
		}
		return pflag.NormalizedName(name)
	})
	return cmd
}

func (f *dumpFlags) check() error {
	if f.span != "" {
		from, to, ranged := strings.Cut(f.span, "-")
		if !ranged {
			to = from
		}
		var errFrom, errTo error
		f.from, errFrom = strconv.ParseInt(from, 10, 64)
		f.to, errTo = strconv.ParseInt(to, 10, 64)
		if errors.Join(errFrom, errTo) != nil {
			return fmt.Errorf("--offsets %q: it takes an offset, as 47, or two, as 47-50", f.span)
		}
	}
	decoders := slices.DeleteFunc([]bool{f.offsets, f.transactions, f.shares, f.metadata}, func(set bool) bool { return !set })
	switch {
	case len(decoders) > 1:
		return errors.New("a topic needs one decoder; give one of the --…-decoder flags")
	case f.count < 0:
		return fmt.Errorf("-n %d: it takes 1 or more", f.count)
	}
	return f.offsetRange.check()
}

// decoder is the one that flags ask for, or nil.
func (f *dumpFlags) decoder() decode.Decoder {
	switch {
	case f.offsets:
		return decode.Offsets()
	case f.transactions:
		return decode.Transactions()
	case f.shares:
		return decode.ShareState()
	case f.metadata:
		return metadataDecoder()
	}
	return nil
}

// decoderOf is the one that a topic's name asks for, or nil.
func decoderOf(topic string) decode.Decoder {
	switch topic {
	case "__consumer_offsets":
		return decode.Offsets()
	case "__transaction_state":
		return decode.Transactions()
	case "__share_group_state":
		return decode.ShareState()
	case "__cluster_metadata":
		return metadataDecoder()
	}
	return nil
}

func (f *dumpFlags) run(ctx context.Context, cmd *cobra.Command, paths []string) error {
	o, err := f.out.open(cmd)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return usageError(cmd, err)
	}
	found, err := findLogs(cmd, paths)
	if err != nil {
		return err
	}
	return newDump(f, o, cmd.ErrOrStderr()).run(ctx, found)
}
