package config

import (
	"slices"
	"strconv"
	"strings"
)

// Environment is what the environment variables of Kafka's container images say.
type Environment struct {
	Layer     Layer
	ClusterID string // CLUSTER_ID, or Bitnami's KAFKA_KRAFT_CLUSTER_ID
	// MaxHeapBytes is the -Xmx of KAFKA_HEAP_OPTS, or 0.
	MaxHeapBytes int64
	Warnings     []Warning
}

// environmentFile is the name of the environment in an Origin.
const environmentFile = "environment"

// notConfig are the KAFKA_ variables that are no configs: knobs of the JVM, of start scripts and of images.
var notConfig = []string{
	"KAFKA_CLUSTER_ID", "KAFKA_CONF_DIR", "KAFKA_CREATE_TOPICS", "KAFKA_DATA_DIR", "KAFKA_DEBUG", "KAFKA_ENABLE_KRAFT", "KAFKA_GC_LOG_OPTS", "KAFKA_HEAP_OPTS",
	"KAFKA_HOME", "KAFKA_JMX_HOSTNAME", "KAFKA_JMX_OPTS", "KAFKA_JMX_PORT", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_KRAFT_CLUSTER_ID",
	"KAFKA_LOG4J_LOGGERS", "KAFKA_LOG4J_OPTS", "KAFKA_LOG4J_ROOT_LOGLEVEL", "KAFKA_OPTS", "KAFKA_TOOLS_LOG4J_LOGLEVEL", "KAFKA_USER", "KAFKA_VERSION",
}

// notConfigPrefixes are the beginnings of such variables. SERVICE and PORT ones are set by Kubernetes for every Service that is called kafka.
var notConfigPrefixes = []string{"KAFKA_SERVICE_", "KAFKA_PORT_", "KAFKA_REST_"}

// FromEnvironment reads variables of the form NAME=value: KAFKA_LOG_RETENTION_MS is log.retention.ms, a double underscore is an
// underscore and a triple one a hyphen. KAFKA_CFG_ is an alias of the prefix and weaker than it. Other variables are passed over.
func FromEnvironment(variables []string) Environment {
	var env Environment
	var aliases Layer
	for _, variable := range slices.Sorted(slices.Values(variables)) {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == "CLUSTER_ID", name == "KAFKA_KRAFT_CLUSTER_ID" && env.ClusterID == "":
			env.ClusterID = value
		case name == "KAFKA_HEAP_OPTS":
			env.MaxHeapBytes = maxHeap(value)
		case (name == "JMX_PORT" || name == "KAFKA_JMX_PORT") && value != "":
			env.Warnings = append(env.Warnings, Warning{
				Kind: WarnNoEffect, Key: name, Origin: Origin{File: environmentFile, Name: name},
				Text: "there is no JMX here; metrics are served over HTTP at sordini.http.address",
			})
		}
		key, alias, ok := keyOfVariable(name)
		if !ok || name == "KAFKA_PORT" && strings.Contains(value, "://") || value == "" && !mayBeEmpty(key) {
			continue
		}
		s := Setting{Key: key, Value: value, Origin: Origin{File: environmentFile, Name: name}}
		if alias {
			aliases = append(aliases, s)
			continue
		}
		env.Layer = append(env.Layer, s)
	}
	env.Layer = append(aliases, env.Layer...)
	return env
}

// keyOfVariable returns the config that a variable stands for.
func keyOfVariable(name string) (key string, alias, ok bool) {
	rest, ok := strings.CutPrefix(name, "KAFKA_")
	if !ok || rest == "" || slices.Contains(notConfig, name) {
		return "", false, false
	}
	for _, prefix := range notConfigPrefixes {
		if strings.HasPrefix(name, prefix) {
			return "", false, false
		}
	}
	if bitnami, found := strings.CutPrefix(rest, "CFG_"); found {
		rest, alias = bitnami, true
	}
	if rest == "" {
		return "", false, false
	}
	// The longest run first; the placeholders cannot occur in the name of a variable.
	key = strings.NewReplacer("___", "-", "__", "_", "_", ".").Replace(strings.ToLower(rest))
	return key, alias, true
}

// mayBeEmpty reports whether an empty variable can be meant. For numbers it cannot: there it is what a compose file makes of a variable that nobody set.
func mayBeEmpty(key string) bool {
	d := registry.Lookup(BrokerKind, key)
	return d != nil && (d.Type == String || d.Type == List || d.Type == Password || d.Type == Class) && key != "listeners" && key != "advertised.listeners"
}

// maxHeap finds the last -Xmx and returns its bytes, or 0.
func maxHeap(options string) int64 {
	var bytes int64
	for _, option := range strings.Fields(options) {
		size, ok := strings.CutPrefix(option, "-Xmx")
		if !ok || size == "" {
			continue
		}
		unit := int64(1)
		switch size[len(size)-1] {
		case 'k', 'K':
			unit = 1 << 10
		case 'm', 'M':
			unit = 1 << 20
		case 'g', 'G':
			unit = 1 << 30
		case 't', 'T':
			unit = 1 << 40
		}
		if unit > 1 {
			size = size[:len(size)-1]
		}
		if n, err := strconv.ParseInt(size, 10, 64); err == nil && n > 0 {
			bytes = saturatingMul(n, unit)
		}
	}
	return bytes
}

// FromOverrides reads key=value arguments of the command line.
func FromOverrides(arguments []string) (Layer, error) {
	var layer Layer
	for _, argument := range arguments {
		key, value, ok := strings.Cut(argument, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" {
			return nil, &ValueError{Key: "--override", Value: argument, Problem: "it is not of the form key=value, for example --override num.partitions=3"}
		}
		layer = append(layer, Setting{Key: key, Value: value, Origin: Origin{File: "command line", Name: "--override"}})
	}
	return layer, nil
}
