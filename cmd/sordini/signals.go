package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// stopSignals returns a context that ends with the first SIGTERM or SIGINT. The second one calls now, for somebody who does not want to wait.
// The returned function ends the listening.
func stopSignals(parent context.Context, logger *slog.Logger, now func(os.Signal)) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	received := make(chan os.Signal, 2) // both signals may come before either is handled
	signal.Notify(received, syscall.SIGTERM, syscall.SIGINT)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for count := 1; ; count++ {
			s, ok := <-received
			switch {
			case !ok:
				return
			case count == 1:
				logger.Info("stopping; a second signal stops at once", "signal", s.String())
				cancel()
			default:
				now(s)
			}
		}
	}()
	return ctx, func() {
		signal.Stop(received)
		close(received)
		<-done
		cancel()
	}
}

// exitNow ends the process with the code that shells use for the signal. The log is recovered at the next start.
func exitNow(s os.Signal) {
	code := exitFailed
	if number, ok := s.(syscall.Signal); ok {
		code = 128 + int(number)
	}
	os.Exit(code)
}
