package oracle

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"text/template"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// oracleCase is a probe that the program and blackbox_exporter make of the same
// listener, each through its own /probe.
type oracleCase struct {
	name, module, target string

	query   string // more parameters, as they are written in a URL
	timeout string // X-Prometheus-Scrape-Timeout-Seconds
	since   int    // the first 0.x of blackbox_exporter that knows the module's keys
}

// oracleCases are all cases that the listeners serve.
func (l *listeners) oracleCases() []oracleCase {
	return slices.Concat(l.httpCases(), l.httpMatchCases(), l.jsonCases(), l.httpsCases(), l.proxyCases(),
		l.tcpCases(), l.dnsCases(), l.icmpCases(), l.grpcCases(), l.websocketCases(), l.requestCases())
}

// TestOracle has the program and blackbox_exporter make the same probes with the
// same configuration. What differs must be in the list of intended differences,
// and all of that list must be seen.
func TestOracle(t *testing.T) {
	t.Parallel()
	program := testneed.Program(t, "prometheus-blackbox-exporter", "blackbox_exporter", "prometheus-blackbox-exporter")
	oracle := oracleVersion(t, program)
	l := startListeners(t)
	config := oracleConfig(t, l, oracle)
	ours := harness.StartExporter(t, config)
	theirs := startOracle(t, program, config)

	differences := newDifferenceLog(oracle)
	cases := slices.DeleteFunc(l.oracleCases(), func(c oracleCase) bool { return c.since > oracle })
	reports := l.compareAll(t.Context(), ours.Address, theirs, cases, differences)
	reported := 0
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reported++
			for _, diff := range reports[i].mistakes {
				t.Errorf("%s, probing %q with %s", diff, c.target, c.module)
			}
			if t.Failed() {
				t.Logf("our answer:\n%s\ntheir answer:\n%s", reports[i].ours.page, reports[i].theirs.page)
			}
		})
	}
	if reported < len(cases) {
		t.Logf("only %d of %d cases were run; whether all intended differences are seen was not checked", reported, len(cases))
		return
	}
	for _, unseen := range differences.unseen() {
		t.Errorf("no case shows this difference any more, remove it: %s", unseen)
	}
	t.Logf("%d cases compared with blackbox_exporter 0.%d", len(cases), oracle)
}

// comparison is what came out of a case.
type comparison struct {
	ours, theirs probeAnswer
	mistakes     []string // the differences that are not intended
}

// compareAll makes all probes, many at once: most of the time goes into those that
// wait for nothing.
func (l *listeners) compareAll(ctx context.Context, ours, theirs string, cases []oracleCase, differences *differenceLog) []comparison {
	found := make([]comparison, len(cases))
	places := make(chan int)
	var work sync.WaitGroup
	for range 12 {
		work.Go(func() {
			for i := range places {
				// On a busy machine one of the two may run into a deadline by chance.
				// What differs must differ again.
				for range 3 {
					found[i] = l.compareOnce(ctx, ours, theirs, cases[i])
					found[i].mistakes = slices.DeleteFunc(found[i].mistakes, func(diff string) bool {
						return differences.intended(cases[i].name, diff)
					})
					if len(found[i].mistakes) == 0 {
						break
					}
				}
			}
		})
	}
	for i := range cases {
		places <- i
	}
	close(places)
	work.Wait()
	return found
}

func (l *listeners) compareOnce(ctx context.Context, ours, theirs string, c oracleCase) comparison {
	mine, err := askProbe(ctx, ours, c)
	other, err2 := askProbe(ctx, theirs, c)
	if err := errors.Join(err, err2); err != nil {
		return comparison{mistakes: []string{err.Error()}}
	}
	return comparison{mine, other, l.compareAnswers(mine, other)}
}

// newestOracle stands for a blackbox_exporter without a version, which somebody has
// built from the newest source.
const newestOracle = 999

// oracleVersion is the x of the oracle's version 0.x.
func oracleVersion(t *testing.T, program string) int {
	t.Helper()
	out, err := exec.Command(program, "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("asking %s for its version: %v\n%s", program, err, out)
	}
	found := regexp.MustCompile(`version 0\.(\d+)\.`).FindSubmatch(out)
	if found == nil {
		return newestOracle
	}
	version, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// oracleConfig fills in the template of the configuration.
func oracleConfig(t *testing.T, l *listeners, oracle int) string {
	t.Helper()
	text, err := template.ParseFiles(filepath.Join("testdata", "oracle.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config bytes.Buffer
	if err := text.Execute(&config, map[string]any{
		"Oracle": oracle, "Validators": dnsValidators,
		"CA": l.ca.file, "ClientCert": l.clientCert, "ClientKey": l.clientKey,
		"PasswordFile": l.passwordFile, "BodyFile": l.bodyFile, "MissingFile": l.missingFile,
		"HTTP": l.http, "Proxy": "http://" + l.proxy, "ProxyAddress": l.proxy, "Closed": l.closed,
	}); err != nil {
		t.Fatal(err)
	}
	return config.String()
}

// startOracle starts blackbox_exporter and returns its address.
func startOracle(t *testing.T, program, config string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "blackbox.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := testport.Reserve(t)
	p := harness.Start(t, "blackbox_exporter", exec.Command(program, "--web.listen-address="+address, "--config.file="+file))
	p.AwaitReady(t, "http://"+address+"/-/healthy")
	return address
}

// probeAnswer is what /probe has said.
type probeAnswer struct {
	status int
	page   string
}

func askProbe(ctx context.Context, exporter string, c oracleCase) (probeAnswer, error) {
	query := url.Values{}
	if c.module != "" {
		query.Set("module", c.module)
	}
	if c.target != "" {
		query.Set("target", c.target)
	}
	address := "http://" + exporter + "/probe?" + query.Encode()
	if c.query != "" {
		address += "&" + c.query
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return probeAnswer{}, err
	}
	if c.timeout != "" {
		req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", c.timeout)
	}
	resp, err := oracleClient.Do(req)
	if err != nil {
		return probeAnswer{}, err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	return probeAnswer{resp.StatusCode, string(page)}, err
}

// oracleClient waits longer than any probe of the test takes.
var oracleClient = &http.Client{Timeout: harness.StartLimit, Transport: &http.Transport{DisableKeepAlives: true}}
