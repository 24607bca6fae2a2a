package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func splitLastColon(item string) (string, int32, error) {
	colon := strings.LastIndexByte(item, ':')
	if colon <= 0 {
		return "", 0, errors.New("no colon")
	}
	n, err := strconv.ParseInt(strings.TrimSpace(item[colon+1:]), 10, 32)
	if err != nil || n < 0 {
		return "", 0, errors.New("no count")
	}
	return strings.TrimSpace(item[:colon]), int32(n), nil
}

// listeners works out which sockets to open and what clients are told, from listeners, advertised.listeners,
// listener.security.protocol.map and controller.listener.names.
func (c *checker) listeners() []Listener {
	v := c.values
	endpoints, err := parseEndpoints(v.effectiveText("listeners"))
	if err != nil {
		c.fail("listeners", err.Error())
		return nil
	}
	protocols, err := parseProtocolMap(v.text("listener.security.protocol.map"))
	if err != nil {
		c.fail("listener.security.protocol.map", err.Error())
		return nil
	}
	controllers := map[string]bool{}
	for _, name := range splitList(v.rawText("controller.listener.names")) {
		controllers[strings.ToUpper(name)] = true
	}
	var open []Listener
	for _, e := range endpoints {
		if controllers[e.Listener] {
			c.notice("listeners", "listener "+e.String()+" is not opened: it is for controllers, and one node needs none")
			continue
		}
		if problem := c.listenerProblem(e, open, protocols); problem != "" {
			c.fail("listeners", problem)
			return nil
		}
		open = append(open, Listener{Name: e.Listener, Host: e.Host, Port: e.Port})
	}
	if len(open) == 0 {
		c.fail("listeners", "there is no listener for clients; add PLAINTEXT://:9092")
		return nil
	}
	c.advertise(open, controllers)
	return open
}

// listenerProblem says why a listener cannot be opened beside those that were accepted before it.
func (c *checker) listenerProblem(e Endpoint, open []Listener, protocols map[string]string) string {
	protocol, ok := protocols[e.Listener]
	switch {
	case !ok:
		return fmt.Sprintf("no security protocol is given for listener %s; set listener.security.protocol.map=%s", e.Listener, c.completeMap(protocols))
	case protocol != "PLAINTEXT":
		return fmt.Sprintf("listener %s wants %s, which is not supported yet; take it out, or serve %s where everybody on the network may read, write and delete everything", e.Listener, protocol, plaintextInstead(e, protocol))
	}
	for _, other := range open {
		bothFamilies := strings.Contains(other.Host, ":") != strings.Contains(e.Host, ":") && other.Host != "" && e.Host != ""
		if other.Name == e.Listener && !bothFamilies {
			return fmt.Sprintf("listener %s is named twice; give the second one another name", e.Listener)
		}
		if other.Port == e.Port && e.Port != 0 && !bothFamilies {
			return fmt.Sprintf("listeners %s and %s have the same port %d; give one of them another", other.Name, e.Listener, e.Port)
		}
	}
	return ""
}

// plaintextInstead is what an endpoint becomes when it gives up its security protocol.
func plaintextInstead(e Endpoint, protocol string) string {
	if e.Listener == protocol {
		e.Listener = "PLAINTEXT"
		return e.String() + " in its place"
	}
	return "it as listener.security.protocol.map=" + e.Listener + ":PLAINTEXT"
}

// completeMap is a listener.security.protocol.map with every listener in it. The whole line is shown because one that is set takes the place of
// the default, with the names in it.
func (c *checker) completeMap(protocols map[string]string) string {
	var entries []string
	if c.values.isStatic("listener.security.protocol.map") {
		entries = splitList(c.values.rawText("listener.security.protocol.map"))
	}
	endpoints, _ := parseEndpoints(c.values.rawText("listeners")) // the caller has parsed them already
	for _, e := range endpoints {
		protocol, known := protocols[e.Listener]
		switch {
		case !known:
			entries = append(entries, e.Listener+":PLAINTEXT")
		case !c.values.isStatic("listener.security.protocol.map"):
			entries = append(entries, e.Listener+":"+protocol)
		}
	}
	return strings.Join(entries, ",")
}

// advertise fills in what clients of each listener are told.
func (c *checker) advertise(open []Listener, controllers map[string]bool) {
	const key = "advertised.listeners"
	if !c.values.has(key) {
		return
	}
	endpoints, err := parseEndpoints(c.values.rawText(key))
	if err != nil {
		c.fail(key, err.Error())
		return
	}
	named := map[string]bool{}
	for _, e := range endpoints {
		if controllers[e.Listener] {
			continue
		}
		at := slices.IndexFunc(open, func(l Listener) bool { return l.Name == e.Listener })
		switch {
		case at < 0:
			c.fail(key, fmt.Sprintf("there is no listener %s; add it to listeners, or name one of: %s", e.Listener, listenerNames(open)))
			return
		case isWildcard(e.Host):
			c.fail(key, fmt.Sprintf("clients cannot connect to %s; name the host or address under which they reach this machine, or delete the key and each client is told the address that it reached", e.Host))
			return
		case named[e.Listener]:
			c.fail(key, fmt.Sprintf("listener %s is advertised twice; keep one of the two", e.Listener))
			return
		}
		named[e.Listener] = true
		for i := range open {
			if open[i].Name == e.Listener {
				open[i].AdvertisedHost, open[i].AdvertisedPort = e.Host, e.Port
			}
		}
	}
}

func listenerNames(open []Listener) string {
	out := make([]string, len(open))
	for i, l := range open {
		out[i] = l.Name
	}
	return strings.Join(out, ", ")
}

// node checks that everything which names nodes names this one alone: two brokers that each believe to be the whole cluster would both take records.
func (c *checker) node() {
	v := c.values
	self := v.staticOr("node.id", "1")
	if id := v.staticOr("broker.id", self); id != self {
		c.fail("broker.id", "it differs from node.id="+self+"; delete broker.id")
	}
	const apart = "clusters of several nodes are not supported yet, and nodes that do not know each other would be separate clusters; name this node alone or delete the key"
	for _, voter := range splitList(v.rawText("controller.quorum.voters")) {
		id, address, ok := strings.Cut(voter, "@")
		if !ok {
			c.fail("controller.quorum.voters", strconv.Quote(voter)+" is not of the form id@host:port; correct or delete the key")
			return
		}
		if _, _, err := splitHostPort(address); err != nil {
			c.fail("controller.quorum.voters", strconv.Quote(voter)+": "+err.Error()+"; correct or delete the key")
			return
		}
		if strings.TrimSpace(id) != self {
			c.fail("controller.quorum.voters", "it names node "+id+", and this is node "+self+": "+apart)
			return
		}
	}
	if servers := splitList(v.rawText("controller.quorum.bootstrap.servers")); len(servers) > 1 {
		c.fail("controller.quorum.bootstrap.servers", "it names several nodes: "+apart)
	}
	roles := splitList(v.rawText("process.roles"))
	if v.isStatic("process.roles") && !slices.Contains(roles, "broker") {
		c.fail("process.roles", "a node that is only a controller is not supported yet; use process.roles=broker,controller")
	}
}

// rawText returns a list or string as it was written, trimmed, without noting that it was read as an effective config.
func (v *Values) rawText(name string) string {
	value, _, _ := v.lookup(name)
	return strings.TrimSpace(value)
}

// effectiveText is rawText for a config that counts as effective.
func (v *Values) effectiveText(name string) string {
	v.read(name)
	return v.rawText(name)
}

// staticOr returns the value of a key when it was set, else the given one.
func (v *Values) staticOr(name, otherwise string) string {
	if s, ok := v.static[name]; ok {
		if d := registry.Lookup(BrokerKind, name); d != nil {
			return d.canonical(s.Value)
		}
	}
	return otherwise
}
