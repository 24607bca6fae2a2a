package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// explain says in words why a request failed, and what to try. Errors that it does not know stay as they are.
func (c *client) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var code *kerr.Error
	if errors.As(err, &code) {
		if code == kerr.MessageTooLarge { // it may be the client's own verdict
			return fmt.Errorf("%s: the record is larger than --max-message-bytes or the topic's max.message.bytes", code.Message)
		}
		return fmt.Errorf("the broker answered %s: %s", code.Message, lowerFirst(strings.TrimSuffix(code.Description, ".")))
	}
	address, dialErr := c.dials.latest()
	if dialErr != nil {
		return connectError(c.seeds, address, dialErr)
	}
	var early *kgo.ErrFirstReadEOF
	switch {
	case errors.As(err, &early):
		return fmt.Errorf("%s closed the connection at the first request; perhaps it wants TLS or a user there: see security.protocol in `-X list`", address)
	case isTimeout(err):
		return fmt.Errorf("no answer in time from %s; `-X request.timeout.ms=60000` waits longer, `-X log.level=debug` shows what happens", strings.Join(c.seeds, ", "))
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%s closed the connection; its log should say why", address)
	}
	// The client has no exported errors for these two.
	if text := err.Error(); strings.Contains(text, "request key is unknown") || strings.Contains(text, "broker is too old") {
		return errors.New("the broker, or broker.version of -X, is too old for this request")
	}
	var shards *kadm.ShardErrors
	if errors.As(err, &shards) && len(shards.Errs) > 0 {
		return shards.Errs[0].Err
	}
	return err
}

// connectError tells the address and what to try. An address that nobody named here came from a broker: the commonest trouble of all.
func connectError(seeds []string, address string, err error) error {
	cause := dialCause(err)
	if !slices.Contains(seeds, address) {
		return fmt.Errorf("%s answers, but sends its clients to %s, and there: %s; correct advertised.listeners on that broker, or make the address reachable from here",
			strings.Join(seeds, ", "), address, cause)
	}
	const other = "name a broker with -b HOST:PORT or $" + brokersVariable
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("cannot connect to %s: connection refused; is a broker running there? Start one with `sordini serve`, or %s", address, other)
	default:
		return fmt.Errorf("cannot connect to %s: %s; %s", address, cause, other)
	}
}

func dialCause(err error) string {
	var name *net.DNSError
	var call *os.SyscallError
	switch {
	case errors.As(err, &name):
		return "the name " + name.Name + " is not known"
	case isTimeout(err):
		return "no answer in time"
	case errors.As(err, &call):
		return call.Err.Error()
	}
	return err.Error()
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func lowerFirst(text string) string {
	text = strings.TrimSuffix(text, ".")
	if len(text) > 1 && text[1] >= 'a' && text[1] <= 'z' {
		return strings.ToLower(text[:1]) + text[1:]
	}
	return text
}

// brokerError adds the broker's own message, when it gave one, to an error code.
func brokerError(err error, message string) string {
	var code *kerr.Error
	if !errors.As(err, &code) {
		return err.Error()
	}
	if message == "" {
		message = lowerFirst(code.Description)
	}
	return code.Message + ": " + message
}

// join makes one error of several, on one line. nil ones do not count.
func join(errs ...error) error {
	var all error
	for _, err := range errs {
		switch {
		case err == nil:
		case all == nil:
			all = err
		default:
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}

// addContext puts text around an error and keeps its exit code.
func addContext(err error, before, after string) error {
	var exit *exitError
	if errors.As(err, &exit) {
		return &exitError{code: exit.code, err: fmt.Errorf("%s%w%s", before, exit.err, after)}
	}
	return fmt.Errorf("%s%w%s", before, err, after)
}

// notFound is for things that were named and are not there.
func notFound(kind, name string, candidates []string) error {
	return &exitError{code: exitNotFound, err: fmt.Errorf("there is no %s %s%s; `sordini %s list` shows what there is", kind, printable(name), didYouMean(name, candidates), kind)}
}

// didYouMean is the end of an error message about a name: empty when nothing is like it.
func didYouMean(name string, candidates []string) string {
	if len(name) > maxEditLength {
		return ""
	}
	best, least := "", 1+max(1, len(name)/3)
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		if distance := editDistance(strings.ToLower(name), strings.ToLower(candidate)); distance < least {
			best, least = candidate, distance
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + printable(best) + "?"
}

// maxEditLength bounds the work on names that somebody else chose.
const maxEditLength = 256

// editDistance counts the insertions, deletions, replacements and swaps of neighbours between two names.
func editDistance(a, b string) int {
	if len(a) > maxEditLength || len(b) > maxEditLength {
		return maxEditLength
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
