package prober

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// reasonError is an error whose reason is known where it is made.
type reasonError struct {
	reason Reason
	err    error
}

func (e *reasonError) Error() string { return e.err.Error() }
func (e *reasonError) Unwrap() error { return e.err }

// ownFault is a failure of ours, such as an option that cannot work. It says
// nothing about the target.
type ownFault struct{ text string }

func (e *ownFault) Error() string { return e.text }

func isOwnFault(err error) bool {
	_, ok := errors.AsType[*ownFault](err)
	return ok
}

// tokenError is why there is no token.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return "getting an OAuth2 token: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// because marks an error with its reason.
func because(reason Reason, err error) error { return &reasonError{reason, err} }

// phaseError is an error of which is known how far the attempt had come.
type phaseError struct {
	phase Phase
	err   error
}

func (e *phaseError) Error() string { return e.err.Error() }
func (e *phaseError) Unwrap() error { return e.err }

// during marks an error with the phase it belongs to, which is not always the one
// it comes up in: dialling resolves names too, and a peer that does not like our
// certificate says so when it should answer.
func during(phase Phase, err error) error {
	var dns *net.DNSError
	var token *tokenError
	switch {
	case errors.As(err, &token):
	case errors.As(err, &dns):
		phase = PhaseResolve
	case classify(err) == ReasonTLS:
		phase = PhaseTLS
	}
	return &phaseError{phase, err}
}

// classify says in one word why an attempt to talk to a target failed.
func classify(err error) Reason {
	var known *reasonError
	var policy *PolicyError
	var dns *net.DNSError
	var slow *slowMatch
	switch {
	case errors.As(err, &policy):
		return ReasonPolicy
	case isOwnFault(err), outOfResources(err), errors.Is(err, context.Canceled):
		return ReasonInternal
	case errors.As(err, &dns):
		return ReasonDNS
	case isTimeout(err), errors.As(err, &slow):
		return ReasonTimeout
	case errors.As(err, &known):
		return known.reason
	case isTLS(err):
		return ReasonTLS
	case isMalformed(err):
		return ReasonBody
	}
	return ReasonConnect
}

// outOfResources reports whether we lack a resource, which says nothing about the target.
func outOfResources(err error) bool {
	for _, lack := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.EADDRNOTAVAIL, syscall.ENOMEM,
	} {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}

// ownNetwork reports whether our own network is broken, which says nothing about the
// target either: there is no route at all, or no name server answers us for any name.
func ownNetwork(err error) bool {
	if _, ok := errors.AsType[*nameError](err); ok {
		return false
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return !dns.IsNotFound
	}
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.ENETDOWN)
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

func isTLS(err error) bool {
	var (
		record  tls.RecordHeaderError
		alert   *net.OpError
		verify  *tls.CertificateVerificationError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &record), errors.As(err, &verify), errors.As(err, &invalid):
		return true
	case errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error"):
		return true
	}
	return strings.HasPrefix(err.Error(), "tls: ") || strings.HasPrefix(err.Error(), "x509: ")
}

// isMalformed reports whether an answer is not HTTP, or whose header is too large.
// net/http has no types for most of these.
func isMalformed(err error) bool {
	var protocol textproto.ProtocolError
	if errors.As(err, &protocol) || errors.Is(err, errHeaderTooLarge) {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "malformed") || strings.Contains(text, "headers exceeded") ||
		strings.Contains(text, "transfer encoding") || strings.Contains(text, "chunked")
}

// timeLimit is the remaining time of the context, rounded:
// some of it has passed already, and nobody wants to read 494 ms. It is 0 if there
// is not a deadline.
func timeLimit(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	left := max(0, time.Until(deadline))
	switch {
	case left >= time.Second:
		return left.Round(100 * time.Millisecond)
	case left >= 180*time.Millisecond:
		return left.Round(50 * time.Millisecond)
	}
	return left.Round(10 * time.Millisecond)
}

// failed is the result of an attempt that ended in an error. limit is what
// timeLimit said at its start.
func failed(ctx context.Context, limit time.Duration, err error) Result {
	if errors.Is(ctx.Err(), context.Canceled) {
		return cancelled(errCancelled)
	}
	res := Result{Outcome: health.Fail, Reason: classify(err), Inconclusive: isOwnFault(err) || outOfResources(err) || ownNetwork(err)}
	res.Error = explain(err, res.Reason, limit)
	res.CertExpiry = expiryOfRefused(err)
	if known, ok := errors.AsType[*phaseError](err); ok {
		res.Phase = known.phase
	}
	return res
}

// explain says for people what an error means, in one line.
func explain(err error, reason Reason, limit time.Duration) string {
	var dns *net.DNSError
	var token *tokenError
	var slow *slowMatch
	switch {
	case errors.As(err, &token):
		return "getting an OAuth2 token: " + explain(token.err, reason, limit)
	case errors.As(err, &dns):
		return explainDNS(dns, limit)
	case errors.As(err, &slow):
		return slow.Error()
	case reason == ReasonTimeout && limit > 0:
		return "no answer within " + limit.String()
	case reason == ReasonTimeout:
		return "no answer in time"
	case reason == ReasonTLS:
		return explainTLS(err)
	}
	return oneLine(plainError(err))
}

func explainDNS(err *net.DNSError, limit time.Duration) string {
	if err.IsTimeout {
		return fmt.Sprintf("looking up %s: no answer within %s", WithoutLogin(err.Name), limit)
	}
	return fmt.Sprintf("looking up %s: %s", WithoutLogin(err.Name), err.Err)
}

func explainTLS(err error) string {
	var (
		record    tls.RecordHeaderError
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &record):
		return "no TLS: " + record.Msg
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return "certificate is not valid before " + invalid.Cert.NotBefore.UTC().Format(time.RFC3339)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "certificate has expired"
	case errors.As(err, &authority):
		return "certificate is signed by an unknown authority"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed in the TLS handshake"
	}
	text := plainError(err)
	text = strings.TrimPrefix(text, "tls: failed to verify certificate: ")
	text = strings.TrimPrefix(text, "tls: ")
	return oneLine(strings.TrimPrefix(text, "x509: "))
}

// plainError strips what says nothing to a person: the operations and addresses
// that net and net/http put around an error, and URLs, which may hold passwords.
func plainError(err error) string {
	var (
		errno syscall.Errno
		op    *net.OpError
		of    *url.Error
	)
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &of) && of.Err != nil:
		return plainError(of.Err)
	case errors.As(err, &op) && op.Err != nil:
		return plainError(op.Err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed in the middle of the answer"
	case errors.Is(err, io.EOF):
		return "connection closed without an answer"
	}
	text := err.Error()
	if strings.Contains(text, "headers exceeded") { // as net/http says it
		return errHeaderTooLarge.Error()
	}
	if bad, ok := strings.CutPrefix(text, "net/http: HTTP/1.x transport connection broken: "); ok {
		return "no answer in HTTP: " + bad
	}
	return strings.TrimPrefix(text, "net/http: ")
}

// oneLine makes text that may come from the peer fit for a line of a log.
func oneLine(text string) string {
	return shortened(visible(strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")))
}

// shortened is the text with a sign for what goes beyond a line.
func shortened(text string) string {
	const limit = 300
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit-1]) + "…"
	}
	return text
}

// expiryOfRefused finds when the certificates expire that a handshake refused,
// for a certificate that has expired is one whose expiry people want to see.
func expiryOfRefused(err error) time.Time { return earliestExpiry(refusedCertificates(err)) }
