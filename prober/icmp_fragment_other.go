//go:build !linux

package prober

import (
	"errors"
	"net"
)

const canForbidFragments = false

func forbidFragments(net.PacketConn) error { return errors.ErrUnsupported }
