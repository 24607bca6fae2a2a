package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"syscall"
	"testing"
)

func TestSignals(t *testing.T) {
	// Given a process that listens for signals.
	forced := make(chan os.Signal, 1)
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	ctx, stop := stopSignals(context.Background(), logger, func(s os.Signal) { forced <- s })
	defer stop()
	if ctx.Err() != nil {
		t.Fatal("stopped before any signal")
	}
	// When the first signal comes, then the context ends.
	kill(t, syscall.SIGTERM)
	<-ctx.Done()
	// When the second one comes, then the end is forced.
	kill(t, syscall.SIGINT)
	if s := <-forced; s != syscall.SIGINT {
		t.Errorf("got %v", s)
	}
}

func kill(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		t.Fatal(err)
	}
}
