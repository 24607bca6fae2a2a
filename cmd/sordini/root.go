package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// newRootCommand makes the whole command tree. Each command is made by a function in a file of its own; a new one is added to the list below.
func newRootCommand() *cobra.Command {
	serve := newServeCommand()
	root := &cobra.Command{
		Use:   "sordini",
		Short: "A broker for every Kafka client, in one binary",
		Long: `Sordini is a broker that speaks Kafka's protocol. Without a command it serves, as "sordini serve" does:
it listens on port 9092, keeps its data in its own directory and needs no configuration.`,
		Example: `  sordini                                   serve with what the machine offers
  sordini serve --config server.properties  serve with Kafka's own configuration file
  sordini config explain log.retention.ms   what a config means`,
		Args:          noArguments,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          serve.RunE,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(cmd, err)
	})
	root.Flags().AddFlagSet(serve.Flags())
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(
		serve,
		newConfigCommand(),
		newDocsCommand(),
		newImportDirCommand(),
		newTopicCommand(), newProduceCommand(), newConsumeCommand(), newGroupCommand(), newTxnCommand(), newClientCommand(), newLogCommand(), newVersionCommand(),
	)
	return root
}

// usageError ends with the exit code for usage mistakes and says where help is.
func usageError(cmd *cobra.Command, err error) error {
	return &exitError{code: exitUsage, err: errors.New(err.Error() + "; see " + cmd.CommandPath() + " --help")}
}

// noArguments is for commands that take flags alone.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasParent() {
		return usageError(cmd, errors.New(`unexpected argument "`+args[0]+`"`))
	}
	text := `there is no command "` + args[0] + `"`
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += ", did you mean " + near[0] + "?"
	}
	return usageError(cmd, errors.New(text))
}

// exactly is for commands with a fixed number of arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError(cmd, errors.New("it takes "+what))
		}
		return nil
	}
}
