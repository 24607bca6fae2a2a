package harness

import "testing"

// Version is one version of a lane's client.
type Version struct {
	Name    string
	Prepare func(t testing.TB) // fetches and checks what the client needs; may be nil
	Start   func(t testing.TB, b *Broker) Client
}

// Agents are versions that "command NAME BOOTSTRAP" starts.
func Agents(command string, names ...string) []Version {
	var versions []Version
	for _, name := range names {
		start := func(t testing.TB, b *Broker) Client { return StartAgent(t, b, command, name) }
		prepare := func(t testing.TB) { prepareAgent(t, command, name) }
		versions = append(versions, Version{Name: name, Prepare: prepare, Start: start})
	}
	return versions
}

// Lane is the whole test of a lane: each version, oldest first, passes the suite on a broker of its own, and then the
// oldest reads what the newest wrote, and the other way round. Two client programs never run at once.
func Lane(t *testing.T, versions ...Version) {
	skipShort(t)
	for _, v := range versions {
		if v.Prepare != nil {
			v.Prepare(t) // before any clock runs, and before a broker takes a core
		}
	}
	for _, v := range versions {
		t.Run(v.Name, func(t *testing.T) {
			b := Start(t, segmentSetting)
			c := v.Start(t, b)
			Suite(t, b, c)
			c.Close(t)
		})
	}
	if len(versions) > 1 {
		t.Run("cross", func(t *testing.T) { crossScenario(t, versions[0], versions[len(versions)-1]) })
	}
}

// crossScenario: each of two versions reads the other's records, in every codec and with every acks that both have.
func crossScenario(t *testing.T, oldest, newest Version) {
	b := Start(t)
	with := func(v Version, do func(c Client)) {
		c := v.Start(t, b)
		do(c)
		c.Close(t)
	}
	var old, recent []Written
	with(oldest, func(c Client) { old = WriteAll(t, b, c, "by-"+oldest.Name) })
	with(newest, func(c Client) {
		ReadAll(t, c, old)
		recent = WriteAll(t, b, c, "by-"+newest.Name)
	})
	b.Restart(t, Graceful)
	with(oldest, func(c Client) { ReadAll(t, c, recent) })
}
