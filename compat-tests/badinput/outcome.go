package badinput

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sordini/sordini/compat-tests/harness"
)

// What can come of a row besides error codes.
const (
	closed     = "closed"
	unanswered = "unanswered"
	hung       = "hung" // unanswered, and so is everything after it on that connection
	ok         = "ok"
)

// observe sends what the row sends and says what came of it.
func (r *row) observe(e *env) (outcome string, resp kmsg.Response) {
	c, err := dial(e.addr)
	if err != nil {
		return "cannot connect: " + err.Error(), nil
	}
	defer c.close()
	sent := r.send(e, c)
	c.write(sent)
	wait := patience
	if w := r.wanted(e.release); w == unanswered || w == hung {
		wait = silence
	}
	frame, err := c.read(wait)
	switch {
	case errors.Is(err, io.EOF):
		return closed, nil
	case errors.Is(err, errNothing):
		if r.stuck {
			return unanswered, nil
		}
		err := c.alive()
		switch {
		case errors.Is(err, errNothing):
			return hung, nil
		case err != nil:
			return unanswered + ", then " + err.Error(), nil
		}
		return unanswered, nil
	case err != nil:
		return err.Error(), nil
	}
	resp, err = harness.Decode(frame, int16(binary.BigEndian.Uint16(sent[4:])), int16(binary.BigEndian.Uint16(sent[6:])), int32(binary.BigEndian.Uint32(sent[8:])))
	if err != nil {
		return err.Error(), resp
	}
	outcome = codes(resp)
	if err := c.alive(); err != nil {
		outcome += ", then the connection is dead: " + err.Error()
	}
	return outcome, resp
}

// codes lists the error codes of an answer with the level at which they stand, or says ok.
func codes(resp kmsg.Response) string {
	var found []string
	collect(reflect.ValueOf(resp).Elem(), "top", &found)
	if len(found) == 0 {
		return ok
	}
	return strings.Join(found, ", ")
}

func collect(v reflect.Value, where string, found *[]string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			collect(v.Elem(), where, found)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if name == "ErrorCode" {
				if code := v.Field(i).Int(); code != 0 {
					if s := fmt.Sprintf("%s %d", where, code); !slices.Contains(*found, s) {
						*found = append(*found, s)
					}
				}
				continue
			}
			if v.Field(i).Kind() == reflect.Slice || v.Field(i).Kind() == reflect.Struct || v.Field(i).Kind() == reflect.Pointer {
				collect(v.Field(i), cmpOr(v.Field(i).Kind() == reflect.Slice, name, where), found)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			for i := range v.Len() {
				collect(v.Index(i), where, found)
			}
		}
	}
}

func cmpOr(cond bool, a, b string) string {
	if cond {
		return a
	}
	return b
}
