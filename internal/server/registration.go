package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

const maxRegistrationBody = 64 << 10

// readRegistration reads a target from the body of a request. All faults come in one
// problem. A name that the path gives, if it does, stands for one that the body leaves
// out.
func (s *server) readRegistration(w http.ResponseWriter, r *http.Request, inPath string) (prober.Target, *problem) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return prober.Target{}, &problem{Status: http.StatusUnsupportedMediaType,
			Detail: "send JSON with the header Content-Type: application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRegistrationBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return prober.Target{}, &problem{Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("a registration has at most %d bytes", maxRegistrationBody)}
	} else if err != nil {
		return prober.Target{}, &problem{Status: http.StatusBadRequest, Detail: "reading the request: " + err.Error()}
	}
	t, faults, err := parseRegistration(body)
	if err != nil {
		return t, &problem{Status: http.StatusBadRequest, Detail: err.Error()}
	}
	if inPath != "" && t.App == "" {
		t.App = inPath
	} else if inPath != "" && t.App != inPath {
		faults = append(faults, &prober.FieldError{Path: "app", Detail: fmt.Sprintf("%q in the body differs from %q in the path", t.App, inPath)})
	}
	faults = append(faults, t.Validate(prober.RegistrationLimits(), s.Settings().kindOf)...)
	faults = append(faults, checkHost(&t, requester(r).local, s.Settings().Network)...)
	if len(faults) > 0 {
		return t, &problem{Status: http.StatusBadRequest, Title: "Invalid registration", Errors: fieldFaults(firstOfEach(faults))}
	}
	return t, nil
}

// firstOfEach keeps one fault of each field: a value of the wrong type is not
// out of range as well.
func firstOfEach(faults []*prober.FieldError) []*prober.FieldError {
	seen := map[string]bool{}
	kept := faults[:0]
	for _, f := range faults {
		if !seen[f.Path] {
			seen[f.Path] = true
			kept = append(kept, f)
		}
	}
	return kept
}

// checkHost refuses what the registrant cannot mean, or may not have probed.
func checkHost(t *prober.Target, local bool, policy *prober.NetworkPolicy) []*prober.FieldError {
	field := "address"
	if t.URL != "" {
		field = "url"
	}
	hostport := hostOf(t.Place())
	host := hostport
	if alone, _, err := net.SplitHostPort(hostport); err == nil {
		host = alone
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "" {
		return nil
	}
	addr, _ := netip.ParseAddr(host)
	if !local && (host == "localhost" || strings.HasSuffix(host, ".localhost") || addr.Unmap().IsLoopback()) {
		return []*prober.FieldError{{Path: field, Detail: fmt.Sprintf(
			"%q is the exporter's own host, not yours; give an address that the exporter can reach", host)}}
	}
	if err := policy.CheckLiteral(hostport); err != nil {
		return []*prober.FieldError{{Path: field, Detail: err.Error()}}
	}
	return nil
}

// hostOf is the host of a URL or an address, with its port if it has one. It is empty
// if there is none, as in the path of a socket.
func hostOf(place string) string {
	if _, after, found := strings.Cut(place, "://"); found {
		place = after
	}
	if end := strings.IndexAny(place, "/?#"); end >= 0 {
		place = place[:end]
	}
	return place[strings.LastIndexByte(place, '@')+1:]
}

// parseRegistration decodes strictly: unknown and repeated fields are faults,
// and numbers are whole numbers.
func parseRegistration(body []byte) (prober.Target, []*prober.FieldError, error) {
	t := prober.NewTarget()
	fields := registrationFields(&t)
	var faults []*prober.FieldError
	seen := map[string]string{}
	err := eachField(body, func(name string, value json.RawMessage) {
		canonical := canonicalName(name)
		set, known := fields[canonical]
		switch {
		case !known:
			faults = append(faults, &prober.FieldError{Path: name, Detail: "unknown field"})
		case seen[canonical] != "":
			faults = append(faults, &prober.FieldError{Path: name, Detail: "given twice, first as " + seen[canonical]})
		case bytes.Equal(value, []byte("null")): // as if omitted
		default:
			if err := set(value); err != nil {
				faults = append(faults, &prober.FieldError{Path: canonical, Detail: err.Error()})
			}
		}
		seen[canonical] = name
	})
	return t, faults, err
}

// canonicalName maps the names that older clients send.
func canonicalName(name string) string {
	switch name {
	case "appname":
		return "app"
	case "emailAddr":
		return "email"
	case "unhealthy_threshold":
		return "unhealthy"
	case "healthy_threshold":
		return "healthy"
	}
	return name
}

func registrationFields(t *prober.Target) map[string]func(json.RawMessage) error {
	return map[string]func(json.RawMessage) error{
		"app":     text(&t.App),
		"url":     text(&t.URL),
		"address": text(&t.Address),
		"module":  text(&t.Module),
		"email":   text(&t.Email),
		"group":   text(&t.Group),
		"depends_on": func(raw json.RawMessage) error {
			if json.Unmarshal(raw, &t.DependsOn) != nil {
				return errors.New("must be a list of names of targets")
			}
			return nil
		},
		"interval": seconds(&t.Interval),
		"timeout":  seconds(&t.Timeout),
		"initial_delay": func(raw json.RawMessage) error {
			t.InitialDelay = new(time.Duration)
			return seconds(t.InitialDelay)(raw)
		},
		"ttl":            term(&t.TTL),
		"unhealthy":      number(&t.Unhealthy),
		"healthy":        number(&t.Healthy),
		"degraded_after": number(&t.DegradedAfter),
		"fast_start": func(raw json.RawMessage) error {
			if json.Unmarshal(raw, &t.FastStart) != nil {
				return errors.New("must be true or false")
			}
			return nil
		},
		"valid_status_codes": func(raw json.RawMessage) error { return statusCodes(raw, &t.StatusCodes) },
		"labels": func(raw json.RawMessage) error {
			if json.Unmarshal(raw, &t.Labels) != nil {
				return errors.New("must be an object of texts")
			}
			return nil
		},
	}
}

func text(into *string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		if json.Unmarshal(raw, into) != nil {
			return errors.New("must be a text")
		}
		return nil
	}
}

func number(into *int) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		n, err := strconv.Atoi(string(raw))
		if err != nil {
			return errors.New("must be a whole number")
		}
		*into = n
		return nil
	}
}

func seconds(into *time.Duration) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		n := 0
		if err := number(&n)(raw); err != nil {
			return errors.New("must be a whole number of seconds")
		}
		*into = time.Duration(max(min(n, 1<<30), -1<<30)) * time.Second
		return nil
	}
}

func statusCodes(raw json.RawMessage, into *prober.StatusCodes) error {
	var list []any
	if json.Unmarshal(raw, &list) != nil || len(list) > 64 {
		return errors.New(`must be a list of at most 64 codes (200), classes ("2xx") and ranges ("200-399")`)
	}
	for _, each := range list {
		r, err := prober.ParseStatusRange(fmt.Sprint(each))
		if err != nil {
			return err
		}
		*into = append(*into, r)
	}
	return nil
}

// eachField calls f for every field of a JSON object, in order.
func eachField(body []byte, f func(name string, value json.RawMessage)) error {
	bad := func(err error) error { return fmt.Errorf("the body must be one JSON object: %w", err) }
	d := json.NewDecoder(bytes.NewReader(body))
	open, err := d.Token()
	if err != nil {
		return bad(err)
	}
	if open != json.Delim('{') {
		return bad(fmt.Errorf("it begins with %v", open))
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return bad(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return bad(err)
		}
		f(name.(string), value)
	}
	if _, err := d.Token(); err != nil {
		return bad(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad(errors.New("there is something after it"))
	}
	return nil
}
