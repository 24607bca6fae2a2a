package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sordini/sordini/broker/config"
)

func newConfigDocsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "docs",
		Short:   "Print docs/configuration.md",
		Example: "  sordini config docs > docs/configuration.md",
		Hidden:  true,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			writeConfigDocs(cmd.OutOrStdout())
			return nil
		},
	}
}

const docsHead = `# Configuration

<!-- Printed by "sordini config docs > docs/configuration.md"; change the registry in broker/config instead of this file. -->

Sordini knows every config of Kafka 4.4 by its own name, and the keys of older releases that still stand in files. All of them are accepted, stored and
reported, also where they have no effect here. ` + "`sordini config explain KEY`" + ` prints one of the rows below, ` + "`sordini config validate FILE`" + ` checks a file, and
` + "`sordini config show --origin`" + ` prints what is set and where.

Settings come from, later ones win: defaults, the file of ` + "`--config`" + ` (.properties, or YAML with the same keys flat or nested), ` + "`KAFKA_*`" + ` variables,
` + "`--override key=value`" + ` and ` + "`--data`" + `, and what was changed while the broker runs. A variable is the key in upper case with ` + "`_`" + ` for the dot, ` + "`__`" + ` for an
underscore and ` + "`___`" + ` for a hyphen. A wrong value prevents the start; an unknown key is a warning. While the broker runs, kafka-configs.sh changes what is not read-only
below, and it holds at once; only ` + "`listeners`" + ` and ` + "`listener.security.protocol.map`" + ` wait for a start with another configuration.

There are no TLS, SASL, access control and quotas yet. Where Kafka would keep somebody out with the same configuration, Sordini does not start: listeners that are not PLAINTEXT,
` + "`security.inter.broker.protocol`" + ` and ` + "`authorizer.class.name`" + ` (for both the message shows the override with which it starts all the same). Other keys that ask for protection (` + "`ssl.*`" + `,
` + "`sasl.*`" + `, ` + "`super.users`" + `, quotas and the like) protect nothing on a PLAINTEXT listener in Kafka either; each is named in a warning. So are ` + "`remote.log.storage.system.enable`" + ` and
` + "`min.insync.replicas`" + ` above 1, on which somebody relies for a second copy.

Where the defaults differ from Kafka's it is on purpose: the data directory is not under /tmp, the replication factors of internal topics are never more than there are
brokers, and a record that is acknowledged to acks=all is on disk (` + "`sordini.durability=group`" + `).
`

// writeConfigDocs prints the whole registry as Markdown.
func writeConfigDocs(out io.Writer) {
	io.WriteString(out, docsHead)
	for _, kind := range allKinds {
		effective, idle := splitByEffect(kind)
		title := strings.ToUpper(kind.String()[:1]) + kind.String()[1:] + " configs"
		writeTable(out, kind, title, effective, false)
		writeTable(out, kind, title+" without effect", idle, true)
	}
}

func splitByEffect(kind config.Kind) (effective, idle []*config.Definition) {
	for _, d := range config.Definitions().All(kind) {
		switch {
		case d.Internal:
		case d.NoEffect == "":
			effective = append(effective, d)
		default:
			idle = append(idle, d)
		}
	}
	return effective, idle
}

func writeTable(out io.Writer, kind config.Kind, title string, definitions []*config.Definition, reasons bool) {
	if len(definitions) == 0 {
		return
	}
	fmt.Fprintf(out, "\n## %s\n\n| Key | Type | Default | Change | Meaning |\n|---|---|---|---|---|\n", title)
	for _, d := range definitions {
		text := d.Doc
		if d.Check != nil {
			text += " Permitted: " + d.Check.Text + "."
		}
		if s := synonymText(d); s != "" {
			text += " Behind it: " + s + "."
		}
		if reasons {
			text += " *No effect: " + d.NoEffect + ".*"
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | %s | %s |\n", d.Name, d.Type, cell(defaultText(d)), modeText(kind, d), cell(text))
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// modeText is Kafka's word for how a config can be changed; only those of brokers can be fixed.
func modeText(kind config.Kind, d *config.Definition) string {
	if kind == config.BrokerKind {
		return d.Mode.String()
	}
	return "dynamic"
}
