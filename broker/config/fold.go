package config

import (
	"strings"
)

// fold turns the keys of old Kafka releases into the keys of today, before anything is checked, and says for each what the new line
// would be. A new key that is set always wins over an old one.
func (v *Values) fold() []Warning {
	var warnings []Warning
	old := func(key, text string) {
		warnings = append(warnings, Warning{Kind: WarnOld, Key: key, Origin: v.static[key].Origin, Text: text})
	}
	derive := func(from, key, value string) {
		v.static[key] = Setting{Key: key, Value: value, Origin: v.static[from].Origin, derived: true}
		old(from, from+" is an old key; write "+key+"="+value+" instead")
	}
	v.foldNodeID(derive, old)
	v.foldListeners(derive, old)
	for _, key := range names(v.static) {
		if key == "zookeeper.connect" {
			old(key, "zookeeper.connect is not needed, there is no ZooKeeper; delete the line")
		}
	}
	v.deriveListenersFromEnv(&warnings)
	return warnings
}

type deriveFunc func(from, key, value string)

func (v *Values) foldNodeID(derive deriveFunc, old func(key, text string)) {
	id := v.staticText("broker.id")
	switch {
	case !v.isStatic("broker.id"):
		if v.isStatic("node.id") {
			v.static["broker.id"] = Setting{Key: "broker.id", Value: v.staticText("node.id"), Origin: v.static["node.id"].Origin, derived: true}
		}
	case v.isStatic("node.id"): // resolve compares the two
	case id == "-1":
		old("broker.id", "broker.id=-1 lets an old Kafka choose a number; this node is 1, write node.id=1 instead")
		delete(v.static, "broker.id")
	default:
		derive("broker.id", "node.id", id)
	}
}

// foldListeners handles host.name, port, advertised.host.name and advertised.port, which Kafka dropped in 3.0.
func (v *Values) foldListeners(derive deriveFunc, old func(key, text string)) {
	anyOf := func(keys ...string) string {
		for _, key := range keys {
			if v.isStatic(key) {
				return key
			}
		}
		return ""
	}
	orElse := func(key, fallback string) string {
		if value := v.staticText(key); value != "" {
			return value
		}
		return fallback
	}
	host, port := orElse("host.name", ""), orElse("port", "9092")
	hasListeners := v.isStatic("listeners")
	if from := anyOf("host.name", "port"); from != "" {
		if hasListeners {
			old(from, from+" is an old key and is ignored, because listeners is set; delete the line")
		} else {
			derive(from, "listeners", "PLAINTEXT://"+bracketed(host)+":"+port)
		}
	}
	if isWildcard(host) {
		host = ""
	}
	from := anyOf("advertised.host.name", "advertised.port")
	if from == "" && host != "" && !v.isStatic("advertised.listeners") && !hasListeners {
		from = "host.name"
	}
	switch {
	case from == "":
	case v.isStatic("advertised.listeners"):
		old(from, from+" is an old key and is ignored, because advertised.listeners is set; delete the line")
	default:
		name, listenPort := v.firstListener(port)
		derive(from, "advertised.listeners", name+"://"+bracketed(orElse("advertised.host.name", host))+":"+orElse("advertised.port", listenPort))
	}
}

// firstListener returns the name and port of the first configured listener, for which the old advertised keys speak.
func (v *Values) firstListener(fallbackPort string) (name, port string) {
	endpoints, err := parseEndpoints(v.staticText("listeners"))
	if err != nil || len(endpoints) == 0 {
		return "PLAINTEXT", fallbackPort
	}
	return endpoints[0].Listener, portText(endpoints[0].Port)
}

func bracketed(host string) string {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return "[" + host + "]"
	}
	return host
}

// deriveListenersFromEnv does what Kafka's container images do when only KAFKA_ADVERTISED_LISTENERS is given: listen on all interfaces at the advertised ports.
func (v *Values) deriveListenersFromEnv(warnings *[]Warning) {
	advertised, ok := v.static["advertised.listeners"]
	if !ok || v.isStatic("listeners") || advertised.derived || !strings.HasPrefix(advertised.Origin.Name, "KAFKA_") {
		return
	}
	endpoints, err := parseEndpoints(advertised.Value)
	if err != nil {
		return // resolve reports it
	}
	var listeners []string
	for _, e := range endpoints {
		listeners = append(listeners, e.Listener+"://0.0.0.0:"+portText(e.Port))
	}
	value := strings.Join(listeners, ",")
	v.static["listeners"] = Setting{Key: "listeners", Value: value, Origin: advertised.Origin, derived: true}
	*warnings = append(*warnings, Warning{Kind: WarnNotice, Key: "listeners", Origin: advertised.Origin, Text: "listeners is not set and follows advertised.listeners: " + value})
}
