package broker

import (
	"errors"
	"testing"
	"time"
)

// within asks until there is no error any more: for what happens on a goroutine of the broker that tells nobody. Ten seconds are enough for
// anything that a test waits for.
func within(t *testing.T, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// until is within for what is true or not.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	within(t, func() error {
		if holds() {
			return nil
		}
		return errors.New("not within ten seconds: " + what)
	})
}
