package prober

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

// Dialogue are the keys of the kinds that talk over a plain connection. It is
// meant to be inlined into the kind's options.
type Dialogue struct {
	QueryResponse []QueryResponse `yaml:"query_response"`
	// TLS makes the whole dialogue run over TLS.
	TLS       bool             `yaml:"tls"`
	TLSConfig config.TLSConfig `yaml:"tls_config"`
	LegacyTLS `yaml:",inline"`

	// made by prepare
	certificates *tlsSource
	readers      *sync.Pool // of *lineReader
}

// prepare checks and completes the keys. All faults are returned.
func (d *Dialogue) prepare() []error {
	faults := append(checkQueryResponse(d.QueryResponse), checkTLSConfig(&d.TLSConfig)...)
	for _, step := range d.QueryResponse {
		for i := range step.Labels {
			step.Labels[i].clean = cleanLabelName(step.Labels[i].Name)
		}
	}
	d.certificates = newTLSSource(d.TLSConfig, d.TLSLegacy)
	d.readers = &sync.Pool{New: func() any { return newLineReader() }}
	return faults
}

// warnings are what is most likely wrong although it can be tried.
func (d *Dialogue) warnings() []error {
	return append(warnQueryResponse(d.QueryResponse), warnTLSConfig(&d.TLSConfig)...)
}

// secured reports whether any of the dialogue runs over TLS.
func (d *Dialogue) secured() bool {
	for _, step := range d.QueryResponse {
		if step.StartTLS {
			return true
		}
	}
	return d.TLS
}

func checkTLSConfig(options *config.TLSConfig) (faults []error) {
	if err := options.Validate(); err != nil {
		faults = append(faults, &FieldError{"tls_config", err.Error()})
	}
	if options.CARef != "" || options.CertRef != "" || options.KeyRef != "" {
		faults = append(faults, &FieldError{
			"tls_config", "ca_ref, cert_ref and key_ref are secret references, which are not supported",
		})
	}
	return faults
}

// warnTLSConfig finds options with which every handshake fails.
func warnTLSConfig(options *config.TLSConfig) (list []error) {
	for _, fault := range CheckTLSFiles(options.CAFile, options.CertFile, options.KeyFile) {
		fault.Path = "tls_config." + fault.Path
		list = append(list, fault)
	}
	if options.MaxVersion != 0 && options.MinVersion > options.MaxVersion {
		list = append(list, &FieldError{"tls_config.min_version", "is above max_version"})
	}
	return list
}

// dialogueRun is one dialogue.
type dialogueRun struct {
	*Dialogue
	req *Request
	// config makes the options of a handshake.
	config func() (*tls.Config, error)

	conn      net.Conn
	reader    *lineReader
	connected bool // and secured, if TLS is asked for from the start
	phase     Phase

	regexFailed, bytesFailed bool
	infos                    []Sample
	tls                      *tls.ConnectionState
}

// run goes through the dialogue over the connection, which it closes at the end.
func (t *dialogueRun) run(ctx context.Context, conn net.Conn) (err error) {
	if !t.TLS && len(t.QueryResponse) == 0 {
		t.connected = true
		conn.Close()
		return nil
	}
	t.conn = conn
	stop := bound(ctx, conn)
	defer func() {
		if err == nil && ctx.Err() == nil {
			t.conn.Close() // over TLS this says good-bye, which is bound too
		} else {
			conn.Close()
		}
		stop()
	}()
	if t.TLS {
		if err := t.secure(ctx, !hears(t.QueryResponse)); err != nil {
			return err
		}
	}
	t.connected = true
	t.reader = t.readers.Get().(*lineReader)
	t.reader.open(t.conn)
	defer func() {
		t.reader.follow(nil)
		t.readers.Put(t.reader)
	}()
	for i := range t.QueryResponse {
		if t.logs() {
			t.req.Debug("processing query_response", "entry", i)
		}
		if err := t.step(ctx, &t.QueryResponse[i], !hears(t.QueryResponse[i+1:])); err != nil {
			return err
		}
	}
	return nil
}

// hears reports whether any of the steps reads what the peer says.
func hears(steps []QueryResponse) bool {
	return slices.ContainsFunc(steps, func(step QueryResponse) bool {
		return step.Expect.Regexp != nil || step.ExpectBytes != "" || step.StartTLS
	})
}

// step does one step of the dialogue; deaf is whether no step after it reads anything.
func (t *dialogueRun) step(ctx context.Context, step *QueryResponse, deaf bool) error {
	send := step.Send
	if step.Expect.Regexp != nil {
		line, match, err := t.expectLine(ctx, step.Expect)
		if err != nil {
			return err
		}
		if send != "" {
			send = string(step.Expect.Expand(nil, []byte(send), line, match))
		}
		if step.Labels != nil && t.req.Samples {
			t.keep(expectInfo(step, line, match))
		}
	}
	if step.ExpectBytes != "" {
		if err := t.expectBytes(step.ExpectBytes); err != nil {
			return err
		}
	}
	if send != "" {
		t.phase = PhaseRequest
		if t.logs() {
			t.req.Debug("sending line", "line", ShownLine(send))
		}
		if _, err := t.conn.Write(append([]byte(send), '\n')); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
	}
	if step.StartTLS {
		if err := t.secure(ctx, deaf); err != nil {
			return err
		}
		t.reader.follow(t.conn)
	}
	return nil
}

// secure goes on over TLS. If nothing is read after it, it waits for what the server
// makes of our certificate, or of there being none: whoever only sends would not hear it.
func (t *dialogueRun) secure(ctx context.Context, deaf bool) error {
	t.phase = PhaseTLS
	config, err := t.config()
	if err != nil {
		return err
	}
	var verdict *certificateVerdict
	if deaf {
		verdict = watchVerdict(config)
	}
	secure, err := handshake(t.conn, config)
	if err != nil {
		return err
	}
	state := secure.ConnectionState()
	t.conn, t.tls = secure, &state
	if err := verdict.await(ctx, secure); err != nil {
		return err
	}
	if t.logs() {
		t.req.Debug("TLS handshake done", "version", tls.VersionName(state.Version))
	}
	return nil
}

// handshake secures a connection, which is left open if that fails.
func handshake(conn net.Conn, config *tls.Config) (*tls.Conn, error) {
	secure := tls.Client(conn, config)
	if err := secure.Handshake(); err != nil {
		return nil, because(ReasonTLS, err)
	}
	return secure, nil
}

// logs reports whether somebody reads the steps, which cost something to write.
func (t *dialogueRun) logs() bool {
	return t.req.Log != nil && t.req.Log.Enabled(context.Background(), slog.LevelDebug)
}

// result is what came of the dialogue; samples are those that are known already.
func (t *dialogueRun) result(ctx context.Context, limit time.Duration, err error, samples []Sample) Result {
	res := Result{Outcome: health.Pass}
	if err != nil {
		res = failedIn(ctx, t.phase, limit, err)
		if t.logs() {
			t.req.Debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
		}
	}
	if t.tls != nil && res.CertExpiry.IsZero() {
		res.CertExpiry = expiryOf(t.tls)
	}
	if !t.req.Samples {
		return res
	}
	if t.connected {
		samples = append(samples,
			gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", boolValue(t.regexFailed)),
			gauge("probe_failed_due_to_bytes", "Indicates if probe failed due to bytes", boolValue(t.bytesFailed)))
		samples = append(samples, t.infos...)
	}
	if t.connected && t.tls != nil {
		samples = tlsSamples(samples, t.tls, false)
	} else {
		samples = refusedSamples(samples, err)
	}
	res.Samples = samples
	return res
}

// failedIn is the result of an attempt that ended in an error in that phase.
func failedIn(ctx context.Context, phase Phase, limit time.Duration, err error) Result {
	res := failed(ctx, limit, err)
	res.Phase = phase
	return res
}
