package harness

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// StartServer runs a program in the foreground and waits for its port. When the test
// ends it is interrupted, so that what it has started ends with it.
func StartServer(t *testing.T, address, program string, args ...string) {
	t.Helper()
	p := Start(t, program, exec.Command(program, args...))
	t.Cleanup(func() {
		_ = p.Cmd.Process.Signal(os.Interrupt) // it may have ended already
		select {
		case <-p.Done:
		case <-time.After(5 * time.Second): // Start kills it
		}
	})
	Await(t, StartLimit, program+" listens at "+address, func() error {
		select {
		case <-p.Done:
			t.Fatalf("%s has ended: %v", program, p.Err)
		default:
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return fmt.Errorf("connecting: %w", err)
		}
		return conn.Close()
	})
}
