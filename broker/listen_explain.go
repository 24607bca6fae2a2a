package broker

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// explainListen says why an address cannot be listened on, and what to do.
func explainListen(err error, host string, port int32) error {
	var lookup *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("the port is in use%s; stop that process or listen on another port", portHolder(int(port)))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is no address of this machine, whose addresses are %s; listen on one of them, or without a host on all (:%d); what clients are told stands in advertised.listeners",
			host, strings.Join(ownAddresses(), ", "), port)
	case errors.Is(err, syscall.EACCES):
		return errors.New("this process may not listen there; ports below 1024 need a privilege: listen on another port")
	case errors.As(err, &lookup):
		return fmt.Errorf("the name %s is not known; correct it, or listen without a host on all addresses (:%d)", host, port)
	}
	return err
}

// maxShownAddresses bounds how many addresses a message lists.
const maxShownAddresses = 8

// ownAddresses are the addresses of this machine's interfaces.
func ownAddresses() []string {
	var shown []string
	addresses, _ := net.InterfaceAddrs() // without them the message is shorter
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() && len(shown) < maxShownAddresses {
			shown = append(shown, n.IP.String())
		}
	}
	return shown
}
