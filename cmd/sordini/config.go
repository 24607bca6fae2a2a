package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sordini/sordini/broker/config"
)

func newConfigCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, show and explain configurations",
		Example: `  sordini config validate server.properties
  sordini config show --config server.properties --origin
  sordini config explain log.retention.ms`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigShowCommand(), newConfigValidateCommand(), newConfigExplainCommand(), newConfigDocsCommand())
	return cmd
}

func newConfigValidateCommand() *cobra.Command {
	var strict, quiet bool
	cmd := &cobra.Command{
		Use:   "validate FILE",
		Short: "Check a configuration file without starting anything",
		Long: `Check a configuration file as "serve" would read it, without the environment and without starting anything.
Exit code 0: it can be used. 1: it cannot, each problem is a line on stderr.`,
		Example: `  sordini config validate server.properties
  sordini config validate --strict sordini.yaml && systemctl restart sordini`,
		Args: exactly(1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return validateFile(cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], strict, quiet)
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "let unknown keys count as problems")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print problems alone")
	return cmd
}

func validateFile(out, errOut io.Writer, file string, strict, quiet bool) error {
	layer, err := readConfigFile(file)
	if err != nil {
		return err
	}
	_, warnings, err := config.New(config.Options{DataDir: defaultDataDir(os.Geteuid(), os.Environ())}, layer)
	bad := 0
	var problems config.Problems
	if errors.As(err, &problems) {
		slices.SortStableFunc(problems, func(a, b *config.ValueError) int { return a.Origin.Line - b.Origin.Line })
		for _, p := range problems {
			fmt.Fprintln(errOut, p.Error())
		}
		bad = len(problems)
	}
	slices.SortStableFunc(warnings, func(a, b config.Warning) int { return a.Origin.Line - b.Origin.Line })
	for _, w := range warnings {
		if strict && w.Kind == config.WarnUnknown {
			fmt.Fprintln(errOut, w.String())
			bad++
			continue
		}
		if !quiet {
			fmt.Fprintln(out, warningLabel(w.Kind)+w.String())
		}
	}
	if bad > 0 {
		return &exitError{code: exitFailed}
	}
	if !quiet {
		fmt.Fprintf(out, "%s can be used: %d keys\n", file, len(layer))
	}
	return nil
}

func warningLabel(kind config.WarningKind) string {
	switch kind {
	case config.WarnUnknown:
		return "unknown:   "
	case config.WarnNoEffect:
		return "no effect: "
	case config.WarnOld:
		return "old key:   "
	case config.WarnUnprotected:
		return "insecure:  "
	}
	return "notice:    "
}

func newConfigShowCommand() *cobra.Command {
	var flags configFlags
	var origin, all bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the configuration that serve would use",
		Long: `Print what the file, the environment and the flags set, as lines of a properties file; passwords are left out.
With --all also what is left at its default, and with --origin where each value comes from.`,
		Example: `  sordini config show --origin
  KAFKA_NUM_PARTITIONS=3 sordini config show --config server.properties --origin
  sordini config show --all | grep retention`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := flags.load(os.Environ())
			if err != nil {
				return err
			}
			showConfig(cmd.OutOrStdout(), l.values, origin, all)
			return nil
		},
	}
	addConfigFlags(cmd, &flags)
	cmd.Flags().BoolVar(&origin, "origin", false, "say where each value comes from, and Kafka's default")
	cmd.Flags().BoolVar(&all, "all", false, "print the defaults too")
	return cmd
}

// showConfig prints key=value lines, which can be used as a file again.
func showConfig(out io.Writer, values *config.Values, origin, all bool) {
	for _, e := range config.DescribeBroker(values, config.Describe{}) {
		where, isSet := values.Origin(e.Name)
		if !all && !isSet {
			continue
		}
		d := config.Definitions().Lookup(config.BrokerKind, e.Name)
		if d != nil && d.Internal && !isSet {
			continue
		}
		if origin {
			fmt.Fprintln(out, "# "+originText(d, where, isSet))
		}
		switch {
		case e.Sensitive && isSet:
			fmt.Fprintf(out, "# %s is set and not shown\n", e.Name)
		case e.Value == nil:
			fmt.Fprintf(out, "# %s is not set\n", e.Name)
		default:
			fmt.Fprintf(out, "%s=%s\n", e.Name, escapeProperty(*e.Value))
		}
	}
}

func originText(d *config.Definition, where config.Origin, isSet bool) string {
	text := "default"
	if isSet {
		text = where.String()
	}
	if d == nil {
		return text + "; unknown key"
	}
	if value, ok := d.DefaultValue(); ok && isSet {
		text += "; the default is " + quoteEmpty(value)
	}
	if d.NoEffect != "" {
		text += "; no effect: " + d.NoEffect
	}
	return text
}

func quoteEmpty(value string) string {
	if value == "" {
		return "empty"
	}
	return value
}

// escapeProperty makes a value that a properties file gives back unchanged.
func escapeProperty(value string) string {
	escaped := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(value)
	if strings.HasPrefix(escaped, " ") {
		return `\` + escaped
	}
	return escaped
}
