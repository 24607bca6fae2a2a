package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sordini/sordini/broker"
)

// newDocsCommand prints the documents that are made from the code, for whoever works on it.
func newDocsCommand() *cobra.Command {
	docs := &cobra.Command{
		Use:     "docs",
		Short:   "Print the documents that are made from the code",
		Example: "  sordini docs apis > docs/apis.md",
		Hidden:  true,
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	docs.AddCommand(&cobra.Command{
		Use:     "apis",
		Short:   "Print docs/apis.md",
		Example: "  sordini docs apis > docs/apis.md",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := writeAPIDocs(cmd.OutOrStdout(), broker.APITable()); err != nil {
				return err
			}
			return writeReliances(cmd.OutOrStdout(), broker.Reliances())
		},
	}, &cobra.Command{
		Use:     "tools",
		Short:   "Print docs/tools.md",
		Example: "  sordini docs tools > docs/tools.md",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return writeToolDocs(cmd.OutOrStdout(), broker.APITable())
		},
	}, &cobra.Command{
		Use:     "configuration",
		Short:   "Print docs/configuration.md",
		Example: "  sordini docs configuration > docs/configuration.md",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			writeConfigDocs(cmd.OutOrStdout())
			return nil
		},
	})
	return docs
}

const apiDocsHead = `# APIs

<!-- Made by "make docs" from the API table in broker/routes.go; change the table instead of this file. -->

These are the API keys and versions that ApiVersions advertises. Each version in a window is served completely, optional fields included; a request
outside of it closes the connection, as Kafka does, and only ApiVersions itself is answered with UNSUPPORTED_VERSION and the window. Kafka 4 dropped
the oldest versions of some APIs; here they stay, for clients that are older than that. Where our window is wider, Kafka 4.4's own stands beside it.

| Key | API | Versions | Kafka 4.4 |
|---:|---|---|---|
`

const relianceHead = `
## Who relies on what

What released clients take for granted, from broker/reliance.go; a test holds the table above against it. Which clients were run is in
[clients.md](clients.md).

| Client | Asks with ApiVersions | Versions |
|---|---|---|
`

// versions is a window of versions, both ends included.
type versions struct{ min, max int16 }

func (v versions) String() string {
	if v.min == v.max {
		return fmt.Sprint(v.min)
	}
	return fmt.Sprintf("%d-%d", v.min, v.max)
}

// narrowerInKafka is what Apache Kafka 4.4 serves of the APIs whose window is wider here (KIP-896). Produce it advertises from 0, for the sake of
// librdkafka (KAFKA-18659), and refuses 0 to 2 all the same.
func narrowerInKafka() map[string]versions {
	return map[string]versions{
		"Produce":              {3, 13},
		"Fetch":                {4, 18},
		"ListOffsets":          {1, 11},
		"OffsetCommit":         {2, 10},
		"OffsetFetch":          {1, 10},
		"CreateTopics":         {2, 7},
		"DeleteTopics":         {1, 6},
		"OffsetForLeaderEpoch": {2, 4},
		"DescribeConfigs":      {1, 4},
		"DescribeLogDirs":      {1, 5},
	}
}

func writeAPIDocs(out io.Writer, table []broker.API) error {
	if _, err := io.WriteString(out, apiDocsHead); err != nil {
		return err
	}
	narrower := narrowerInKafka()
	for _, row := range table {
		kafka := "same"
		if window, ok := narrower[row.Name]; ok {
			kafka = window.String()
		}
		if _, err := fmt.Fprintf(out, "| %d | %s | %s | %s |\n", row.Key, row.Name, versions{row.Min, row.Max}, kafka); err != nil {
			return err
		}
	}
	return nil
}

func writeReliances(out io.Writer, table []broker.Reliance) error {
	if _, err := io.WriteString(out, relianceHead); err != nil {
		return err
	}
	for _, r := range table {
		if _, err := fmt.Fprintf(out, "| %s | %s | %s %s |\n", r.Client, r.Asks, r.How, r.Text()); err != nil {
			return err
		}
	}
	return nil
}
