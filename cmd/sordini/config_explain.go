package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sordini/sordini/broker/config"
)

func newConfigExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain KEY",
		Short: "Say what a config means",
		Long: `Say what a config means, its type, default and permitted values, what it comes from when it is not set, and whether it has
an effect here. The same name can stand for a config of topics and one of brokers: both are shown.`,
		Example: `  sordini config explain log.retention.ms
  sordini config explain cleanup.policy`,
		Args: exactly(1, "one key"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return configNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return explainConfig(cmd.OutOrStdout(), args[0])
		},
	}
}

var allKinds = []config.Kind{config.TopicKind, config.BrokerKind, config.GroupKind, config.ClientMetricsKind}

func configNames() []string {
	var out []string
	for _, kind := range allKinds {
		for _, d := range config.Definitions().All(kind) {
			out = append(out, d.Name)
		}
	}
	return out
}

func explainConfig(out io.Writer, name string) error {
	found := false
	for _, kind := range allKinds {
		d := config.Definitions().Lookup(kind, name)
		if d == nil {
			continue
		}
		if found {
			fmt.Fprintln(out)
		}
		found = true
		explainDefinition(out, kind, d)
	}
	if found {
		return nil
	}
	for _, kind := range []config.Kind{config.BrokerKind, config.TopicKind, config.GroupKind, config.ClientMetricsKind} {
		if near := config.Definitions().Suggest(kind, name); near != "" {
			return &exitError{code: exitNotFound, err: fmt.Errorf("no config is called %s; did you mean %s?", name, near)}
		}
	}
	return &exitError{code: exitNotFound, err: errors.New("no config is called " + name + "; docs/configuration.md lists all of them")}
}

func explainDefinition(out io.Writer, kind config.Kind, d *config.Definition) {
	row := func(label, value string) {
		if value != "" {
			fmt.Fprintf(out, "  %-10s %s\n", label, value)
		}
	}
	fmt.Fprintf(out, "%s (%s config)\n  %s\n", d.Name, kind, d.Doc)
	row("type", d.Type.String())
	row("default", defaultText(d))
	if d.Check != nil {
		row("permitted", d.Check.Text)
	}
	row("behind it", synonymText(d))
	row("change", changeText(kind, d))
	row("effect", effectText(d))
	row("origin", originOfName(d))
}

// synonymText names where a value comes from when it is not set.
func synonymText(d *config.Definition) string {
	var parts []string
	for _, s := range d.Synonyms {
		text := s.Name
		if s.Unit > 1 {
			text = fmt.Sprintf("%s (times %d)", s.Name, s.Unit)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", then ")
}

func defaultText(d *config.Definition) string {
	value, ok := d.DefaultValue()
	switch {
	case !ok:
		return "none"
	case value == "":
		return "empty"
	}
	return value
}

func changeText(kind config.Kind, d *config.Definition) string {
	switch {
	case kind != config.BrokerKind:
		return "at any time"
	case d.Mode == config.ReadOnly:
		return "by a restart"
	case d.Mode == config.PerBroker:
		return "at any time, for one broker"
	}
	return "at any time, for one broker or all"
}

func effectText(d *config.Definition) string {
	if d.NoEffect == "" {
		return "yes"
	}
	return "none: " + d.NoEffect
}

func originOfName(d *config.Definition) string {
	switch {
	case d.Own:
		return "Sordini's own key"
	case d.Old:
		return "a key of older Kafka releases"
	case d.Internal:
		return "an internal key of Kafka"
	}
	return ""
}
