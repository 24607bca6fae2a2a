package config

import (
	"fmt"
	"slices"
	"strings"
)

// Values is the whole configuration of a running broker: what was written down at the start, and what was changed since by
// AlterConfigs. It is immutable; a dynamic change makes a new one.
type Values struct {
	// Broker holds the broker configs that have an effect, parsed and checked.
	Broker Broker

	static         map[string]Setting // from files, environment and command line, after old keys were folded in
	defaults       map[string]string  // defaults of this installation that differ from the registry's
	dynamicDefault map[string]string  // for all brokers
	dynamicBroker  map[string]string  // for this broker
	onRead         func(name string)  // for the test that compares what is read with what is documented as effective
}

// Options are what New needs to know beside the settings.
type Options struct {
	// DataDir is the data directory to use when none is configured.
	DataDir string
	// ClusterID is the cluster id that was asked for, or "". It names a new cluster, and must be the id of an existing one.
	ClusterID string
}

// Problems are all the values that prevent a start, in the order of their keys.
type Problems []*ValueError

// Error is the first problem as one line.
func (p Problems) Error() string {
	line := p[0].Error()
	if len(p) > 1 {
		line += fmt.Sprintf(" (and %d more; `sordini config validate` shows all)", len(p)-1)
	}
	return line
}

// New merges layers, later ones win, and checks everything. The error is of type Problems. The warnings are in order and are given in both cases.
func New(o Options, layers ...Layer) (*Values, []Warning, error) {
	v := &Values{static: map[string]Setting{}, defaults: map[string]string{"log.dir": o.DataDir}}
	for _, layer := range layers {
		for _, s := range layer {
			v.static[s.Key] = s
		}
	}
	warnings := v.fold()
	if !v.isStatic("node.id") {
		v.defaults["broker.id"], _ = v.defaultOf("node.id")
	}
	var problems Problems
	for _, name := range names(v.static) {
		s := v.static[name]
		d := registry.Lookup(BrokerKind, name)
		if d == nil {
			warnings = append(warnings, unknownWarning(s)...)
			continue
		}
		if _, problem := d.validate(s.Value); problem != "" {
			problems = append(problems, &ValueError{Key: name, Value: s.Value, Origin: s.Origin, Problem: explainProblem(d, problem)})
			continue
		}
		if d.NoEffect != "" && !s.derived && !strings.HasPrefix(name, "zookeeper.") {
			warnings = append(warnings, warnNoEffect(s, d, d.NoEffect))
		}
	}
	if len(problems) == 0 {
		var more []Warning
		more, problems = v.resolve(o)
		warnings = append(warnings, more...)
	}
	if len(problems) > 0 {
		refused := func(w Warning) bool {
			return slices.ContainsFunc(problems, func(p *ValueError) bool { return p.Key == w.Key })
		}
		return nil, slices.DeleteFunc(warnings, refused), problems // the problem says it all
	}
	return v, warnings, nil
}

func explainProblem(d *Definition, problem string) string {
	problem = strings.TrimSuffix(problem, ".")
	text := strings.ToLower(problem[:1]) + problem[1:]
	if d.Check != nil && !strings.HasPrefix(problem, "Value") && !strings.HasPrefix(problem, "String") {
		text += " (" + d.Check.Text + ")"
	}
	text += "; correct it or delete the key"
	if value, ok := d.DefaultValue(); ok && value != "" {
		text += ", the default is " + value
	}
	return text
}

// prefixes are families of keys that belong to something that may be plugged into Kafka, and keys that its registry does not have (any more).
var prefixes = []struct{ prefix, reason string }{
	{"allow.everyone.if.no.acl.found", noAuthorizer},
	{"config.providers.", noPlugins},
	{"confluent.", "it belongs to Confluent's own server"},
	{"kafka.metrics.", noJVM},
	{"listener.name.", noPerListener},
	{"metrics.context.", noJVM},
	{"quota.consumer.default", noQuotas},
	{"quota.producer.default", noQuotas},
	{"rlmm.config.", noTiering},
	{"rsm.config.", noTiering},
	{"super.users", noAuthorizer},
	{"zookeeper.", noZooKeeper},
}

func unknownWarning(s Setting) []Warning {
	for _, p := range prefixes {
		if strings.HasPrefix(s.Key, p.prefix) {
			return []Warning{warnNoEffect(s, nil, p.reason)}
		}
	}
	text := "unknown key " + s.Key + " is ignored"
	if registry.Lookup(TopicKind, s.Key) != nil {
		text += ": it is a topic config"
		if d := registry.Lookup(TopicKind, s.Key); len(d.Synonyms) > 0 {
			text += ", and the key for all topics is " + d.Synonyms[0].Name
		}
	} else if known := registry.Suggest(BrokerKind, s.Key); known != "" {
		text += ", did you mean " + known + "?"
	}
	return []Warning{{Kind: WarnUnknown, Key: s.Key, Origin: s.Origin, Text: text}}
}

// WithDynamic returns the values with the dynamic broker configs that hold now: those for all brokers, and those for this one.
// A dynamic value that is not valid any more, because it was stored by another version, is passed over.
func (v *Values) WithDynamic(clusterDefault, thisBroker map[string]string) *Values {
	changed := *v
	changed.dynamicDefault, changed.dynamicBroker = validOnly(clusterDefault), validOnly(thisBroker)
	if _, problems := changed.resolve(Options{DataDir: v.defaults["log.dir"], ClusterID: v.Broker.ClusterID}); len(problems) > 0 {
		changed.Broker = v.Broker
	}
	return &changed
}

func validOnly(settings map[string]string) map[string]string {
	valid := make(map[string]string, len(settings))
	for name, value := range settings {
		if d := registry.Lookup(BrokerKind, name); d != nil {
			if _, problem := d.validate(value); problem != "" {
				continue
			}
		}
		valid[name] = value
	}
	return valid
}

// lookup returns the value of a broker config as it was written, and where it comes from. ok is false where there is not even a default.
func (v *Values) lookup(name string) (value string, source Source, ok bool) {
	if value, ok = v.dynamicBroker[name]; ok {
		return value, SourceDynamicBroker, true
	}
	if value, ok = v.dynamicDefault[name]; ok {
		return value, SourceDynamicDefaultBroker, true
	}
	if s, found := v.static[name]; found {
		return s.Value, SourceStaticBroker, true
	}
	value, ok = v.defaultOf(name)
	return value, SourceDefault, ok
}

func (v *Values) defaultOf(name string) (string, bool) {
	if value, ok := v.defaults[name]; ok {
		return value, true
	}
	d := registry.Lookup(BrokerKind, name)
	if d == nil {
		return "", false
	}
	return d.DefaultValue()
}

// Get returns the value of one broker config in the form in which DescribeConfigs shows it. It panics for a name that is not in the registry.
func (v *Values) Get(name string) (value string, source Source, ok bool) {
	d := mustDefinition(BrokerKind, name)
	value, source, ok = v.lookup(name)
	if ok {
		value = d.canonical(value)
	}
	return value, source, ok
}

// Origin returns where a static value was written, and whether there is one.
func (v *Values) Origin(name string) (Origin, bool) {
	s, ok := v.static[name]
	return s.Origin, ok
}

// SetKeys returns the names that were set in files, environment or command line, in order.
func (v *Values) SetKeys() []string { return names(v.static) }

func mustDefinition(kind Kind, name string) *Definition {
	d := registry.Lookup(kind, name)
	if d == nil {
		panic(fmt.Sprintf("config: no %s config is called %q", kind, name))
	}
	return d
}

// read returns a parsed broker config that has a default. Everything was validated before, so that nothing can go wrong here.
func (v *Values) read(name string) parsed {
	d := mustDefinition(BrokerKind, name)
	if v.onRead != nil {
		v.onRead(name)
	}
	value, _, ok := v.lookup(name)
	if !ok {
		return parsed{}
	}
	p, problem := parse(d.Type, value)
	if problem != "" {
		panic(fmt.Sprintf("config: %s=%q was not validated: %s", name, value, problem))
	}
	return p
}

func (v *Values) number(name string) int64   { return v.read(name).number }
func (v *Values) int32(name string) int32    { return int32(v.read(name).number) }
func (v *Values) text(name string) string    { return v.read(name).text }
func (v *Values) boolean(name string) bool   { return v.read(name).boolean }
func (v *Values) list(name string) []string  { return slices.Clone(v.read(name).list) }
func (v *Values) has(name string) bool       { _, _, ok := v.lookup(name); return ok }
func (v *Values) isStatic(name string) bool  { _, ok := v.static[name]; return ok }
func (v *Values) staticText(n string) string { return strings.TrimSpace(v.static[n].Value) }

// firstOf resolves a quantity with several names: the first that has a value, in the units of the first.
func (v *Values) firstOf(family []Synonym) (int64, Source) {
	for _, s := range family {
		if v.onRead != nil {
			v.onRead(s.Name)
		}
	}
	for _, s := range family {
		if _, source, ok := v.lookup(s.Name); ok {
			return saturatingMul(v.number(s.Name), max(s.Unit, 1)), source
		}
	}
	return 0, SourceDefault
}

// saturatingMul multiplies a count by a positive unit and stops at the ends of int64.
func saturatingMul(n, unit int64) int64 {
	product := n * unit
	if n != 0 && (product/n != unit || (product < 0) != (n < 0)) {
		if n < 0 {
			return -1 << 63
		}
		return 1<<63 - 1
	}
	return product
}
