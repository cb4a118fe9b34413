package testneed

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// recorder is a test that notes how it ended.
type recorder struct {
	testing.TB
	ended string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.ended = "failed: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skipf(format string, args ...any) {
	r.ended = "skipped: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Skip(args ...any) { r.Skipf("%s", fmt.Sprint(args...)) }

// ending is how a test with a need ends: empty if it goes on.
func ending(need func(t testing.TB)) string {
	r, done := new(recorder), make(chan struct{})
	go func() {
		defer close(done)
		need(r)
	}()
	<-done
	return r.ended
}

func TestMissing(t *testing.T) {
	for name, test := range map[string]struct {
		need func(t testing.TB)
		want string
	}{
		"program": {
			func(t testing.TB) { Program(t, "package", "no-such-program", "/no/such/program") },
			"missing: no-such-program or /no/such/program in PATH: e2e/setup.sh installs the Debian package package",
		},
		"python": {
			func(t testing.TB) { Python(t, "python3-nothing", "no_such_module") },
			"missing: a Python with the module no_such_module: e2e/setup.sh installs the Debian package python3-nothing",
		},
		"user": {
			func(t testing.TB) { User(t, "package", "no-such-user") },
			"missing: a user no-such-user: e2e/setup.sh installs the Debian package package, which makes it",
		},
		"anything": {
			func(t testing.TB) { Missing(t, "a moon", "wait for the night") },
			"missing: a moon: wait for the night",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("E2E_REQUIRE", "")
			if got := ending(test.need); got != "skipped: "+test.want {
				t.Errorf("%s\nwant it skipped: %s", got, test.want)
			}
			t.Setenv("E2E_REQUIRE", "all")
			if got := ending(test.need); got != "failed: "+test.want {
				t.Errorf("%s\nwant it failed: %s", got, test.want)
			}
		})
	}
}

// TestHere: what every machine has is not missing.
func TestHere(t *testing.T) {
	if got := ending(func(t testing.TB) { _ = Program(t, "none", "no-such-program", "/proc/self/exe", os.Args[0]) }); got != "" {
		t.Error(got)
	}
	if got := ending(func(t testing.TB) { Linux(t, "anything") }); (got == "") != (runtime.GOOS == "linux") {
		t.Error(got)
	}
}

func TestOptIn(t *testing.T) {
	t.Setenv("SOAK", "")
	t.Setenv("SCREENSHOT", "")
	t.Setenv("SCALE", "")
	t.Setenv("E2E_REQUIRE", "all") // which asks for neither
	if Soak() {
		t.Error("it soaks without being asked")
	}
	if got := ending(Screenshot); !strings.HasPrefix(got, "skipped: ") {
		t.Errorf("%q without being asked", got)
	}
	if got := ending(func(t testing.TB) { Scale(t) }); !strings.HasPrefix(got, "skipped: ") {
		t.Errorf("%q without being asked", got)
	}
	t.Setenv("SOAK", "1")
	t.Setenv("SCREENSHOT", "1")
	if !Soak() {
		t.Error("it does not soak when it is asked to")
	}
	if got := ending(Screenshot); got != "" {
		t.Errorf("%q when it is asked to", got)
	}
	t.Setenv("SCALE", "250")
	if got := Scale(t); got != 250 {
		t.Errorf("%d targets", got)
	}
	t.Setenv("SCALE", "many")
	if got := ending(func(t testing.TB) { Scale(t) }); !strings.HasPrefix(got, "failed: SCALE=many") {
		t.Errorf("%q of a word", got)
	}
}
