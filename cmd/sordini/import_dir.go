package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/broker/importdir"
)

// importedTopic is one topic of `import-dir -o json`.
type importedTopic struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"`
	Bytes      int64  `json:"bytes"`
	Offsets    int64  `json:"offsets"`
}

// importedDir is what `import-dir -o json` prints.
type importedDir struct {
	ClusterID string          `json:"cluster_id"`
	NodeID    int32           `json:"node_id"`
	Data      string          `json:"data"`
	Topics    []importedTopic `json:"topics"`
	Shared    int             `json:"segments_shared"`
	Linked    int             `json:"segments_linked"`
	Copied    int             `json:"segments_copied"`
	Left      []string        `json:"left"`
}

func newImportDirCommand() *cobra.Command {
	var out outputFlag
	var data string
	cmd := &cobra.Command{
		Use:   "import-dir KAFKA_LOG_DIR...",
		Short: "Make a data directory out of Apache Kafka's",
		Long: `Make a data directory out of the log directories of an Apache Kafka node (KRaft, 2.8 to 4.4) that is its whole cluster and is stopped.
Topics with their ids and configs, records at their offsets, and the offsets of groups come along; the source is only read.
Segments are not rewritten: on a file system that can share blocks they are shared, else closed segments are hard-linked
(when --data is on the same file system) and the last one of each partition is copied. All of it is read once and checked.

What does not come along is listed: access control entries, quotas, SCRAM credentials, dynamic broker configs, configs that
Kafka has given up. Topics in message format 0 or 1 are refused, for they would have to be rewritten.
JSON is {cluster_id, node_id, data, topics: [{name, partitions, bytes, offsets}], segments_shared, segments_linked, segments_copied, left}.`,
		Example: `  sordini import-dir /var/lib/kafka/data --data /srv/sordini
  sordini serve --data /srv/sordini --override node.id=1`,
		Args: atLeastOne("one or more of Kafka's log directories"),
		RunE: clientCommand(func(ctx context.Context, cmd *cobra.Command, dirs []string) error {
			o, err := out.open(cmd)
			if err != nil {
				return err
			}
			if data == "" {
				return usageError(cmd, fmt.Errorf("--data is missing: it names the data directory that is to be made"))
			}
			values, _, err := config.New(config.Options{DataDir: data})
			if err != nil {
				return err
			}
			report, err := importdir.Run(ctx, importdir.Options{
				Sources: dirs, Dest: data, Config: values, Clock: func() int64 { return time.Now().UnixMilli() },
				Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Progress: showProgress(os.Stderr),
			})
			if err != nil {
				return err
			}
			return printImport(o, data, report)
		}),
	}
	out.add(cmd)
	cmd.Flags().StringVarP(&data, "data", "d", "", "data directory `DIR` to make; must be empty or not exist")
	return cmd
}

// showProgress rewrites one line on a terminal, and is nil elsewhere.
func showProgress(w *os.File) func(done, all int) {
	if !isTerminal(w) {
		return nil
	}
	return func(done, all int) {
		fmt.Fprintf(w, "\rread and checked %d of %d partitions", done, all)
		if done == all {
			fmt.Fprintln(w)
		}
	}
}

func printImport(o *output, data string, r *importdir.Report) error {
	doc := importedDir{ClusterID: r.ClusterID, NodeID: r.NodeID, Data: data, Topics: []importedTopic{}, Left: append([]string{}, r.Left...),
		Shared: r.Segments.Shared, Linked: r.Segments.Linked, Copied: r.Segments.Copied}
	rows := [][]string{}
	for _, t := range r.Topics {
		doc.Topics = append(doc.Topics, importedTopic(t))
		rows = append(rows, []string{t.Name, number(int64(t.Partitions)), number(t.Bytes), number(t.Offsets)})
	}
	if o.json {
		return o.document(doc)
	}
	if err := o.list([]string{"TOPIC", "PARTITIONS", "BYTES", "OFFSETS"}, rows); err != nil {
		return err
	}
	for _, what := range r.Left {
		fmt.Fprintf(os.Stderr, "not imported: %s\n", what)
	}
	fmt.Fprintf(os.Stderr, "%s: cluster %s, node %d; segments: %d shared, %d linked, %d copied\nstart it with: sordini serve --data %s --override node.id=%d\n",
		data, r.ClusterID, r.NodeID, r.Segments.Shared, r.Segments.Linked, r.Segments.Copied, data, r.NodeID)
	return nil
}
