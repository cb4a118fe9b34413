package alertmanager

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// The reasons why a request to Alertmanager fails.
const (
	pushConnect  = "connect"  // nobody answers
	pushTLS      = "tls"      // no certificate that is trusted, or no TLS at all
	pushTimeout  = "timeout"  // no answer in time
	pushAuth     = "auth"     // 401, 403, 407
	pushPath     = "path"     // 404, 405, 410: there is no API v2 here
	pushRejected = "rejected" // 400, 413, 415, 422: it does not like the alerts
	pushServer   = "server"   // 429, 5xx: it has troubles of its own
	pushProtocol = "protocol" // any other answer
)

func pushReasons() []string {
	return []string{pushConnect, pushTLS, pushTimeout, pushAuth, pushPath, pushRejected, pushServer, pushProtocol}
}

// pushError is why alerts were not accepted.
type pushError struct {
	reason string
	err    error
	only   bool // it is about these alerts only; others may be accepted
	taken  bool // those alerts that are good were accepted nevertheless
}

func (e *pushError) Error() string { return e.err.Error() }
func (e *pushError) Unwrap() error { return e.err }

// post makes one request. No error has a secret in it.
func (i *instance) post(ctx context.Context, alerts []Alert) *pushError {
	body, err := json.Marshal(alerts)
	if err != nil {
		return &pushError{reason: pushRejected, err: fmt.Errorf("encoding alerts: %w", err), only: true}
	}
	ctx, cancel := context.WithTimeout(ctx, i.timeout())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url, bytes.NewReader(body))
	if err != nil {
		return &pushError{reason: pushProtocol, err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "health_exporter")
	// The same alerts again do no harm. net/http may therefore repeat the request on a
	// new connection if Alertmanager was restarted; the header itself is not sent.
	req.Header["Idempotency-Key"] = []string{}
	resp, err := i.client.Do(req)
	if err != nil {
		return &pushError{reason: netReason(err), err: err}
	}
	defer resp.Body.Close()
	// All of a short answer is read, so that the connection can be used again.
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode/100 == 2 {
		return nil
	}
	if err != nil && len(text) == 0 {
		text = []byte(err.Error())
	}
	return answerError(resp.StatusCode, withoutCredentials(resp.Status, resp.Request), []byte(withoutCredentials(string(text), resp.Request)))
}

// withoutCredentials is part of an answer without what the request logged in with: who is
// in between may send back what it was sent.
func withoutCredentials(text string, sent *http.Request) string {
	if sent == nil {
		return text
	}
	value := sent.Header.Get("Authorization")
	_, credentials, _ := strings.Cut(value, " ")
	_, password, _ := sent.BasicAuth()
	var pairs []string
	for _, secret := range []string{value, credentials, password} { // the longest first
		if secret != "" {
			pairs = append(pairs, secret, "********")
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// answerError is what an answer without success means.
func answerError(code int, status string, text []byte) *pushError {
	e := &pushError{reason: pushProtocol, err: fmt.Errorf("%s: %s", status, answerLine(text))}
	switch code {
	case http.StatusBadRequest:
		// Alertmanager has taken all alerts that it could.
		e.reason, e.only, e.taken = pushRejected, true, true
	case http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		e.reason, e.only = pushRejected, true
	case http.StatusUnsupportedMediaType:
		e.reason = pushRejected
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		e.reason = pushAuth
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		e.reason = pushPath
	case http.StatusTooManyRequests:
		e.reason = pushServer
	default:
		if code >= 500 {
			e.reason = pushServer
		}
	}
	return e
}

// answerLine is an answer for the log: one line, and not a long one.
func answerLine(text []byte) string {
	const most = 200
	line := strings.Join(strings.FieldsFunc(strings.ToValidUTF8(string(text), "?"), func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if runes := []rune(line); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return line
}

// netReason says why there was no answer.
func netReason(err error) string {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return pushTimeout
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	if untrusted || noTLS || alert || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return pushTLS
	}
	return pushConnect
}
