package server

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/health-exporter/health_exporter/internal/registration"
	"github.com/health-exporter/health_exporter/prober"
)

// readRegistration reads a target from the body of a request. All faults come in one
// problem. A name that the path gives, if it does, stands for one that the body leaves
// out.
func (s *server) readRegistration(w http.ResponseWriter, r *http.Request, inPath string) (prober.Target, *problem) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return prober.Target{}, &problem{
			Status: http.StatusUnsupportedMediaType,
			Detail: "send JSON with the header Content-Type: application/json",
		}
	}
	body, unread := readBody(w, r)
	if unread != nil {
		return prober.Target{}, unread
	}
	said, faults, err := registration.Parse(body)
	if err != nil {
		return prober.Target{}, &problem{Status: http.StatusBadRequest, Detail: err.Error()}
	}
	if inPath != "" && said.App == "" {
		said.App = inPath
	} else if inPath != "" && said.App != inPath {
		faults = append(faults, &prober.FieldError{Path: "app", Detail: fmt.Sprintf("%q in the body differs from %q in the path", said.App, inPath)})
	}
	t, more := registration.Target(&said)
	faults = append(faults, more...)
	faults = append(faults, t.Validate(prober.RegistrationLimits(), s.Settings().kindOf)...)
	faults = append(faults, checkModule(&t, s.Settings().Modules[t.ModuleName()])...)
	faults = append(faults, checkHost(&t, requester(r).From() != prober.FromOwnHost, s.Settings())...)
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

// checkHost refuses what the registrant cannot mean, or may not have probed. What names
// lead to shows when they are connected to.
func checkHost(t *prober.Target, foreign bool, settings *Settings) []*prober.FieldError {
	field := "address"
	if t.URL != "" {
		field = "url"
	}
	policy := settings.Network
	if foreign {
		policy = policy.ForOthers()
	}
	if kind, _ := settings.kindOf(t.ModuleName()); kind.Socket() {
		if policy.CheckSocket(t.Place()) != nil {
			return []*prober.FieldError{{Path: field, Detail: fmt.Sprintf(
				"sockets are the exporter's own, and modules of kind %s not for registrations from other hosts", kind)}}
		}
		return nil
	}
	host := t.Host()
	if err := settings.Network.CheckLiteral(host); err != nil {
		return []*prober.FieldError{{Path: field, Detail: err.Error()}}
	}
	if policy.CheckLiteral(host) != nil {
		return []*prober.FieldError{{Path: field, Detail: fmt.Sprintf(
			"%q is the exporter's own host, not yours; give an address that the exporter can reach", host)}}
	}
	return nil
}

// checkModule keeps the credentials of a module from hosts that the operator has not
// named: anybody may register something.
func checkModule(t *prober.Target, m *prober.Module) []*prober.FieldError {
	if m.Entrusted() && m.CheckTarget(t) == nil {
		return nil
	}
	name, host := t.ModuleName(), t.Host()
	missing := host
	if m.Kind().Socket() {
		host, missing = t.Place(), "*" // a path is not a host
	}
	why := "is not for " + strconv.Quote(host)
	if held := m.Credentials(); len(held) > 0 {
		why = fmt.Sprintf("holds credentials (%s), which are not for %q", strings.Join(held, ", "), host)
	}
	return []*prober.FieldError{{Path: "module", Detail: fmt.Sprintf(
		"%q %s: the operator can add %q to modules.%s.allow", name, why, missing, name)}}
}
