package harness

import "testing"

// Lane is the whole test of a lane whose clients are agents: each version passes the suite on a broker of its own, and then
// the oldest reads what the newest wrote, and the other way round. Two programs never run at once.
func Lane(t *testing.T, versions []string) {
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			b := Start(t)
			a := StartAgent(t, b, "./run.sh", version)
			Suite(t, b, a)
			a.Close(t)
		})
	}
	if len(versions) > 1 {
		t.Run("cross", func(t *testing.T) { crossScenario(t, versions[0], versions[len(versions)-1]) })
	}
}

// crossScenario: each of two versions reads the other's records, in every codec and with every acks that both have.
func crossScenario(t *testing.T, oldest, newest string) {
	b := Start(t)
	with := func(version string, do func(c Client)) {
		a := StartAgent(t, b, "./run.sh", version)
		do(a)
		a.Close(t)
	}
	var old, recent []Written
	with(oldest, func(c Client) { old = WriteAll(t, b, c, "by-"+oldest) })
	with(newest, func(c Client) {
		ReadAll(t, c, old)
		recent = WriteAll(t, b, c, "by-"+newest)
	})
	b.Restart(t, Graceful)
	with(oldest, func(c Client) { ReadAll(t, c, recent) })
}
