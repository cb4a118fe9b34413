package connections

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// gone reports whether the other side has closed a connection. Unlike reading it sees
// that past what is still to be read.
func gone(conn net.Conn) bool {
	raw, ok := plain(conn).(syscall.Conn)
	if !ok {
		return false
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	closed := false
	err = control.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(fds, 0)
		closed = err == nil && n > 0 && fds[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	})
	return err == nil && closed
}
