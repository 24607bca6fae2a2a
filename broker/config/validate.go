package config

import (
	"fmt"
	"math"
	"strings"
)

// Refusal is the reason why a config change is refused, in the words of Kafka, which tools look for. It goes with INVALID_CONFIG.
type Refusal string

// Error returns the text as it goes into the answer.
func (r Refusal) Error() string { return string(r) }

func refusal(format string, args ...any) error { return Refusal(fmt.Sprintf(format, args...)) }

// invalid is Kafka's sentence for a value that does not pass.
func invalid(name string, d *Definition, value, problem string) error {
	if d.Type == List {
		value = badItem(d, value)
	}
	return refusal("Invalid value %s for configuration %s: %s", value, name, problem)
}

// badItem returns the part of a list that Kafka's message shows: the whole in brackets, or the first item that does not pass.
func badItem(d *Definition, value string) string {
	items := splitList(value)
	if d.Check != throttledReplicas {
		for _, item := range items {
			if _, problem := d.validate(item); problem != "" {
				return item
			}
		}
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// ValidateTopic checks the configs that somebody wants to set on a topic. The texts are Kafka's, because tools look for them; they go with INVALID_CONFIG.
// Keys of older releases are good too. With several problems it reports the unknown names first, then the first by name.
func ValidateTopic(overrides map[string]string) error {
	for _, name := range names(overrides) {
		if registry.Lookup(TopicKind, name) == nil {
			return refusal("Unknown topic config name: %s", name)
		}
	}
	if err := validateEach(TopicKind, overrides); err != nil {
		return err
	}
	number := func(name string, otherwise int64) int64 {
		value, ok := overrides[name]
		if !ok {
			return otherwise
		}
		p, _ := parse(Long, value)
		return p.number
	}
	if low, high := number("min.compaction.lag.ms", 0), number("max.compaction.lag.ms", math.MaxInt64); low > high {
		return refusal("conflict topic config setting min.compaction.lag.ms (%d) > max.compaction.lag.ms (%d)", low, high)
	}
	if p, _ := parse(Boolean, overrides["remote.storage.enable"]); p.boolean {
		return refusal("Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.")
	}
	return nil
}

func validateEach(kind Kind, settings map[string]string) error {
	for _, name := range names(settings) {
		d := registry.Lookup(kind, name)
		if d == nil {
			continue
		}
		if _, problem := d.validate(settings[name]); problem != "" {
			return invalid(name, d, settings[name], problem)
		}
	}
	return nil
}
