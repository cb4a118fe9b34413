package testneed

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strings"
	"testing"
)

// Missing ends the test, since what it needs is not here: it is skipped, or fails
// where everything has to be there. how says how to get it.
func Missing(t testing.TB, what, how string) {
	t.Helper()
	if os.Getenv("E2E_REQUIRE") == "all" {
		t.Fatalf("missing: %s: %s", what, how)
	}
	t.Skipf("missing: %s: %s", what, how)
}

// Program finds a program in PATH under one of its names, which may be paths.
func Program(t testing.TB, debianPackage string, names ...string) (path string) {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Missing(t, strings.Join(names, " or ")+" in PATH", "e2e/setup.sh installs the Debian package "+debianPackage)
	return ""
}

// Python finds a Python that has a module. Debian's modules are for its own Python,
// which another one in PATH may hide.
func Python(t testing.TB, debianPackage, module string) (path string) {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import "+module).Run() == nil {
			return name
		}
	}
	Missing(t, "a Python with the module "+module, "e2e/setup.sh installs the Debian package "+debianPackage)
	return ""
}

// User finds the user whom a Debian package makes.
func User(t testing.TB, debianPackage, name string) *user.User {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		Missing(t, "a user "+name, "e2e/setup.sh installs the Debian package "+debianPackage+", which makes it")
	}
	return u
}

// Linux is for what only Linux has.
func Linux(t testing.TB, what string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		Missing(t, what, "run the test on Linux, this is "+runtime.GOOS)
	}
}

// IPv6 is for tests that listen on ::1.
func IPv6(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		Missing(t, "IPv6 on loopback ("+err.Error()+")", "set net.ipv6.conf.lo.disable_ipv6 to 0, in a container with --sysctl")
		return
	}
	_ = l.Close() // it was only a try
}

// Namespaces is for tests that make network namespaces. It makes one to see.
func Namespaces(t testing.TB) {
	t.Helper()
	if err := tryNamespace(); err != nil {
		Missing(t, "the right to make a network namespace ("+err.Error()+")",
			"run the test as root on Linux, in a container with --cap-add=SYS_ADMIN,NET_ADMIN")
	}
}
