//go:build race

package codec

// raceEnabled: the race detector empties pools at random.
const raceEnabled = true
