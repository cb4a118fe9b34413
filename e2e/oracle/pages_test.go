package oracle

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// oraclePage is a request that is not a plain probe.
type oraclePage struct {
	method, path string
	// has are regular expressions that both answers match.
	has []string
	// differs is why our status is another one than blackbox_exporter's.
	differs string
	from    int // the first 0.x of blackbox_exporter that has it
}

// TestOraclePages compares the other pages: their statuses, and what a reader or a
// program looks for in them.
func TestOraclePages(t *testing.T) {
	t.Parallel()
	program := testneed.Program(t, "prometheus-blackbox-exporter", "blackbox_exporter", "prometheus-blackbox-exporter")
	oracle := oracleVersion(t, program)
	web := serveHTTP(t, "127.0.0.1:0", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
	config := "modules:\n  http_2xx:\n    prober: http\n    timeout: 5s\n    http:\n      basic_auth:\n        username: ann\n        password: secret\n"
	ours := harness.StartExporter(t, config).Address
	theirs := startOracle(t, program, config)
	target := url.QueryEscape(web.URL)
	threeParts := []string{
		`(?s)^Logs for the probe:\n.*\n\n\nMetrics that would have been returned:\n.*\n\n\nModule configuration:\nprober: http\n`,
		`(?m)^# HELP probe_success Displays whether or not the probe was a success$`, `(?m)^probe_success 1$`,
		`(?m)^ +password: <secret>$`, `(?m)^timeout: 5s$`,
	}
	pages := []oraclePage{
		{"GET", "/probe?target=" + target, []string{`(?m)^# TYPE probe_success gauge$`, `(?m)^probe_success 1$`}, "", 0},
		{"POST", "/probe?target=" + target, []string{`(?m)^probe_success 1$`}, "", 0},
		{"HEAD", "/probe?target=" + target, []string{`^$`}, "", 0},
		{"GET", "/probe?debug=true&target=" + target, threeParts, "", 0},
		{"GET", "/probe?debug=TRUE&target=" + target, []string{`^# HELP`}, "", 0},
		{"GET", "/probe?debug=true&debug=false&target=" + target, threeParts, "", 0},
		{"GET", "/probe?debug=true", []string{`(?i)target parameter is missing`}, "", 0},
		{"GET", "/probe?module=none&target=" + target, []string{`^Unknown module "none"`}, "", 0},
		{"GET", "/-/healthy", []string{`^Healthy$`}, "", 0},
		{"GET", "/-/reload", nil, "", 0},
		{"POST", "/-/reload", []string{`^$`}, "", 0},
		{"GET", "/config", []string{`(?m)^modules:$`, `(?m)^ +http_2xx:$`, `(?m)^ +password: <secret>$`, `(?m)^ +timeout: 5s$`}, "", 0},
		{"GET", "/logs", nil, "", 24},
		{"GET", "/logs?id=1", threeParts[:1], "", 0},
		{"GET", "/logs?id=100000", nil, "", 0},
		{"GET", "/logs?id=first", nil, "", 24},
		{"GET", "/logs?id=-1", nil, "", 24},
		{"GET", "/logs?target=" + target, threeParts[:1], "", 24},
		{"GET", "/logs?target=" + target + "&module=http_2xx", threeParts[:1], "", 24},
		{"GET", "/logs?target=" + target + "&module=none", nil, "", 24},
		{"GET", "/logs?target=none", nil, "", 24},
		{"GET", "/logs?module=http_2xx", nil, "", 24},
		{"GET", "/logs?id=1&target=" + target, nil, "", 24},
		{"GET", "/metrics", []string{`(?m)^\w+_config_last_reload_successful 1$`, `(?m)^\w+_build_info\{`, `(?m)^go_goroutines `, `(?m)^process_open_fds `}, "", 0},
		{"GET", "/", []string{`(?i)<html`, `href="?/?metrics`}, "", 0},
		{"GET", "/none", nil, "a page that is not there is a mistake of who asks", 0},
	}
	for _, page := range pages {
		if page.from > oracle {
			continue
		}
		t.Run(page.method+" "+strings.ReplaceAll(page.path, target, "TARGET"), func(t *testing.T) {
			ourStatus, ourType, ourPage := askPage(t, page, ours)
			theirStatus, theirType, theirPage := askPage(t, page, theirs)
			if page.differs != "" {
				if ourStatus == theirStatus {
					t.Errorf("both answer %d; it is said to differ: %s", ourStatus, page.differs)
				}
				return
			}
			if ourStatus != theirStatus {
				t.Errorf("our status is %d, theirs is %d", ourStatus, theirStatus)
			}
			if ourStatus == 200 && ourType != theirType {
				t.Errorf("our page is %q, theirs is %q", ourType, theirType)
			}
			for _, text := range page.has {
				pattern := regexp.MustCompile(text)
				if !pattern.MatchString(ourPage) {
					t.Errorf("our page has no %s:\n%s", text, ourPage)
				}
				if !pattern.MatchString(theirPage) {
					t.Errorf("their page has no %s:\n%s", text, theirPage)
				}
			}
		})
	}
}

// askPage returns status, media type and text of a page.
func askPage(t *testing.T, page oraclePage, exporter string) (int, string, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), page.method, "http://"+exporter+page.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := oracleClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return resp.StatusCode, media, string(text)
}
