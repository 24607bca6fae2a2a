package main

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// formatHelp is the part of the format language that most people need; it is that of kcat and rpk.
const formatHelp = `The format language of -f (that of rpk, close to kcat's):
  %t topic   %p partition   %o offset   %k key   %v value   %T %K %V their lengths   %e leader epoch
  %d         timestamp in milliseconds; %d{go#RFC3339#} or %d{strftime[%F %T]} as a date, in UTC
  %H         number of headers;  %h{ %k=%v} prints each of them
  %i         number of the record in this output
  %v{base64} %v{hex} %V{big32}   text and numbers in other forms
  \n \t \r \\ \xNN %%            characters`

// recordWriter appends one record's text.
type recordWriter func(dst []byte, r *kgo.Record) []byte

// newRecordFormat compiles a format. Formatter.AppendRecord counts calls, so a recordWriter belongs to one goroutine.
func newRecordFormat(format string) (recordWriter, error) {
	if format == "" {
		return nil, errors.New("the format is empty")
	}
	formatter, err := kgo.NewRecordFormatter(format)
	if err != nil {
		return nil, fmt.Errorf("the format %q cannot be used: %w", format, err)
	}
	return formatter.AppendRecord, nil
}
