package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/internal/cli"
)

// TestEveryFlag gives each flag of every command a value that is not allowed: on the
// command line, and by its environment variable. The error names the flag, where it came
// from, the value and what is allowed. Whoever adds a flag adds it here.
func TestEveryFlag(t *testing.T) {
	anything := []string{ // texts, of which any may be meant
		"config.file", "storage.path", "gmail_token", "web.config.file", "web.systemd-socket",
		"probe --module", "probe --hostname", "rules --dir", "--url", "--token", "--token-file", "--ca-file",
		"--group", "--app", "--address", "--email", "--module", "--depends-on", "--valid-status-codes", "--valid-status-code", "discover --type",
	}
	allowed := map[string]string{
		"storage.on-corruption": "must be one of restore, fail, not", "timeout-offset": "must be a number of seconds from 0 to 3600, not",
		"config.auto-reload-interval": "must be a whole number from 1 to 86400, not", "history.limit": "must be a whole number from 0 to 1000000, not",
		"log.prober": "must be one of debug, info, warn, error, none, not", "probe.max-in-flight": "must be a whole number from 0 to 1000000, not",
		"probe.user-agent": "must be printable ASCII", "web.drain-delay": "must be a duration such as 5s or 1m, not",
		"web.max-adhoc-probes": "must be a whole number from 1 to 1000000, not", "web.external-url": "must be a URL such as https://example.org/health/, not",
		"web.route-prefix": "must be a path such as /health, not", "web.listen-address": "must be host:port or :port, such as", "bind_addr": "must be an address",
		"port": "must be a whole number from 0 to 65535, not", "log.level": "must be one of debug, info, warn, error, not", "log.format": "must be one of logfmt, json, not",
		"timeout": "such as", "request-timeout": "must be a duration such as 5s or 1m, not", "limit": "must be a whole number from 1 to 100, not",
		"state": "must be one of unhealthy, degraded, unknown, healthy, maintenance, paused, not", "label": "expected KEY=VALUE",
		"interval": "must be whole seconds", "initial-delay": "must be whole seconds", "ttl": "must be whole seconds",
		"unhealthy": "must be a whole number, not", "healthy": "must be a whole number, not", "degraded-after": "must be a whole number, not",
	}
	const bad = " ?bad value\x01"
	commands := map[string][]string{"": nil, "probe": {"probe", "x"}, "status": {"status"}, "targets list": {"targets", "list"}, "targets add": {"targets", "add", "a", "b"}, "targets history": {"targets", "history", "a"}, "targets pause": {"targets", "pause", "a"}, "discover": {"discover"}, "registry dump": {"registry", "dump"}, "registry load": {"registry", "load"}, "rules": {"rules", "--dir=x"}}
	tried := 0
	for command, args := range commands {
		k, _ := commandLine()
		for flag, takes := range valued(k, command) {
			name := strings.TrimPrefix(flag, "--")
			want, known := allowed[name]
			switch {
			case len(flag) == 2 || name == "help" || name == "version" || slices.Contains([]string{"help-long", "help-man", "completion-bash", "completion-script-bash", "completion-script-zsh"}, name):
				continue
			case slices.Contains(anything, name) || slices.Contains(anything, flag) || slices.Contains(anything, command+" "+flag):
				continue
			case !takes:
				want = "must be true or false, not"
			case !known:
				t.Errorf("%s %s: not tested", command, flag)
				continue
			}
			tried++
			if takes {
				err := valueFaults(append(slices.Clone(args), flag+"="+bad))
				if err == nil || !strings.HasPrefix(err.Error(), flag+" ") || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `bad value\x01"`) || strings.Count(err.Error(), flag) != 1 {
					t.Errorf("%s %s: %v, want %s", command, flag, err, want)
				}
			}
			variable := ""
			for _, f := range k.Model().Flags {
				if f.Name == name {
					variable = f.Envar
				}
			}
			if variable == "" || command != "" {
				continue
			}
			t.Setenv(variable, bad)
			err := valueFaults(args)
			if err == nil || !strings.HasPrefix(err.Error(), flag+" (from the environment variable "+variable+") ") || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `bad value\x01"`) {
				t.Errorf("%s: %v, want %s", variable, err, want)
			}
			if code := run([]string{"--config.check"}); code != 2 {
				t.Errorf("%s: exit code %d", variable, code)
			}
			if err := os.Unsetenv(variable); err != nil {
				t.Fatal(err)
			}
		}
	}
	if tried < 60 {
		t.Errorf("only %d flags", tried)
	}
}

func TestAllValuesAtOnce(t *testing.T) {
	t.Setenv("HEALTH_EXPORTER_LOG_LEVEL", "loud")
	t.Setenv("HEALTH_EXPORTER_LOG_FORMAT", "xml")
	err := valueFaults([]string{"-p", "x", "--web.listen-address=:1", "--web.listen-address=foo", "--log.format=json"})
	const want = `--port must be a whole number from 0 to 65535, not "x"
--web.listen-address must be host:port or :port, such as 127.0.0.1:10115, with a port from 0 to 65535, not "foo"
--log.level (from the environment variable HEALTH_EXPORTER_LOG_LEVEL) must be one of debug, info, warn, error, not "loud"`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestUnknownFlags(t *testing.T) {
	for flag, want := range map[string]string{
		"--debug=maybe": `--debug takes no value, not "maybe"; write --debug, or --no-debug`, "statsu": `unexpected statsu; did you mean "status"?`,
		"--web.listen-adress=:1": `did you mean "--web.listen-address"?`, "--confg.file=x": `did you mean "--config.file"?`, "--xyzzyxyzzy": "'--xyzzyxyzzy'",
	} {
		k, _ := commandLine()
		_, err := k.Parse([]string{flag})
		if err = parseFault(err, []string{flag}); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s", flag, err)
		}
	}
}

// TestWhereToListen: of what is given in the same place, neither is dropped silently.
func TestWhereToListen(t *testing.T) {
	for _, test := range []struct {
		name string
		env  map[string]string
		file string
		args []string
		want string // what is listened on, or a part of the error
	}{
		{"both on the command line", nil, "", []string{"--bind_addr=127.0.0.9", "--web.listen-address=:3"}, "--bind_addr and --web.listen-address (:3) both say where to listen"},
		{"the port on the command line", nil, "", []string{"-p", "7", "--web.listen-address=:3"}, "--port and --web.listen-address"},
		{"test on the command line", nil, "", []string{"-t", "--web.listen-address=:3"}, "--test and --web.listen-address"},
		{"both in the environment", map[string]string{"PORT": "7", "WEB_LISTEN_ADDRESS": ":3"}, "", nil, "--port and --web.listen-address"},
		{"both in the file", nil, "options: {port: 7, web.listen-address: ':3'}", nil, "--port and --web.listen-address"},
		{"the command line wins", map[string]string{"WEB_LISTEN_ADDRESS": ":3"}, "", []string{"-p7"}, ":7"},
		{"the command line wins over the short form", map[string]string{"PORT": "7"}, "", []string{"--web.listen-address=:3"}, ":3"},
		{"the environment wins", map[string]string{"BIND_ADDR": "127.0.0.9"}, "options: {web.listen-address: ':3'}", nil, "127.0.0.9:10115"},
		{"the environment wins over the short form", map[string]string{"WEB_LISTEN_ADDRESS": ":3"}, "options: {port: 7}", nil, ":3"},
		{"never more than --test", map[string]string{"TEST": "true"}, "", []string{"--web.listen-address=:3"}, "--test and --web.listen-address"},
		{"no test", map[string]string{"TEST": "false"}, "", []string{"--web.listen-address=:3"}, ":3"},
		{"one of them", nil, "options: {port: 7}", nil, ":7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv("HEALTH_EXPORTER_"+name, value)
			}
			file := filepath.Join(t.TempDir(), "c.yml")
			if err := os.WriteFile(file, []byte(test.file+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append(test.args, "--config.file="+file)
			_, options, err := fileOptions(args)
			if err != nil {
				t.Fatal(err)
			}
			k, f := commandLine()
			if faults := applyFileOptions(k, options); len(faults) > 0 {
				t.Fatal(faults)
			}
			if _, err := k.Parse(args); err != nil {
				t.Fatal(err)
			}
			var got string
			if err := f.apply(cli.Origins(k, args, options)); err != nil {
				got = err.Error()
			} else {
				got = strings.Join(*f.web.WebListenAddresses, " ")
			}
			if got != test.want && !(strings.HasPrefix(test.want, "--") && strings.HasPrefix(got, test.want)) {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// TestReloadedOptions are held to what those of the start are.
func TestReloadedOptions(t *testing.T) {
	args := []string{"--log.level=warn"}
	t.Setenv("HEALTH_EXPORTER_HISTORY_LIMIT", "5")
	inForce := func(options map[string]string) func(map[string]string) (map[string]string, []string) {
		k, f := commandLine()
		applyFileOptions(k, options)
		if _, err := k.Parse(args); err != nil {
			t.Fatal(err)
		}
		origins := cli.Origins(k, args, options)
		if err := f.apply(origins); err != nil {
			t.Fatal(err)
		}
		return reloadedOptions(args, cli.Settings(k, origins))
	}(map[string]string{"timeout-offset": "2", "web.listen-address": ":1"})
	for _, test := range []struct {
		options map[string]string
		faults  map[string]string
		restart string
	}{
		{map[string]string{"timeout-offset": "2", "web.listen-address": ":1"}, nil, ""},
		{map[string]string{"timeout-offset": "2.0", "web.listen-address": ":1"}, nil, ""},
		{map[string]string{"timeout-offset": "3", "web.listen-address": ":1"}, nil, "timeout-offset"},
		{map[string]string{"zeroconf": "false"}, nil, "timeout-offset zeroconf web.listen-address"},
		{map[string]string{"timeout-offset": "2", "web.listen-address": ":1", "log.level": "debug", "history.limit": "7"}, nil, ""},
		{map[string]string{"timeout-offset": "x", "log.levl": "debug"}, map[string]string{
			"timeout-offset": `must be a number of seconds from 0 to 3600, not "x"`,
			"log.levl":       `unknown option; did you mean "log.level"?; health_exporter --help lists what there is`,
		}, ""},
		{map[string]string{"port": "7", "web.listen-address": ":1"}, map[string]string{"": "--port and --web.listen-address (:1) both say where to listen; give one of them"}, ""},
		{map[string]string{"web.listen-address": "foo"}, map[string]string{"web.listen-address": `must be host:port or :port, such as 127.0.0.1:10115, with a port from 0 to 65535, not "foo"`}, ""},
	} {
		faults, restart := inForce(test.options)
		if !maps.Equal(faults, test.faults) || strings.Join(restart, " ") != test.restart {
			t.Errorf("%v: faults %q, restart %q", test.options, faults, restart)
		}
	}
}
