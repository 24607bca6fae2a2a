package broker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/sordini/sordini/broker/config"
	"github.com/sordini/sordini/storage/vfs"
)

// The port of HTTP was bound and nobody answered there until every log was recovered, so that a probe ran into its time-out.
func TestProbesAreAnsweredWhileLogsAreRecovered(t *testing.T) {
	// Given a broker with a log, whose opening takes as long as the test likes.
	dir := t.TempDir()
	first := startServer(t, dir)
	produce(t, first, "orders", 0, 3)
	first.stop()
	reached, goOn := make(chan struct{}, 8), make(chan struct{}) // room for a segment's further openings
	fsys := vfs.Hook(vfs.OS, func(op vfs.Op) error {
		if op.Kind == vfs.OpOpen && strings.Contains(op.Path, "orders-0") {
			reached <- struct{}{}
			<-goOn
		}
		return nil
	})
	values, _, err := config.New(config.Options{DataDir: dir}, config.Layer{{Key: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Key: "sordini.http.address", Value: "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Config: values, Logger: slog.New(slog.DiscardHandler), FS: fsys})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-reached
	// When it is at that, then it says so; when it is ready, then it says that.
	for path, want := range map[string]string{"/livez": "200 ok", "/health": "200 ok", "/readyz": "503 starting", "/-/ready": "503 starting", "/metrics": "503 starting", "/clients": "200 []"} {
		if got := get(t, s, path); got != want {
			t.Errorf("%s while logs are opened: %s", path, got)
		}
	}
	close(goOn)
	<-s.Ready()
	for _, path := range []string{"/readyz", "/metrics"} {
		if got := get(t, s, path); !strings.HasPrefix(got, "200 ") {
			t.Errorf("%s of a broker that is ready: %s", path, got)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, s *Server, path string) string {
	t.Helper()
	answer, err := http.Get("http://" + s.http.address() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", answer.StatusCode, strings.TrimSpace(string(body)))
}
