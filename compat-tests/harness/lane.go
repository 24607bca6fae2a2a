package harness

import "testing"

// Version is one version of a lane's client.
type Version struct {
	Name    string             // as in the lane's versions.txt
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
// oldest reads what the newest wrote, and the other way round.
func Lane(t *testing.T, versions ...Version) {
	skipShort(t)
	for _, v := range versions {
		if v.Prepare != nil {
			v.Prepare(t) // before any clock runs, and before a broker takes a core
		}
	}
	for _, v := range versions {
		t.Run(v.Name, func(t *testing.T) { runVersion(t, v) })
	}
	if len(versions) > 1 {
		t.Run("cross", func(t *testing.T) { crossScenario(t, versions[0], versions[len(versions)-1]) })
	}
}

func runVersion(t *testing.T, v Version) {
	b := Start(t, segmentSetting)
	started := false
	defer func() {
		if !started {
			writeResult(t, b.Target, v.Name, "start", Failed, "")
		}
	}()
	c := v.Start(t, b)
	started = true
	for _, s := range suite {
		if s.needs != nil {
			if verdict, why := s.needs(t, b, c); verdict != "" {
				writeResult(t, b.Target, v.Name, s.name, verdict, why)
				continue
			}
		}
		Measure(t, b, v.Name, s.name, func(t *testing.T) string { return s.run(t, b, v, c) })
	}
	c.Close(t)
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
