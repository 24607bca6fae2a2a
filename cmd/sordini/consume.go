package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
)

// consumeFlags are the flags of `sordini consume`.
type consumeFlags struct {
	clientFlags
	offset        string
	count         int64
	exitAtEnd     bool
	json          bool
	format        string
	group         string
	partitions    []int32
	readCommitted bool
}

func newConsumeCommand() *cobra.Command {
	var flags consumeFlags
	cmd := &cobra.Command{
		Use:   "consume TOPIC...",
		Short: "Print records of topics of any Kafka",
		Long: `Print records of one or more topics until SIGINT, a number of records (-n), or the end as it was at the start (-e).
Without -f and --json each value is printed on a line of its own.

` + offsetsHelp + `

With -g it is a member of that group: it goes on where the group has committed, and commits what it printed; -o then holds only for partitions
without a commit.

` + formatHelp + `

--json: ` + jsonHelp + `
"sordini produce --json" writes these lines as records again, with nothing lost.`,
		Example: `  sordini consume orders -o end
  sordini consume orders -o -10 -e
  sordini consume orders -o @-1h -f '%p %o %d{go#RFC3339#} %k %v\n'
  sordini consume orders -g billing -n 100 --json | jq .value
  sordini consume orders -e --json | sordini produce copy --json`,
		Args:              atLeastOne("one or more topics"),
		ValidArgsFunction: completeTopics(&flags.clientFlags, true),
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, topics []string) error {
			return flags.run(ctx, cmd, topics)
		}),
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVarP(&flags.offset, "offset", "o", "start", "where to start: start, end, 47, +10, -10, @TIME or @-1h")
	f.Int64VarP(&flags.count, "num", "n", 0, "end after `N` records; 0 does not")
	f.BoolVarP(&flags.exitAtEnd, "exit", "e", false, "end where the partitions ended when it started")
	f.BoolVar(&flags.json, "json", false, "print records as JSON, one a line")
	f.StringVarP(&flags.format, "format", "f", "", "print records in this format, as '%t %k %v\\n'")
	f.StringVarP(&flags.group, "group", "g", "", "consume as a member of `GROUP`")
	f.Int32SliceVarP(&flags.partitions, "partition", "p", nil, "read only these `PARTITIONS`, as 0,3")
	f.Lookup("partition").DefValue = "" // all, which the library writes as []
	f.BoolVar(&flags.readCommitted, "read-committed", false, "leave out records of open and aborted transactions")
	_ = cmd.RegisterFlagCompletionFunc("group", completeGroups(&flags.clientFlags))
	_ = cmd.RegisterFlagCompletionFunc("offset", cobra.FixedCompletions([]string{"start", "end"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *consumeFlags) check() error {
	switch {
	case f.json && f.format != "":
		return errors.New("--json and -f are two formats; give one of them")
	case f.count < 0:
		return fmt.Errorf("-n %d: it takes 1 or more", f.count)
	case f.group != "" && len(f.partitions) > 0:
		return errors.New("a group gives its members their partitions: leave out -p or -g")
	}
	for _, p := range f.partitions {
		if p < 0 {
			return fmt.Errorf("--partition %d: it takes 0 or more", p)
		}
	}
	return nil
}

func (f *consumeFlags) writer() (recordWriter, error) {
	switch {
	case f.json:
		return appendJSONRecord, nil
	case f.format != "":
		return newRecordFormat(f.format)
	}
	return func(dst []byte, r *kgo.Record) []byte { return append(append(dst, r.Value...), '\n') }, nil
}

func (f *consumeFlags) run(ctx context.Context, cmd *cobra.Command, topics []string) error {
	if err := f.check(); err != nil {
		return usageError(cmd, err)
	}
	from, err := parseOffset(f.offset, time.Now())
	if err != nil {
		return usageError(cmd, err)
	}
	write, err := f.writer()
	if err != nil {
		return usageError(cmd, err)
	}
	run := &consuming{flags: f, from: from, write: write, out: cmd.OutOrStdout(), errOut: cmd.ErrOrStderr(), left: f.count}
	err = run.consume(ctx, cmd, topics)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // SIGINT is how one ends it
	}
	return err
}
