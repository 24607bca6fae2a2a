//go:build race

package protocol

// raceEnabled: the race detector changes what is allocated.
const raceEnabled = true
