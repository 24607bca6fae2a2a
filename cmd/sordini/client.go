package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	brokersVariable = "SORDINI_BROKERS"
	defaultBrokers  = "localhost:9092"
)

// clientFlags say which cluster a command talks to and how. Every client command has them.
type clientFlags struct {
	brokers  string
	settings []string
}

func (f *clientFlags) add(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVarP(&f.brokers, "brokers", "b", "", "`HOST:PORT,...` of one or more brokers (default "+defaultBrokers+") [$"+brokersVariable+"]")
	cmd.PersistentFlags().StringArrayVarP(&f.settings, "setting", "X", nil, "client setting `key=value`; may be given often, `-X list` prints them all")
}

// seeds are the brokers to ask first.
func (f *clientFlags) seeds(environ []string) []string {
	text := f.brokers
	if text == "" {
		text = variable(environ, brokersVariable)
	}
	if text == "" {
		text = defaultBrokers
	}
	var seeds []string
	for seed := range strings.SplitSeq(text, ",") {
		if seed = strings.TrimSpace(seed); seed != "" {
			seeds = append(seeds, withPort(seed))
		}
	}
	return seeds
}

// withPort adds Kafka's port to an address that has none.
func withPort(address string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), "9092")
}

// client is a connection to a cluster that can say in words why something failed.
type client struct {
	*kgo.Client
	admin *kadm.Client
	seeds []string
	dials *dialRecord
}

// connect makes a client and checks that a broker answers, so that a wrong address is told at once instead of being retried in silence.
// The caller closes the client.
func (f *clientFlags) connect(ctx context.Context, cmd *cobra.Command, more ...kgo.Opt) (*client, error) {
	if settingsAsked(f.settings) {
		_, err := io.WriteString(cmd.OutOrStdout(), settingsList())
		return nil, &exitError{code: 0, err: err}
	}
	settings, err := parseSettings(f.settings, os.Environ())
	if err != nil {
		return nil, usageError(cmd, err)
	}
	seeds := f.seeds(os.Environ())
	if len(seeds) == 0 {
		return nil, usageError(cmd, errors.New("--brokers names no broker"))
	}
	dials := &dialRecord{tls: settings.tls, timeout: settings.timeout}
	opts := append(settings.options(),
		kgo.SeedBrokers(seeds...),
		kgo.Dialer(dials.dial),
		kgo.SoftwareNameAndVersion("sordini", "client"),
		kgo.RetryTimeout(settings.timeout),
		kgo.MetadataMinAge(250*time.Millisecond),
	)
	inner, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, usageError(cmd, err)
	}
	c := &client{Client: inner, admin: kadm.NewClient(inner), seeds: seeds, dials: dials}
	pinging, cancel := context.WithTimeout(ctx, settings.timeout)
	defer cancel()
	if err := inner.Ping(pinging); err != nil {
		c.Close()
		return nil, c.explain(err)
	}
	return c, nil
}

// dialRecord opens the client's connections and remembers what went wrong: the client itself retries, and in the end reports only a time-out.
type dialRecord struct {
	tls     *tls.Config // nil: plain
	timeout time.Duration
	mu      struct {
		sync.Mutex
		address string
		err     error // of the latest attempt, nil when it worked
	}
}

func (d *dialRecord) dial(ctx context.Context, network, address string) (net.Conn, error) {
	plain := net.Dialer{Timeout: d.timeout}
	var conn net.Conn
	var err error
	if d.tls == nil {
		conn, err = plain.DialContext(ctx, network, address)
	} else {
		conn, err = (&tls.Dialer{NetDialer: &plain, Config: d.tls}).DialContext(ctx, network, address)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.address, d.mu.err = address, err
	return conn, err
}

// latest returns the address and the error of the latest attempt.
func (d *dialRecord) latest() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.address, d.mu.err
}

// clientCommand makes a cobra function of what a client command does. The context ends with the first SIGINT or SIGTERM; a second one ends
// the process as usual. A reader that closes the pipe, as head does, is no error.
func clientCommand(do func(ctx context.Context, cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		parent := cmd.Context()
		if parent == nil {
			parent = context.Background()
		}
		// While somebody listens for SIGPIPE, the runtime returns EPIPE instead of killing the process.
		pipes := make(chan os.Signal, 1)
		signal.Notify(pipes, syscall.SIGPIPE)
		defer signal.Stop(pipes)
		ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
		defer stop()
		context.AfterFunc(ctx, stop)
		err := do(ctx, cmd, args)
		switch {
		case errors.Is(err, syscall.EPIPE):
			return nil
		case err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled):
			return &exitError{code: exitInterrupted}
		}
		return err
	}
}

// command is clientCommand for what asks a cluster and prints the answer in the form that out says.
func (f *clientFlags) command(out *outputFlag, do func(ctx context.Context, c *client, o *output, args []string) error) func(*cobra.Command, []string) error {
	return clientCommand(func(ctx context.Context, cmd *cobra.Command, args []string) error {
		o, err := out.open(cmd)
		if err != nil {
			return err
		}
		c, err := f.connect(ctx, cmd)
		if err != nil {
			return err
		}
		defer c.Close()
		return do(ctx, c, o, args)
	})
}

// nounCommand is the parent of commands about one kind of thing, as `topic`.
func nounCommand(use, short, example string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: example,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			text := "there is no command \"" + args[0] + "\""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				text += ", did you mean " + near[0] + "?"
			}
			return usageError(cmd, errors.New(text))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(children...)
	return cmd
}

// atLeastOne is for commands that take names.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError(cmd, errors.New("it takes "+what))
		}
		return nil
	}
}
