package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Endpoint is one NAME://host:port. An empty host stands for all interfaces when listening, and for "the address that the client reached" when advertised.
type Endpoint struct {
	Listener string
	Host     string
	Port     int32
}

// String writes the endpoint as it would stand in a file.
func (e Endpoint) String() string {
	return e.Listener + "://" + bracketed(e.Host) + ":" + portText(e.Port)
}

// Listener is a socket to open, and what clients that reach it are told.
type Listener struct {
	Name string // upper case
	Host string // "" means all interfaces
	Port int32  // 0 means any free port
	// AdvertisedHost is "" when a client is to be told the address that it reached itself; AdvertisedPort is 0 when that is the port listened on.
	AdvertisedHost string
	AdvertisedPort int32
}

func portText(port int32) string { return strconv.Itoa(int(port)) }

// maxEndpoints bounds the listeners that one key may name.
const maxEndpoints = 64

// parseEndpoints splits a list of endpoints. Names become upper case, as in Kafka.
func parseEndpoints(value string) ([]Endpoint, error) {
	var endpoints []Endpoint
	for _, item := range splitList(value) {
		if item == "" {
			return nil, errors.New("there is an empty entry, look for a comma too many")
		}
		name, address, ok := strings.Cut(item, "://")
		if !ok || !isListenerName(name) {
			return nil, fmt.Errorf("%q is not of the form NAME://host:port", item)
		}
		host, port, err := splitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", item, err)
		}
		if len(endpoints) == maxEndpoints {
			return nil, fmt.Errorf("there are more than %d entries", maxEndpoints)
		}
		endpoints = append(endpoints, Endpoint{Listener: strings.ToUpper(name), Host: host, Port: port})
	}
	return endpoints, nil
}

// isListenerName permits what Kafka's pattern permits: letters, digits, '_', '-' and '.'.
func isListenerName(name string) bool {
	if name == "" {
		return false
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.') {
			return false
		}
	}
	return true
}

// splitHostPort takes host:port, [IPv6]:port and :port.
func splitHostPort(address string) (host string, port int32, err error) {
	colon := strings.LastIndexByte(address, ':')
	if colon < 0 {
		return "", 0, errors.New("the port is missing")
	}
	host, text := address[:colon], address[colon+1:]
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not a port (0 to 65535)", text)
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if host, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(host, ":") {
			return "", 0, errors.New("the brackets of the IPv6 address do not match")
		}
	} else if strings.Contains(host, ":") {
		return "", 0, fmt.Errorf("an IPv6 address needs brackets: [%s]:%s", host, text)
	}
	if strings.ContainsAny(host, " /[]@?#\"'\\") {
		return "", 0, fmt.Errorf("%q is not a host", host)
	}
	return host, int32(n), nil
}

// isWildcard reports whether a host stands for all interfaces.
func isWildcard(host string) bool {
	return host == "0.0.0.0" || host == "::" || host == "0:0:0:0:0:0:0:0"
}

// parseProtocolMap splits listener.security.protocol.map into upper-case names and protocols.
func parseProtocolMap(value string) (map[string]string, error) {
	protocols := map[string]string{}
	for _, item := range splitList(value) {
		name, protocol, ok := strings.Cut(item, ":")
		name, protocol = strings.ToUpper(strings.TrimSpace(name)), strings.ToUpper(strings.TrimSpace(protocol))
		if !ok || !isListenerName(name) {
			return nil, fmt.Errorf("%q is not of the form NAME:PROTOCOL", item)
		}
		switch protocol {
		case "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL":
		default:
			return nil, fmt.Errorf("%q: there is no security protocol %q; there are PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL", item, protocol)
		}
		if _, twice := protocols[name]; twice {
			return nil, fmt.Errorf("listener %s is named twice", name)
		}
		protocols[name] = protocol
	}
	return protocols, nil
}
