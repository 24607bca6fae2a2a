package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// maxLineBytes is the longest line that is read; no record can be near it.
const maxLineBytes = 256 << 20

// recordSource returns the next record to write, and io.EOF at the end. A record's partition is -1 when the source does not say one.
type recordSource func() (*kgo.Record, error)

// source chooses where records come from.
func (f *produceFlags) source(in io.Reader, t template) recordSource {
	switch {
	case f.tombstone:
		return once(&kgo.Record{Key: t.key})
	case f.hasValue:
		return once(&kgo.Record{Key: t.key, Value: []byte(f.value)})
	case f.json:
		return jsonSource(in)
	}
	return lineSource(in, t.key, strings.ReplaceAll(f.keySeparator, `\t`, "\t"))
}

func once(r *kgo.Record) recordSource {
	done := false
	return func() (*kgo.Record, error) {
		if done {
			return nil, io.EOF
		}
		done = true
		r.Partition = -1
		return r, nil
	}
}

// lineSource makes a record of each line. With a separator, what stands before its first place is the key.
func lineSource(in io.Reader, key []byte, separator string) recordSource {
	next := lines(in)
	return func() (*kgo.Record, error) {
		line, n, err := next()
		if err != nil {
			return nil, err
		}
		r := &kgo.Record{Key: key, Value: bytes.Clone(line), Partition: -1}
		if r.Value == nil {
			r.Value = []byte{} // an empty line is an empty value, and not a tombstone
		}
		if separator == "" {
			return r, nil
		}
		before, after, ok := bytes.Cut(r.Value, []byte(separator))
		if !ok {
			return nil, fmt.Errorf("line %d has no key separator %q", n, separator)
		}
		r.Key, r.Value = before, after
		return r, nil
	}
}

// jsonSource makes a record of each line of JSON; empty lines do not count.
func jsonSource(in io.Reader) recordSource {
	next := lines(in)
	return func() (*kgo.Record, error) {
		for {
			line, n, err := next()
			if err != nil {
				return nil, err
			}
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			r, err := parseJSONRecord(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			return r, nil
		}
	}
}

// lines returns the lines of a reader with their numbers. The bytes of a line are good until the next one.
func lines(in io.Reader) func() (line []byte, n int, err error) {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 0, 64<<10), maxLineBytes)
	scanner.Split(splitLines)
	n := 0
	return func() ([]byte, int, error) {
		n++
		if scanner.Scan() {
			return scanner.Bytes(), n, nil
		}
		switch err := scanner.Err(); {
		case err == nil:
			return nil, n, io.EOF
		case errors.Is(err, bufio.ErrTooLong):
			return nil, n, fmt.Errorf("line %d is longer than %d MiB", n, maxLineBytes>>20)
		default:
			return nil, n, fmt.Errorf("read line %d: %w", n, err)
		}
	}
}

// splitLines is bufio.ScanLines without its special case for carriage returns, for those may belong to the record.
func splitLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
