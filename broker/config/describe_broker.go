package config

import (
	"slices"
	"strings"
)

// DescribeBroker answers for the broker that these are the values of: every documented config, and whatever else was set.
func DescribeBroker(values *Values, ask Describe) []Entry {
	keys := ask.Keys
	if keys == nil {
		for _, d := range registry.All(BrokerKind) {
			if !d.hidden() {
				keys = append(keys, d.Name)
			}
		}
		keys = append(keys, names(values.static)...)
		keys = append(keys, names(values.dynamicDefault)...)
		keys = append(keys, names(values.dynamicBroker)...)
	}
	entries := make([]Entry, 0, len(keys))
	for _, name := range uniqueSorted(keys) {
		d, base := brokerDefinition(name)
		if _, _, isSet := values.lookup(name); (d == nil || base != "") && !isSet {
			continue
		}
		e := values.brokerEntry(name, d, values.synonymsOf(name))
		e.ReadOnly = e.ReadOnly || base != ""
		entries = append(entries, e.finish(d, ask))
	}
	return entries
}

// DescribeBrokerDefaults answers for the broker resource without a name: the dynamic configs of all brokers alone.
func DescribeBrokerDefaults(values *Values, ask Describe) []Entry {
	keys := ask.Keys
	if keys == nil {
		keys = names(values.dynamicDefault)
	}
	var entries []Entry
	for _, name := range uniqueSorted(keys) {
		value, ok := values.dynamicDefault[name]
		if !ok {
			continue
		}
		d := registry.Lookup(BrokerKind, name)
		synonym := EntrySynonym{Name: name, Value: shown(d, value), Source: SourceDynamicDefaultBroker}
		e := values.brokerEntry(name, d, []EntrySynonym{synonym})
		e.Value = shown(d, canonicalOrRaw(d, value))
		entries = append(entries, e.finish(d, ask))
	}
	return entries
}

// DescribeLoggers answers for the log levels of a broker, by component.
func DescribeLoggers(levels map[string]string, ask Describe) []Entry {
	keys := ask.Keys
	if keys == nil {
		keys = names(levels)
	}
	var entries []Entry
	for _, name := range uniqueSorted(keys) {
		level, ok := levels[name]
		if !ok {
			continue
		}
		entries = append(entries, Entry{Name: name, Value: &level, Source: SourceBrokerLogger})
	}
	return entries
}

// brokerEntry describes one broker config. d is nil for a key that nobody knows: it might be a secret, so that its value is not shown.
func (v *Values) brokerEntry(name string, d *Definition, synonyms []EntrySynonym) Entry {
	e := Entry{Name: name, Source: SourceDefault, Synonyms: synonyms, Sensitive: true, ReadOnly: true}
	if d != nil {
		e.Type, e.Sensitive, e.ReadOnly = d.Type, d.Sensitive(), d.Mode == ReadOnly
	}
	if value, _, ok := v.lookup(name); ok {
		e.Value = shown(d, canonicalOrRaw(d, value))
	}
	return e
}

// synonymsOf lists the values behind a broker config in Kafka's order: by source, and within a source by the order of the family. What
// stands before the first appearance of the name itself is left out, as in Kafka: log.retention.ms is not explained by hours alone.
func (v *Values) synonymsOf(name string) []EntrySynonym {
	family := from(name)
	if d, base := brokerDefinition(name); base != "" {
		family = append(family, Synonym{Name: base})
	} else if d != nil && len(d.Synonyms) > 0 {
		family = d.Synonyms
	}
	var all []EntrySynonym
	add := func(source Source, get func(name string) (string, bool)) {
		for _, s := range family {
			if value, ok := get(s.Name); ok {
				d, _ := brokerDefinition(s.Name)
				all = append(all, EntrySynonym{Name: s.Name, Value: shown(d, value), Source: source})
			}
		}
	}
	inMap := func(m map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) { value, ok := m[name]; return value, ok }
	}
	add(SourceDynamicBroker, inMap(v.dynamicBroker))
	add(SourceDynamicDefaultBroker, inMap(v.dynamicDefault))
	add(SourceStaticBroker, func(name string) (string, bool) { s, ok := v.static[name]; return s.Value, ok })
	add(SourceDefault, v.defaultOf)
	first := slices.IndexFunc(all, func(s EntrySynonym) bool { return s.Name == name })
	if first < 0 {
		return nil
	}
	return all[first:]
}

// brokerDefinition finds the definition of a broker config. For a key of one listener, as listener.name.internal.ssl.keystore.type, it is that
// of the key behind the prefix, whose name is base; a SASL mechanism may stand between the two.
func brokerDefinition(name string) (d *Definition, base string) {
	if d = registry.Lookup(BrokerKind, name); d != nil {
		return d, ""
	}
	rest, ok := strings.CutPrefix(name, "listener.name.")
	for range 2 {
		if !ok {
			return nil, ""
		}
		_, rest, ok = strings.Cut(rest, ".")
		if d = registry.Lookup(BrokerKind, rest); d != nil {
			return d, rest
		}
	}
	return nil, ""
}

func canonicalOrRaw(d *Definition, value string) string {
	if d == nil {
		return value
	}
	return d.canonical(value)
}

// shown is the value as an answer may carry it: none for passwords, for unknown keys, and where there is none.
func shown(d *Definition, value string) *string {
	if d == nil || d.Sensitive() || value == null {
		return nil
	}
	return &value
}

func uniqueSorted(keys []string) []string {
	sorted := slices.Clone(keys)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
