package config

import "slices"

// What a configuration asks to be protected and is not protected here must not go by unseen. There are two cases. Where Kafka, with the same
// configuration, would keep somebody out, the broker does not start: the checks below, and the one of listeners. Where Kafka would not either, for its
// listeners are PLAINTEXT, but the key speaks of users, encryption or limits, it is a warning of its own kind.

// protecting are the reasons of keys that are there to keep somebody out, or within bounds.
var protecting = []string{noAuthorizer, noPerListener, noQuotas, noRate, noSASL, noTLS, noTokens}

// otherProtections are keys with other reasons that somebody relies on all the same: for a second copy of the data.
var otherProtections = []string{"client.quota.callback.class", "min.insync.replicas", "remote.log.storage.system.enable"}

// warnNoEffect is the warning about a key that does nothing. A key that is set to its default asks for nothing.
func warnNoEffect(s Setting, d *Definition, reason string) Warning {
	w := Warning{Kind: WarnNoEffect, Key: s.Key, Origin: s.Origin, Text: s.Key + " has no effect: " + reason, Reason: reason}
	asks := d == nil || d.Default == null || d.canonical(s.Value) != d.Default
	if asks && (slices.Contains(protecting, reason) || isSecurity(s.Key) || slices.Contains(otherProtections, s.Key)) {
		w.Kind = WarnUnprotected
	}
	return w
}

// Idle says why a broker config that somebody sets does nothing here, "" where it does, and whether he may rely on it for protection.
func Idle(name, value string) (reason string, protects bool) {
	d := registry.Lookup(BrokerKind, name)
	if d == nil || d.NoEffect == "" {
		return "", false
	}
	return d.NoEffect, warnNoEffect(Setting{Key: name, Value: value}, d, d.NoEffect).Kind == WarnUnprotected
}

// protection refuses what would leave open what Kafka would not.
func (c *checker) protection() {
	if c.values.rawText("authorizer.class.name") != "" {
		c.fail("authorizer.class.name", noAuthorizer+", so everybody could read, write and delete everything; delete the key, or start with --override authorizer.class.name= where that is meant")
	}
	const between = "security.inter.broker.protocol"
	if protocol := c.values.rawText(between); protocol != "PLAINTEXT" {
		c.fail(between, protocol+" is not supported yet, so nothing would be encrypted and nobody asked who he is; delete the key, or start with --override "+between+"=PLAINTEXT where that is meant")
	}
}
