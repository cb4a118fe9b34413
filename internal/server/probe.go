package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/internal/server/probelog"
	"github.com/health-exporter/health_exporter/prober"
)

// defaultProbeModule is what /probe uses when no module is named.
const defaultProbeModule = "http_2xx"

// probe answers an ad-hoc probe as blackbox_exporter does: a failed probe is a
// good answer with probe_success 0. It touches no state of any target.
func (s *server) probe(w http.ResponseWriter, r *http.Request) {
	if slices.ContainsFunc(r.Header.Values("Sec-Fetch-Site"), func(site string) bool { return strings.EqualFold(site, "cross-site") }) {
		http.Error(w, "Another site has sent this request (Sec-Fetch-Site: cross-site)", http.StatusForbidden)
		return
	}
	query := queryOf(r)
	settings := s.Settings()
	name := cmp.Or(query.Get("module"), defaultProbeModule)
	module, ok := settings.Modules[name]
	if !ok {
		s.UnknownModule()
		http.Error(w, fmt.Sprintf("Unknown module %q", name), http.StatusBadRequest)
		return
	}
	seconds, err := probeTimeout(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), module.Timeout(), s.TimeoutOffset)
	if err != nil {
		http.Error(w, fmt.Sprintf("Failed to parse timeout from Prometheus header: %s", err), http.StatusInternalServerError)
		return
	}
	target := decodedAgain(query.Get("target"))
	if target == "" {
		http.Error(w, "Target parameter is missing", http.StatusBadRequest)
		return
	}
	hostname := query.Get("hostname")
	if configured := module.HostHeader(); hostname != "" && configured != "" && configured != hostname {
		http.Error(w, fmt.Sprintf("Host header defined both in module configuration (%s) and with URL-parameter 'hostname' (%s)",
			configured, hostname), http.StatusBadRequest)
		return
	}
	select {
	case s.probing <- struct{}{}:
		defer func() { <-s.probing }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, fmt.Sprintf("There are %d ad-hoc probes under way, which is as many as there may be (--web.max-adhoc-probes)", cap(s.probing)),
			http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(seconds*float64(time.Second)))
	defer cancel()
	record := s.probeOnce(ctx, seconds, name, settings, prober.Request{
		Target: target, Hostname: hostname, Network: networkFor(requester(r), settings), Samples: true,
	})
	if query.Get("debug") == "true" {
		setPrivate(w.Header())
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := record.Write(w); err != nil {
			s.Log.Debug("debug page broken off", "err", err)
		}
		return
	}
	if err := collector.ServeSamples(w, r, record.Samples); err != nil {
		s.Log.Debug("answer broken off", "err", err)
	}
}

// networkFor is where somebody may have us connect to with /probe: from outside of the
// private networks not to what only this host may reach.
func networkFor(id *access.Identity, settings *Settings) *prober.NetworkPolicy {
	if id.Inside() {
		return settings.Network
	}
	return settings.Network.ForOthers()
}

// probeOnce makes the probe and remembers it, with its module as it is in the settings:
// a reload may have changed it by the time that somebody looks.
func (s *server) probeOnce(ctx context.Context, timeout float64, name string, settings *Settings, req prober.Request) *probelog.Record {
	module, text := settings.Modules[name], settings.ModuleText
	next := probelog.Brief(s.ProbeLog)
	if next != nil {
		next = next.WithAttrs([]slog.Attr{slog.String("module", name), slog.String("target", prober.ShownPlace(req.Target))})
	}
	logged := probelog.NewRecorder(next)
	log := slog.New(logged)
	req.Log = log
	log.Debug("beginning probe", "prober", string(module.Kind()), "timeout_seconds", timeout)
	res := module.Probe(ctx, req)
	if res.Outcome == health.Fail {
		log.Error("Probe failed", "duration_seconds", res.Duration.Seconds(), "reason", string(res.Reason),
			"phase", string(res.Phase), "err", res.Error)
	} else {
		log.Debug("Probe succeeded", "duration_seconds", res.Duration.Seconds())
	}
	record := &probelog.Record{
		Module: name, Target: req.Target, Result: res, Samples: appendCommon(res.Samples, &res, timeout),
		Lines: logged.Taken(), ModuleText: func() string { return text(name) },
	}
	record.Result.Samples = nil
	s.probes.Add(record)
	return record
}

// decodedAgain undoes a second URL encoding, which some relabelling leaves in
// targets. blackbox_exporter decodes every target twice, which turns a + in a
// target into a space; here a target stays as it is unless decoding it again
// makes a URL or host:port of it.
func decodedAgain(target string) string {
	if strings.Contains(target, "://") || !strings.Contains(target, "%") {
		return target
	}
	again, err := url.QueryUnescape(target)
	if err != nil {
		return target
	}
	if _, _, err := net.SplitHostPort(again); err != nil && !strings.Contains(again, "://") {
		return target
	}
	return again
}

// appendCommon appends the metrics that every probe has, whatever its kind.
func appendCommon(samples []prober.Sample, res *prober.Result, timeout float64) []prober.Sample {
	success := 1.0
	if res.Outcome == health.Fail {
		success = 0
	}
	samples = append(samples,
		prober.Sample{Name: "probe_success", Help: "Displays whether or not the probe was a success", Value: success},
		prober.Sample{Name: "probe_duration_seconds", Help: "Returns how long the probe took to complete in seconds", Value: res.Duration.Seconds()},
		prober.Sample{Name: "probe_timeout_seconds", Help: "Returns the timeout of the probe in seconds", Value: timeout})
	if res.Outcome == health.Fail {
		samples = append(samples, prober.Sample{
			Name: "probe_failure_info", Help: "Why the probe failed, and in which phase. Absent if it did not fail.", Value: 1,
			Labels: []prober.Label{{Name: "reason", Value: string(res.Reason)}, {Name: "phase", Value: string(res.Phase)}},
		})
	}
	return samples
}

// longestProbe bounds what Prometheus, or whoever says he is, may ask for.
const longestProbe = 120 * time.Second

// defaultAdHocProbes is how many may be under way at once.
const defaultAdHocProbes = 500

// probeTimeout is the deadline of an ad-hoc probe in seconds: what Prometheus
// announces (120 s if nothing, and never more) less the offset, or the module's own
// timeout if that is shorter. However large a number the header is, it is a deadline.
func probeTimeout(header string, module, offset time.Duration) (float64, error) {
	announced := 0.0
	if header != "" {
		var err error
		if announced, err = strconv.ParseFloat(header, 64); err != nil && !errors.Is(err, strconv.ErrRange) {
			return 0, err
		}
		if math.IsNaN(announced) {
			return 0, fmt.Errorf("%q is not a number", header)
		}
	}
	if announced == 0 {
		announced = longestProbe.Seconds()
	}
	limit := announced - offset.Seconds()
	if own := module.Seconds(); own < limit && own > 0 || limit < 0 {
		limit = own
	}
	return min(limit, longestProbe.Seconds()), nil
}
