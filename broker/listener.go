package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/sordini/sordini/broker/config"
)

// listener accepts connections on one of the configured listeners.
type listener struct {
	name  string
	cfg   config.Listener
	tcp   *net.TCPListener
	local net.TCPAddr
}

// openListener binds the address. It is done before anything on the disk is touched.
func openListener(cfg config.Listener) (*listener, error) {
	address := net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listener %s://%s: %w", cfg.Name, address, explainListen(err, cfg.Host, cfg.Port))
	}
	tcp := l.(*net.TCPListener)
	return &listener{name: cfg.Name, cfg: cfg, tcp: tcp, local: *tcp.Addr().(*net.TCPAddr)}, nil
}

// String shows the listener as in the `listeners` config, with the port that was given to it.
func (l *listener) String() string {
	return l.name + "://" + net.JoinHostPort(l.cfg.Host, fmt.Sprint(l.local.Port))
}

// advertised returns the address under which a client that reached localHost:localPort finds this broker. Where nothing is
// advertised, it is the address that it has reached already: right for the loopback, for every interface, and through a forwarded address.
func (l *listener) advertised(localHost string) (host string, port int32) {
	host, port = l.cfg.AdvertisedHost, l.cfg.AdvertisedPort
	if host == "" {
		host = localHost
	}
	if port == 0 {
		port = int32(l.local.Port)
	}
	return host, port
}

// advertisedText is what the start block shows.
func (l *listener) advertisedText() string {
	if l.cfg.AdvertisedHost == "" && l.cfg.Host == "" {
		return l.name + "://<the address a client reached>:" + fmt.Sprint(l.local.Port)
	}
	host, port := l.advertised(l.cfg.Host)
	return l.name + "://" + net.JoinHostPort(host, fmt.Sprint(port))
}

const (
	acceptPause    = 5 * time.Millisecond // after a failed accept (no descriptors): doubles up to the maximum
	acceptPauseMax = time.Second
)

// accept takes connections until the listener is closed.
func (s *Server) accept(ctx context.Context, l *listener, conns *sync.WaitGroup) error {
	pause := acceptPause
	for {
		nc, err := l.tcp.AcceptTCP()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
				return nil
			}
			s.logger.Warn("accept failed", "listener", l.name, "error", err, "pause", pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil
			}
			pause = min(2*pause, acceptPauseMax)
			continue
		}
		pause = acceptPause
		s.admit(l, nc, conns)
	}
}

// admit starts a connection's goroutine, unless a limit is reached: then the connection is closed at once, as in Kafka.
func (s *Server) admit(l *listener, nc *net.TCPConn, conns *sync.WaitGroup) {
	s.metrics.ConnectionsAccepted.Add(1)
	host := hostOf(nc)
	c, err := newConn(s, l, nc, s.nextConnID.Add(1))
	if err == nil {
		if err = s.table.add(c, host); err != nil {
			c.close() // not only the socket: its contexts hang on the server's
		}
	}
	if err != nil {
		s.metrics.ConnectionsRefused.Add(1)
		s.logger.Debug("connection refused", "remote", host, "reason", err)
		_ = nc.Close()
		return
	}
	if s.drainCtx.Err() != nil {
		c.drain() // it came between the end of the listener and the look at the table
	}
	conns.Go(func() {
		c.serve()
		s.table.remove(c, host)
	})
}

func hostOf(nc *net.TCPConn) string {
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return a.IP.String()
	}
	return ""
}
