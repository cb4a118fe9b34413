package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// ask runs a command of the program in a directory with a broken configuration file,
// which commands that ask an exporter must not mind.
func ask(t *testing.T, exporterURL string, args ...string) (exitCode int, output string) {
	t.Helper()
	cmd := exec.Command(harness.Program(), args...)
	cmd.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cmd.Dir, "health_exporter.yml"), []byte("wat: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "HEALTH_EXPORTER_URL="+exporterURL)
	out, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestExitCodesOfCommands(t *testing.T) {
	t.Parallel()
	e := harness.StartExporter(t, "")
	at, nobody := "http://"+e.Address, "http://"+testport.Reserve(t)
	e.MustCall(t, http.MethodPost, "/api/v1/targets", harness.Registration("sick", "http://127.0.0.1:9", ""), nil, http.StatusCreated)
	steps := []struct {
		url  string
		args string
		code int
		says string
	}{
		{nobody, "status", 3, "HEALTH UNKNOWN - nothing listens at"},
		{nobody, "targets list", 1, "is the exporter running?"},
		{at, "status --no-such-flag", 3, "HEALTH UNKNOWN - unknown long flag"},
		{at, "status --state ill", 3, "HEALTH UNKNOWN - "},
		{at, "targets list --no-such-flag", 2, "no-such-flag"},
		{at, "targets pause", 2, "name"},
		{at, "targets dance", 2, "dance"},
		{at, "targets add a b --interval soon", 2, "--interval must be whole seconds"},
		{at, "completion tcsh", 2, "tcsh"},
		{at, "status", 1, "HEALTH WARNING - 1 unknown"},
		{at, "targets probe sick", 1, "FAIL"},
		{at, "status", 1, "HEALTH WARNING - 1 degraded"},
		{at, "targets probe sick", 1, "UNHEALTHY"},
		{at, "status", 2, "HEALTH CRITICAL - 1 unhealthy (sick)"},
		{at, "status --json", 2, `"status": "CRITICAL"`},
		{at, "targets pause sick", 0, "paused sick"},
		{at, "status", 0, "HEALTH OK - 1 paused"},
		{at, "targets list", 0, "PAUSED"},
		{at, "targets remove well", 1, `there is no target "well"`},
	}
	for _, s := range steps {
		code, output := ask(t, s.url, strings.Fields(s.args)...)
		if code != s.code || !strings.Contains(output, s.says) || strings.Contains(output, "\x1b") {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s", s.args, code, s.code, s.says, output)
		}
	}
}

// TestCompletion has bash itself complete, names with spaces among others.
func TestCompletion(t *testing.T) {
	t.Parallel()
	bash := testneed.Program(t, "bash", "bash")
	e := harness.StartExporter(t, "")
	for _, app := range []string{"web shop", "web cache", "nas"} {
		e.MustCall(t, http.MethodPost, "/api/v1/targets", harness.Registration(app, "http://127.0.0.1:9", ""), nil, http.StatusCreated)
	}
	script := fmt.Sprintf(`source <(%[1]s completion bash)
complete_words() { COMP_WORDS=(%[1]s "$@"); COMP_CWORD=$#; _health_exporter; (IFS='|'; echo "${COMPREPLY[*]}"); }
complete_words stat
complete_words targets re
complete_words targets pause ''
complete_words targets pause 'web\ s'
complete_words targets history we
complete_words status --app n
complete_words status --state un
complete_words completion ''
`, harness.Program())
	cmd := exec.Command(bash, "--norc", "-c", script)
	cmd.Env = append(os.Environ(), "HEALTH_EXPORTER_URL=http://"+e.Address)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := `status
remove|resume
nas|web\ cache|web\ shop
web\ shop
web\ cache|web\ shop
nas
unhealthy|unknown
bash|fish|zsh
`
	if string(out) != want {
		t.Errorf("bash completes\n%s\nwant\n%s", out, want)
	}
}

// TestPrometheusReadsWithAToken is for those who close reading: without the token
// nothing is read, and Prometheus has it in a file.
func TestPrometheusReadsWithAToken(t *testing.T) {
	t.Parallel()
	prometheusProgram := testneed.Program(t, "prometheus", "prometheus")
	dir := t.TempDir()
	token := filepath.Join(dir, "prometheus.token")
	secret := strings.Repeat("only-reading", 2)
	if err := os.WriteFile(token, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	e := harness.StartExporter(t, fmt.Sprintf(`
registration: {tokens: [{name: prometheus, token_file: %q, rights: [read]}]}
access: {read: token, debug: local}
`, token))
	prometheus := testport.Reserve(t)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs:
- {job_name: with, static_configs: [{targets: [%[1]q]}], authorization: {credentials_file: %[2]q}}
- {job_name: without, static_configs: [{targets: [%[1]q]}]}
`, e.Address, token)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(prometheusProgram, "--config.file=prometheus.yml", "--web.listen-address="+prometheus, "--storage.tsdb.path="+dir+"/tsdb")
	cmd.Dir = dir
	harness.Start(t, "prometheus", cmd).AwaitReady(t, "http://"+prometheus+"/-/ready")
	up := func(job string) (value string) {
		var answer struct {
			Data struct{ Result []struct{ Value []any } }
		}
		page := harness.Get(t, "http://"+prometheus+"/api/v1/query?query="+url.QueryEscape(`up{job="`+job+`"}`))
		if err := json.Unmarshal([]byte(page), &answer); err != nil {
			t.Fatal(err)
		}
		for _, r := range answer.Data.Result {
			value, _ = r.Value[1].(string)
		}
		return value
	}
	harness.Await(t, harness.StartLimit, "both were scraped", func() error {
		if with, without := up("with"), up("without"); with != "1" || without != "0" {
			return fmt.Errorf("up is %q with the token and %q without", with, without)
		}
		return nil
	})
	if strings.Contains(e.Log.String(), secret) {
		t.Error("the token is in the log")
	}
	for _, test := range []struct {
		args string
		code int
	}{{"status", 3}, {"status --token-file " + token, 1}, {"targets add a http://10.0.0.1 --token-file " + token, 1}} {
		if code, output := ask(t, "http://"+e.Address, strings.Fields(test.args)...); code != test.code {
			t.Errorf("%s: exit code %d, want %d\n%s", test.args, code, test.code, output)
		}
	}
}
