package config

import (
	"slices"
	"sort"
	"strings"
)

// Kind says what a config belongs to.
type Kind uint8

// The kinds of resource that have configs of their own.
const (
	TopicKind Kind = iota
	BrokerKind
	GroupKind
	ClientMetricsKind
	kindCount
)

var kindNames = [...]string{"topic", "broker", "group", "client-metrics"}

// String returns the word that Kafka's tools use for the kind.
func (k Kind) String() string { return kindNames[k] }

// Registry is the immutable set of all definitions. Use Definitions; a value is only made once.
type Registry struct {
	byName [kindCount]map[string]*Definition
	sorted [kindCount][]*Definition
}

var registry = newRegistry()

// Definitions returns the registry.
func Definitions() *Registry { return registry }

func newRegistry() *Registry {
	r := &Registry{}
	tables := [kindCount][][]Definition{
		TopicKind: {topicConfigs, topicOldConfigs, ownTopicConfigs},
		BrokerKind: {
			brokerNodeConfigs, brokerSocketConfigs, brokerLogConfigs, brokerGroupConfigs, brokerNewGroupConfigs, brokerTransactionConfigs,
			brokerReplicationConfigs, brokerSASLConfigs, brokerTLSConfigs, brokerTieredConfigs, brokerOldConfigs, ownBrokerConfigs,
		},
		GroupKind:         {groupConfigs},
		ClientMetricsKind: {clientMetricsConfigs},
	}
	for kind, parts := range tables {
		r.byName[kind] = map[string]*Definition{}
		for _, part := range parts {
			for i := range part {
				r.byName[kind][part[i].Name] = &part[i]
				r.sorted[kind] = append(r.sorted[kind], &part[i])
			}
		}
		slices.SortFunc(r.sorted[kind], func(a, b *Definition) int { return strings.Compare(a.Name, b.Name) })
	}
	return r
}

// Lookup returns the definition of a name, or nil.
func (r *Registry) Lookup(kind Kind, name string) *Definition { return r.byName[kind][name] }

// All returns the definitions of a kind in the order of their names. The caller must not change them.
func (r *Registry) All(kind Kind) []*Definition { return r.sorted[kind] }

// Suggest returns the known name of a kind that a misspelt one most likely stands for, or "".
func (r *Registry) Suggest(kind Kind, name string) string {
	best, bestDistance := "", len(name)/4+1
	for _, d := range r.sorted[kind] {
		if d.Internal {
			continue
		}
		if distance := editDistance(name, d.Name, bestDistance); distance < bestDistance {
			best, bestDistance = d.Name, distance
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of neighbours, and gives up (returning limit) where the lengths already differ by limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// names returns the keys of a map in order, because no answer may depend on the order of a map.
func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}
