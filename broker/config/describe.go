package config

// Entry is one config in a DescribeConfigs answer.
type Entry struct {
	Name      string
	Value     *string // nil when there is none, and always for a password
	ReadOnly  bool
	IsDefault bool // for version 0, which has no Source
	Source    Source
	Sensitive bool
	Synonyms  []EntrySynonym
	Type      Type
	Doc       string // "" unless asked for
}

// EntrySynonym is one of the values behind an entry, the strongest first.
type EntrySynonym struct {
	Name   string
	Value  *string
	Source Source
}

// Describe says which configs to describe and with how much detail. Nil Keys ask for all; unknown keys are passed over, as in Kafka.
type Describe struct {
	Keys     []string
	Synonyms bool
	Docs     bool
}

// DescribeTopic answers for a topic on which overrides were set.
func DescribeTopic(values *Values, overrides map[string]string, ask Describe) []Entry {
	return values.describeResource(TopicKind, overrides, SourceDynamicTopic, ask)
}

// DescribeGroup answers for a group on which settings were set.
func DescribeGroup(values *Values, settings map[string]string, ask Describe) []Entry {
	return values.describeResource(GroupKind, settings, SourceGroup, ask)
}

// DescribeClientMetrics answers for a client-metrics subscription.
func DescribeClientMetrics(values *Values, settings map[string]string, ask Describe) []Entry {
	return values.describeResource(ClientMetricsKind, settings, SourceClientMetrics, ask)
}

func (v *Values) describeResource(kind Kind, settings map[string]string, source Source, ask Describe) []Entry {
	definitions := registry.All(kind)
	if ask.Keys != nil {
		definitions = nil
		for _, key := range uniqueSorted(ask.Keys) {
			if d := registry.Lookup(kind, key); d != nil {
				definitions = append(definitions, d)
			}
		}
	}
	entries := make([]Entry, 0, len(definitions))
	for _, d := range definitions {
		set, isSet := settings[d.Name]
		if d.hidden() && !isSet && ask.Keys == nil {
			continue
		}
		e := v.resourceEntry(d, set, isSet, source)
		if kind == GroupKind && len(d.Synonyms) == 0 {
			e.Synonyms = append(e.Synonyms, EntrySynonym{Name: d.Name, Value: shown(d, d.Default), Source: SourceDefault})
		}
		entries = append(entries, e.finish(d, ask))
	}
	return entries
}

func (v *Values) resourceEntry(d *Definition, set string, isSet bool, source Source) Entry {
	e := Entry{Name: d.Name, Type: d.Type, Sensitive: d.Sensitive(), Source: SourceDefault}
	value := ""
	if isSet {
		value = d.canonical(set)
		e.Synonyms = append(e.Synonyms, EntrySynonym{Name: d.Name, Value: shown(d, value), Source: source})
	} else {
		value = v.behind(d).format(d.Type)
	}
	e.Value = shown(d, value)
	if len(d.Synonyms) > 0 {
		e.Synonyms = append(e.Synonyms, v.synonymsOf(d.Synonyms[0].Name)...)
	}
	return e
}

// finish sets what follows from the synonyms, and takes away what was not asked for.
func (e Entry) finish(d *Definition, ask Describe) Entry {
	if len(e.Synonyms) > 0 {
		e.Source = e.Synonyms[0].Source
	}
	e.IsDefault = e.Source == SourceDefault
	if !ask.Synonyms {
		e.Synonyms = nil
	}
	if ask.Docs && d != nil {
		e.Doc = d.Doc
	}
	return e
}
