package prober

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/health"
	"github.com/prometheus/common/config"
)

// Limits on what a peer can make us read and keep in a dialogue, whatever the
// configuration says.
const (
	maxLine          = 64 << 10 // line end included
	maxDialogueBytes = 10 << 20
	maxPeerLabel     = 128 // runes
)

var (
	errLongLine  = fmt.Errorf("answer with a line of more than %d KiB", maxLine>>10)
	errTalkative = fmt.Errorf("answer of more than %d MiB", maxDialogueBytes>>20)
)

// QueryResponse is one step of a dialogue. What it names is done in the order
// of the fields.
type QueryResponse struct {
	// Expect reads lines until one matches; the others are dropped. Line ends are
	// no part of a line.
	Expect Regexp `yaml:"expect"`
	// ExpectBytes is what must come next, exactly. It excludes Expect.
	ExpectBytes string `yaml:"expect_bytes"`
	// Labels make a series probe_expect_info of what Expect has matched.
	Labels []ExpectLabel `yaml:"labels"`
	// Send is sent with a line feed at its end. After Expect, ${1} is what its
	// first group has matched, and so on.
	Send string `yaml:"send"`
	// StartTLS goes on over TLS.
	StartTLS bool `yaml:"starttls"`
}

// ExpectLabel is a label of probe_expect_info.
type ExpectLabel struct {
	Name string `yaml:"name"`
	// Value may have ${1} and so on, as in Send.
	Value string `yaml:"value"`
}

// Dialogue are the keys of the kinds that talk over a plain connection. It is
// meant to be inlined into the kind's options.
type Dialogue struct {
	QueryResponse []QueryResponse `yaml:"query_response"`
	// TLS makes the whole dialogue run over TLS.
	TLS       bool             `yaml:"tls"`
	TLSConfig config.TLSConfig `yaml:"tls_config"`

	// made by prepare
	certificates *tlsSource
	readers      *sync.Pool // of *lineReader
}

// prepare checks and completes the keys. All faults are returned.
func (d *Dialogue) prepare() []error {
	faults := append(checkQueryResponse(d.QueryResponse), checkTLSConfig(&d.TLSConfig)...)
	for i := range d.QueryResponse {
		cleanLabels(d.QueryResponse[i].Labels)
	}
	d.certificates = newTLSSource(d.TLSConfig)
	d.readers = &sync.Pool{New: func() any {
		r := &lineReader{}
		r.buf = bufio.NewReaderSize(&r.meter, 4<<10)
		return r
	}}
	return faults
}

func checkQueryResponse(steps []QueryResponse) (faults []error) {
	for i, step := range steps {
		if step.Expect.Regexp != nil && step.ExpectBytes != "" {
			faults = append(faults, &FieldError{
				fmt.Sprintf("query_response[%d].expect_bytes", i), "cannot be used together with expect",
			})
		}
	}
	return faults
}

func checkTLSConfig(options *config.TLSConfig) (faults []error) {
	if err := options.Validate(); err != nil {
		faults = append(faults, &FieldError{"tls_config", err.Error()})
	}
	if options.CARef != "" || options.CertRef != "" || options.KeyRef != "" {
		faults = append(faults, &FieldError{
			"tls_config", "ca_ref, cert_ref and key_ref need a secret manager, which there is none of",
		})
	}
	return faults
}

// cleanLabels makes the names ones that Prometheus accepts.
func cleanLabels(labels []ExpectLabel) {
	for i := range labels {
		labels[i].Name = cleanLabelName(labels[i].Name)
	}
}

// cleanLabelName replaces what a label's name must not have by _. Two of them at the
// start are reserved.
func cleanLabelName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if strings.HasPrefix(clean, "__") {
		clean = "_" + strings.TrimLeft(clean, "_")
	}
	if clean == "" {
		return "_"
	}
	if clean[0] >= '0' && clean[0] <= '9' {
		clean = "_" + clean[1:]
	}
	return clean
}

// lineReader reads lines and bytes from one buffer, so that neither loses what
// the other has read ahead.
type lineReader struct {
	meter meter
	buf   *bufio.Reader // reads from meter
	long  []byte        // a line that does not fit into buf
}

// follow goes on with another connection. What was read ahead is dropped: what
// comes before a TLS handshake is not to be taken for what comes after it.
func (r *lineReader) follow(from io.Reader) {
	r.meter.from = from
	r.buf.Reset(&r.meter)
}

// line is the next line without its end. It is valid until the next call.
func (r *lineReader) line() ([]byte, error) {
	r.long = r.long[:0]
	for {
		part, err := r.buf.ReadSlice('\n')
		if err == nil && len(r.long) == 0 {
			return trimLineEnd(part), nil
		}
		if len(r.long)+len(part) > maxLine {
			return nil, because(ReasonBody, errLongLine)
		}
		r.long = append(r.long, part...)
		switch {
		case err == nil, err == io.EOF && len(r.long) > 0:
			return trimLineEnd(r.long), nil
		case err != bufio.ErrBufferFull:
			return nil, readError(err)
		}
	}
}

// some are the next bytes: at least one, and at most n. They are valid until
// the next call.
func (r *lineReader) some(n int) ([]byte, error) {
	if _, err := r.buf.Peek(1); err != nil {
		return nil, readError(err)
	}
	next, err := r.buf.Peek(min(n, r.buf.Buffered()))
	if err != nil {
		return nil, readError(err)
	}
	_, err = r.buf.Discard(len(next))
	return next, err
}

// readError gives the error of a meter that is used up its name here.
func readError(err error) error {
	if errors.Is(err, errHeaderTooLarge) {
		return because(ReasonBody, errTalkative)
	}
	return err
}

func trimLineEnd(line []byte) []byte {
	line, _ = bytes.CutSuffix(line, []byte("\n"))
	line, _ = bytes.CutSuffix(line, []byte("\r"))
	return line
}

// talk is one dialogue.
type talk struct {
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

// hold talks over the connection, which it closes at the end.
func (t *talk) hold(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	stop := bound(ctx, conn)
	defer stop()
	t.conn = conn
	if t.TLS {
		if err := t.secure(); err != nil {
			return err
		}
	}
	t.connected = true
	if len(t.QueryResponse) == 0 {
		return nil
	}
	t.reader = t.readers.Get().(*lineReader)
	t.reader.meter = meter{left: maxDialogueBytes}
	t.reader.follow(t.conn)
	defer func() {
		t.reader.follow(nil)
		t.readers.Put(t.reader)
	}()
	for i := range t.QueryResponse {
		t.debug("processing query_response", "entry", i)
		if err := t.step(&t.QueryResponse[i]); err != nil {
			return err
		}
	}
	return nil
}

// step does one step of the dialogue.
func (t *talk) step(step *QueryResponse) error {
	send := step.Send
	if step.Expect.Regexp != nil {
		line, match, err := t.expectLine(step.Expect)
		if err != nil {
			return err
		}
		send = string(step.Expect.Expand(nil, []byte(send), line, match))
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
		t.debug("sending line", "line", send)
		t.phase = PhaseRequest
		if _, err := io.WriteString(t.conn, send+"\n"); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
	}
	if step.StartTLS {
		if err := t.secure(); err != nil {
			return err
		}
		t.reader.follow(t.conn)
	}
	return nil
}

// expectLine reads up to the first line that matches.
func (t *talk) expectLine(want Regexp) (line []byte, match []int, err error) {
	for {
		line, err := t.reader.line()
		if err == io.EOF {
			t.phase, t.regexFailed = PhaseCheck, true
			return nil, nil, because(ReasonBody, fmt.Errorf("connection closed before a line that matches %q", want))
		}
		if err != nil {
			t.phase = t.reading()
			return nil, nil, err
		}
		match := want.FindSubmatchIndex(line)
		if t.logs() {
			t.req.debug("read line", "line", oneLine(string(line)), "matches", match != nil)
		}
		if match != nil {
			return line, match, nil
		}
	}
}

// expectBytes reads as many bytes as it wants, in however many segments they
// come, and stops at the first that differs.
func (t *talk) expectBytes(want string) error {
	for rest := want; rest != ""; {
		got, err := t.reader.some(len(rest))
		if err == io.EOF {
			t.phase = PhaseCheck
			return because(ReasonBody, fmt.Errorf("connection closed after %d of %d bytes expected", len(want)-len(rest), len(want)))
		}
		if err != nil {
			t.phase = t.reading()
			return err
		}
		if t.logs() {
			t.req.debug("read bytes", "bytes", fmt.Sprintf("%q", got))
		}
		if !strings.HasPrefix(rest, string(got)) {
			t.phase, t.bytesFailed = PhaseCheck, true
			return because(ReasonBody, fmt.Errorf("answer is not the %d bytes expected", len(want)))
		}
		rest = rest[len(got):]
	}
	return nil
}

// reading is the phase of waiting for more of an answer.
func (t *talk) reading() Phase {
	if t.reader.meter.read == 0 {
		return PhaseRequest
	}
	return PhaseTransfer
}

// secure goes on over TLS.
func (t *talk) secure() error {
	t.phase = PhaseTLS
	config, err := t.config()
	if err != nil {
		return err
	}
	secure, err := handshake(t.conn, config)
	if err != nil {
		return err
	}
	state := secure.ConnectionState()
	t.conn, t.tls = secure, &state
	t.debug("TLS handshake done", "version", tls.VersionName(state.Version))
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

// keep adds a series, unless there is the same one already.
func (t *talk) keep(info Sample) {
	if !slices.ContainsFunc(t.infos, func(s Sample) bool { return slices.Equal(s.Labels, info.Labels) }) {
		t.infos = append(t.infos, info)
	}
}

// expectInfo is the series of a line that matched. Of labels with the same name
// the first counts.
func expectInfo(step *QueryResponse, line []byte, match []int) Sample {
	labels := make([]Label, 0, len(step.Labels))
	for _, l := range step.Labels {
		if slices.ContainsFunc(labels, func(have Label) bool { return have.Name == l.Name }) {
			continue
		}
		labels = append(labels, Label{l.Name, peerLabel(step.Expect.Expand(nil, []byte(l.Value), line, match))})
	}
	return gauge("probe_expect_info", "Explicit content matched", 1, labels...)
}

// peerLabel makes what a peer wrote fit for the value of a label.
func peerLabel(text []byte) string {
	end, runes := 0, 0
	for end < len(text) && runes < maxPeerLabel {
		_, size := utf8.DecodeRune(text[end:])
		end += size
		runes++
	}
	return validText(string(text[:end]))
}

// logs tells whether somebody reads the steps, which cost something to write.
func (t *talk) logs() bool {
	return t.req.Log != nil && t.req.Log.Enabled(context.Background(), slog.LevelDebug)
}

func (t *talk) debug(message string, attrs ...any) {
	if t.logs() {
		t.req.debug(message, attrs...)
	}
}

// result is what came of the dialogue; samples are those that are known already.
func (t *talk) result(ctx context.Context, limit time.Duration, err error, samples []Sample) Result {
	res := Result{Outcome: health.Pass}
	if err != nil {
		res = failedIn(ctx, t.phase, limit, err)
		t.debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
	}
	if t.tls != nil && res.CertExpiry.IsZero() {
		res.CertExpiry = earliestExpiry(t.tls.PeerCertificates)
	}
	if !t.req.Samples {
		return res
	}
	if t.connected {
		samples = append(samples,
			gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", boolValue(t.regexFailed)),
			gauge("probe_failed_due_to_bytes", "Indicates if probe failed due to bytes", boolValue(t.bytesFailed)))
		samples = append(samples, t.infos...)
		if t.tls != nil {
			samples = tlsSamples(samples, t.tls, false)
		}
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
