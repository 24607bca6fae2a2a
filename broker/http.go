package broker

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// httpServer answers health checks and metrics on sordini.http.address. A nil httpServer serves nothing.
type httpServer struct{ l net.Listener }

// openHTTP binds the address; "" binds none.
func openHTTP(address string) (*httpServer, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		host, port, _ := net.SplitHostPort(address)
		n, _ := strconv.ParseInt(port, 10, 32)
		return nil, fmt.Errorf("sordini.http.address=%s: %w; an empty sordini.http.address serves no health and metrics", address, explainListen(err, host, int32(n)))
	}
	return &httpServer{l}, nil
}

func (h *httpServer) address() string {
	if h == nil {
		return ""
	}
	return h.l.Addr().String()
}

func (h *httpServer) close() {
	if h != nil {
		_ = h.l.Close()
	}
}

const (
	httpHeaderTimeout = 5 * time.Second
	httpWriteTimeout  = 30 * time.Second
	httpIdleTimeout   = time.Minute
	httpStopTimeout   = time.Second
)

// serve answers until ctx ends.
func (h *httpServer) serve(ctx context.Context, s *Server) error {
	if h == nil {
		<-ctx.Done()
		return nil
	}
	server := &http.Server{Handler: s.httpHandler(), ReadHeaderTimeout: httpHeaderTimeout, WriteTimeout: httpWriteTimeout, IdleTimeout: httpIdleTimeout}
	done := make(chan error, 1) // one result
	go func() { done <- server.Serve(h.l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.Background(), httpStopTimeout)
	defer cancel()
	if server.Shutdown(stop) != nil {
		_ = server.Close() // whoever did not finish in time
	}
	<-done
	return nil
}

func (s *Server) httpHandler() http.Handler {
	mux := http.NewServeMux()
	alive := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }
	ready := func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-s.ready:
		default:
			http.Error(w, notReady, http.StatusServiceUnavailable)
			return
		}
		for _, d := range s.dirs {
			if err := d.Failure(); err != nil {
				http.Error(w, fmt.Sprintf("log directory %s is offline: %v", d.Path(), err), http.StatusServiceUnavailable)
				return
			}
		}
		fmt.Fprintln(w, "ok")
	}
	for _, path := range []string{"/livez", "/health", "/healthz", "/-/healthy"} {
		mux.HandleFunc("GET "+path, alive)
	}
	for _, path := range []string{"/readyz", "/-/ready"} {
		mux.HandleFunc("GET "+path, ready)
	}
	mux.HandleFunc("GET /clients", s.listClients)
	mux.Handle("GET /metrics", s.whenReady(promhttp.HandlerFor(s.registry(), promhttp.HandlerOpts{MaxRequestsInFlight: 4})))
	return mux
}

// whenReady keeps a handler from logs that are not open yet.
func (s *Server) whenReady(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-s.ready:
			h.ServeHTTP(w, r)
		default:
			http.Error(w, notReady, http.StatusServiceUnavailable)
		}
	})
}

// notReady is said while logs are opened and recovered.
const notReady = "starting"

func (s *Server) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{s})
	return r
}
