package oracle

import (
	"fmt"
	"regexp"
	"sync"
)

// difference is one from blackbox_exporter that is meant.
type difference struct {
	cases string // regular expression of the cases' names; empty for all
	diff  string // regular expression of what compareAnswers says
	why   string
	// The difference is from the releases 0.from to 0.(before-1); 0 means no bound.
	from, before int
}

// oracleDifferences are all intended ones.
var oracleDifferences = []difference{
	// What we do better.
	{diff: `^only ours: probe_failure_info`, why: "we say why a probe failed"},
	{diff: `^only ours: probe_ssl_(earliest_cert_expiry|last_chain_info)`, why: "a refused certificate is shown: one wants to know when it expired"},
	{cases: `^grpc TLS of a stranger$`, diff: `probe_ssl_earliest_cert_expiry`, before: 24, why: "likewise; there the series is always"},
	{cases: `^redirect|dots in the path`, diff: `^request: only theirs: Referer: `, why: "the next server need not know the URL of the one before"},
	{cases: `^redirect with credentials, same name$`, diff: `^request: only ours: Authorization: `, from: 29, why: "credentials stay with the same host name"},
	{cases: `^http escapes in the URL|^request with a (plus sign|path encoded twice)$`, diff: `.`, from: 29, why: "decoding a URL twice makes another URL of it"},
	{cases: `^http_json_regexp of \{"a":1\}$`, diff: `probe_failed_due_to_cel|probe_success`, from: 28, why: "JSON and regular expressions can be combined"},
	{cases: `^redirect 307 of a file$`, diff: `.`, from: 28, why: "a file can be sent again"},
	{cases: `^dns_truncated`, diff: `probe_dns_answer_rrs`, why: "a truncated answer is asked for again over TCP"},
	{cases: `^grpc without block$`, diff: `.`, why: "falling back to the other protocol does not depend on an empty block"},
	{cases: `^grpc silent$`, diff: `probe_grpc_status_code`, why: "the deadline is kept"},
	{cases: `^grpc no such host$`, diff: `phase="resolve"`, why: "looking up a name takes time even if it is not found"},
	{cases: `^timeout (inf|1e3|1e300) of http_no_timeout$`, diff: `.`, why: "no deadline is over 120 s, whatever Prometheus announces"},
	{cases: `^timeout nan of `, diff: `.`, why: "what is not a number is no deadline, and is refused as any other"},
	{cases: `^icmp.* of \[::1\]$`, diff: `.`, why: "an IPv6 address may have brackets"},
	{cases: `^icmp_options of (::1|localhost)$`, diff: `phase="setup"`, why: "a source address of the other protocol is found out while setting up"},
	{cases: `^dns port too high$`, diff: `phase="connect"`, why: "the port is found out before connecting"},
	{cases: `^redirect 30[13]`, diff: `^request: only theirs: Content-Type: `, before: 24, why: "headers about a body stayed without it"},

	// What the contract has and older releases lack.
	{diff: `^only ours: probe_timeout_seconds`, before: 29, why: "new in 0.29"},
	{cases: `^request encoded twice$`, diff: `.`, before: 29, why: "new in 0.29"},
	{diff: `^only ours: probe_failed_due_to_bytes`, before: 28, why: "new in 0.28"},
	{cases: `hostname$`, diff: `.`, before: 24, why: "names in TLS for tcp are newer"},
	{diff: `^only ours: probe_tls_cipher_info`, before: 26, why: "new in 0.26"},
	{diff: `^only ours: label serialnumber of probe_ssl_last_chain_info$`, before: 26, why: "it is newer"},
	{cases: `^tcp`, diff: `^only theirs: probe_failed_due_to_regex`, before: 24, why: "it was there without a connection"},
	{cases: `^grpc`, diff: `^only theirs: probe_ssl_earliest_cert_expiry`, before: 24, why: "it was there without TLS"},
	{cases: `^http_br of nothing$`, diff: `probe_success`, before: 24, why: "no bytes at all were good brotli"},
	{cases: `^redirect`, diff: `^request: only .*: Cookie: `, before: 24, why: "cookies got lost between name and address"},
	{cases: `^redirect with credentials, other name$`, diff: `^request: only theirs: Authorization: `, before: 29, why: "credentials went to other names"},
	{cases: `^redirect with headers`, diff: `^request: only ours: Referer: http://a\.example/`, before: 24, why: "a configured Referer was overwritten"},
}

// differenceLog notes which of the intended differences are seen.
type differenceLog struct {
	list  []difference
	cases []*regexp.Regexp // by place in the list, as are the following
	diffs []*regexp.Regexp

	mu   sync.Mutex
	seen []bool // guarded by mu
}

// newDifferenceLog takes the differences from this version of blackbox_exporter.
func newDifferenceLog(oracle int) *differenceLog {
	l := &differenceLog{}
	for _, d := range oracleDifferences {
		if oracle < d.from || d.before > 0 && oracle >= d.before {
			continue
		}
		l.list = append(l.list, d)
		l.cases = append(l.cases, regexp.MustCompile(d.cases))
		l.diffs = append(l.diffs, regexp.MustCompile(d.diff))
	}
	l.seen = make([]bool, len(l.list))
	return l
}

// intended reports whether a difference is in the list.
func (l *differenceLog) intended(name, diff string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := false
	for i := range l.list {
		if l.cases[i].MatchString(name) && l.diffs[i].MatchString(diff) {
			l.seen[i], found = true, true
		}
	}
	return found
}

// unseen are those that no case has shown.
func (l *differenceLog) unseen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var unseen []string
	for i, d := range l.list {
		if !l.seen[i] {
			unseen = append(unseen, fmt.Sprintf("%q in cases %q: %s", d.diff, d.cases, d.why))
		}
	}
	return unseen
}
