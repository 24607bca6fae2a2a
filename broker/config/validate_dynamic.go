package config

import (
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// ValidateBroker checks dynamic configs that somebody wants to set on one broker, or on all of them as defaults. Kafka answers a refusal
// with INVALID_REQUEST. Names that nobody knows pass, as in Kafka, where they may belong to a plug-in.
//
// What Kafka changes while it runs and this broker cannot is refused too: listeners, and what is set for one listener alone, which is mostly what
// protects it.
func ValidateBroker(values *Values, allBrokers bool, changes map[string]string) error {
	var fixed, perBroker, perListener []string
	for _, name := range names(changes) {
		d := registry.Lookup(BrokerKind, name)
		switch {
		case strings.HasPrefix(name, "listener.name."):
			return refusal("%s cannot be set: %s", name, noPerListener)
		case d == nil:
		case d.Mode == ReadOnly:
			fixed = append(fixed, name)
		case isSecurity(name):
			perListener = append(perListener, name)
		case d.Mode == PerBroker && allBrokers:
			perBroker = append(perBroker, name)
		}
	}
	switch {
	case len(perListener) > 0:
		return refusal("These security configs can be dynamically updated only per-listener using the listener prefix: [%s]", strings.Join(perListener, ", "))
	case len(fixed) > 0:
		return refusal("Cannot update these configs dynamically: [%s]", strings.Join(fixed, ", "))
	case len(perBroker) > 0:
		return refusal("Cannot update these configs at default cluster level, broker id must be specified: [%s]", strings.Join(perBroker, ", "))
	}
	for _, name := range []string{"listeners", "listener.security.protocol.map"} {
		if _, changed := changes[name]; changed {
			return refusal("%s cannot be changed while this broker runs; change its configuration and start it again", name)
		}
	}
	if err := validateEach(BrokerKind, changes); err != nil {
		return err
	}
	if threads, set := changes["log.cleaner.threads"]; set && strings.TrimSpace(threads) == "0" { // at the start it is fine
		return refusal("Log cleaner threads should be at least 1")
	}
	changed := *values
	changed.dynamicDefault, changed.dynamicBroker = nil, changes
	if _, problems := changed.resolve(Options{ClusterID: values.Broker.ClusterID}); len(problems) > 0 {
		return refusal("Invalid value %s for configuration %s: %s", problems[0].Value, problems[0].Key, problems[0].Problem)
	}
	return nil
}

// ListBehind says whether a config is a list, and what that is while it is not set.
func ListBehind(values *Values, kind Kind, name string) (value string, isList bool) {
	d := registry.Lookup(kind, name)
	switch {
	case d == nil || d.Type != List:
		return "", false
	case kind == BrokerKind:
		value, _, _ = values.Get(name)
		return value, true
	}
	return values.behind(d).format(List), true
}

func isSecurity(name string) bool {
	return strings.HasPrefix(name, "ssl.") || strings.HasPrefix(name, "sasl.") || name == "principal.builder.class"
}

// ValidateGroup checks the configs that somebody wants to set on a group. A refusal goes with INVALID_CONFIG.
func ValidateGroup(values *Values, settings map[string]string) error {
	for _, name := range names(settings) {
		if registry.Lookup(GroupKind, name) == nil {
			return refusal("Unknown group config name: %s", name)
		}
	}
	if err := validateEach(GroupKind, settings); err != nil {
		return err
	}
	for _, name := range names(settings) {
		kind, what, _ := strings.Cut(name, ".")
		low, high := "group."+kind+".min."+what, "group."+kind+".max."+what
		lowDefinition, highDefinition := registry.Lookup(BrokerKind, low), registry.Lookup(BrokerKind, high)
		if lowDefinition == nil || highDefinition == nil {
			continue
		}
		p, _ := parse(Int, settings[name])
		if least, most := values.number(low), values.number(high); p.number < least || p.number > most {
			return refusal("%s must be in the range %d to %d inclusive.", name, least, most)
		}
	}
	return nil
}

// metricsSelectors are what a client-metrics subscription can match clients by.
var metricsSelectors = regexp.MustCompile(`^(client_instance_id|client_id|client_software_name|client_software_version|client_source_address|client_source_port)=.+$`)

// invalidMatch is the one refusal about subscriptions that goes with INVALID_CONFIG.
type invalidMatch struct{ pattern string }

// Error is Kafka's text.
func (e *invalidMatch) Error() string { return "Illegal client matching pattern: " + e.pattern }

// Unwrap returns the code.
func (e *invalidMatch) Unwrap() error { return kerr.InvalidConfig }

// ValidateClientMetrics checks the configs that somebody wants to set on a subscription. A refusal goes with INVALID_REQUEST, unless it wraps another code.
func ValidateClientMetrics(settings map[string]string) error {
	const least, most = 100, 3600000
	for _, name := range names(settings) {
		d := registry.Lookup(ClientMetricsKind, name)
		if d == nil {
			return refusal("Unknown client metrics configuration: %s", name)
		}
		p, problem := d.validate(settings[name])
		switch {
		case problem != "":
			return invalid(name, d, settings[name], problem)
		case name == "interval.ms" && (p.number < least || p.number > most):
			return refusal("Invalid value %d for interval.ms, interval must be between 100 and 3600000 (1 hour)", p.number)
		case name == "match":
			for _, item := range p.list {
				if !metricsSelectors.MatchString(item) {
					return &invalidMatch{item}
				}
			}
		}
	}
	return nil
}
