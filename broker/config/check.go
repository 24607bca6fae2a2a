package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Check is what a value must satisfy beyond its type. It is data with a name, so that `config explain` can show it.
type Check struct {
	// Text describes the permitted values for people.
	Text string
	// try returns Kafka's words for what is wrong, or "".
	try func(d *Definition, p parsed) string
}

// value returns the number of a parsed value, whichever numeric type it has.
func (p parsed) value(t Type) float64 {
	if t == Double {
		return p.double
	}
	return float64(p.number)
}

// between permits low <= value <= high. Kafka's bounds are all exact in a float64, except the ends of the types, which cannot be passed anyway.
func between(low, high float64) *Check {
	show := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	text := show(low) + " to " + show(high)
	if math.IsInf(high, 1) {
		text = "at least " + show(low)
	}
	return &Check{Text: text, try: func(d *Definition, p parsed) string {
		switch v := p.value(d.Type); {
		case v < low:
			return "Value must be at least " + show(low)
		case v > high:
			return "Value must be no more than " + show(high)
		}
		return ""
	}}
}

func atLeast(low float64) *Check { return between(low, math.Inf(1)) }

// betweenOr permits one more value outside the range, as the gzip level's -1.
func betweenOr(low, high, extra int64) *Check {
	text := fmt.Sprintf("between %d and %d or equal to %d", low, high, extra)
	return &Check{Text: text, try: func(_ *Definition, p parsed) string {
		if p.number == extra || p.number >= low && p.number <= high {
			return ""
		}
		return "Value must be " + text
	}}
}

// oneOf permits the given words, for a list as each of its items.
func oneOf(words ...string) *Check {
	text := strings.Join(words, ", ")
	return &Check{Text: "one of " + text, try: func(d *Definition, p parsed) string {
		items := p.list
		if d.Type != List {
			items = []string{p.text}
		}
		for _, item := range items {
			if !slices.Contains(words, item) {
				return "String must be one of: " + text
			}
		}
		return ""
	}}
}

// oneOfFold is oneOf without regard to upper and lower case.
func oneOfFold(words ...string) *Check {
	text := strings.Join(words, ", ")
	return &Check{Text: "one of " + text + " (in any case)", try: func(_ *Definition, p parsed) string {
		if slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, p.text) }) {
			return ""
		}
		return "String must be one of (case insensitive): " + text
	}}
}

var notEmpty = &Check{Text: "not empty", try: func(_ *Definition, p parsed) string {
	if p.text == "" {
		return "String must be non-empty"
	}
	return ""
}}

var throttledReplica = regexp.MustCompile(`^[0-9]+:[0-9]+$`)

var throttledReplicas = &Check{Text: "'*', or partition:broker pairs", try: func(d *Definition, p parsed) string {
	if len(p.list) == 1 && p.list[0] == "*" {
		return ""
	}
	for _, item := range p.list {
		if !throttledReplica.MatchString(item) {
			return d.Name + " must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
		}
	}
	return ""
}}

var isoDuration = regexp.MustCompile(`^P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$`)

var offsetReset = &Check{Text: "latest, earliest, or by_duration: with an ISO 8601 duration", try: func(d *Definition, p parsed) string {
	duration, byDuration := strings.CutPrefix(p.text, "by_duration:")
	if p.text == "latest" || p.text == "earliest" || byDuration && len(duration) > 2 && !strings.HasSuffix(duration, "T") && isoDuration.MatchString(duration) {
		return ""
	}
	return fmt.Sprintf("Invalid value `%s` for configuration %s. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.", p.text, d.Name)
}}

var hostPort = &Check{Text: "host:port, or empty", try: func(_ *Definition, p parsed) string {
	if p.text == "" {
		return ""
	}
	if _, _, err := splitHostPort(p.text); err != nil {
		return "Value must be host:port, or empty: " + err.Error()
	}
	return ""
}}
