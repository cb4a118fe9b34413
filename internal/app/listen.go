package app

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// listen opens the listeners, so that a taken port is found before anything else
// happens. With systemd's sockets, or vsock, it leaves that to exporter-toolkit.
func (s *serving) listen() ([]net.Listener, error) {
	if s.leftToToolkit() {
		return nil, nil
	}
	var listeners []net.Listener
	for _, address := range s.opts.listenAddresses() {
		l, err := net.Listen("tcp", address)
		if err != nil {
			for _, open := range listeners {
				open.Close()
			}
			return nil, listenError(address, err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func (s *serving) leftToToolkit() bool {
	if s.opts.Web.WebSystemdSocket != nil && *s.opts.Web.WebSystemdSocket {
		return true
	}
	for _, address := range s.opts.listenAddresses() {
		if strings.HasPrefix(address, "vsock://") {
			return true
		}
	}
	return false
}

func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s: the port is taken; is another health_exporter running? "+
			"Choose another port with --web.listen-address", address)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot listen on %s: not permitted; choose a port above 1023 with --web.listen-address", address)
	}
	return fmt.Errorf("cannot listen on %s: %w; see --web.listen-address", address, err)
}
