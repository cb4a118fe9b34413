package prober

import (
	"errors"
	"net"
	"syscall"
)

const canForbidFragments = true

// forbidFragments sets the bit that forbids to split the packets of a socket.
// They go out whatever is known about the path, for that is what is probed.
func forbidFragments(conn net.PacketConn) error {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return errors.New("no socket")
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var option error
	if err := raw.Control(func(fd uintptr) {
		option = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, syscall.IP_PMTUDISC_PROBE)
	}); err != nil {
		return err
	}
	return option
}
