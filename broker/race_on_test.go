//go:build race

package broker

// raceDetector: sync.Pool drops things at random under the race detector, so allocations mean nothing.
const raceDetector = true
