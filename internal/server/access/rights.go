package access

import (
	"fmt"
	"net/http"
)

// Refusal says why somebody may not do something.
type Refusal struct {
	// Status is that of HTTP.
	Status int
	Detail string
}

// Refuse says why a right is lacking; nil if it is not.
func (id *Identity) Refuse(right Right) *Refusal {
	switch right {
	case Open:
		return nil
	case Read:
		if id.rules.Read != "token" {
			return nil
		}
		return id.needToken("access.read", Read)
	case Write, Admin:
		return id.refuseChange(right)
	case Debug:
		return id.refuseDebug()
	}
	return &Refusal{http.StatusForbidden, fmt.Sprintf("nobody has the right %q", right)}
}

// May reports whether he has a right.
func (id *Identity) May(right Right) bool { return id.Refuse(right) == nil }

// refuseChange lets through who has a token for it, or comes from a network that needs
// none; and for what is not his own, from this host.
func (id *Identity) refuseChange(right Right) *Refusal {
	switch {
	case id.rules.Closed:
		return &Refusal{http.StatusForbidden, "registration is switched off (registration.enabled: false)"}
	case id.unknown:
		return &Refusal{http.StatusUnauthorized, "the bearer token is not known (registration.tokens)"}
	case id.Token != "":
		return id.lacks(right)
	case id.Place == Elsewhere, !contains(id.rules.Networks, id.Client):
		return &Refusal{http.StatusUnauthorized, id.strange()}
	case right == Admin && id.Place != OwnHost:
		return &Refusal{http.StatusForbidden, `that needs a token with the right "admin" (registration.tokens.rights), or a request from the exporter's own host`}
	}
	return nil
}

// strange says why his place does not do.
func (id *Identity) strange() string {
	const what = "a bearer token is needed: configure one (registration.tokens)"
	if id.doubt != "" {
		return "the place that the request comes from does not count, since " + id.doubt + "; " + what
	}
	return "from " + id.from() + " " + what + " or trust the network (registration.networks)"
}

// refuseDebug never lets anybody through who may not even read, unless he is on this
// very host and that is enough.
func (id *Identity) refuseDebug() *Refusal {
	switch {
	case id.rules.Debug == "token":
		return id.needToken("access.debug", Debug)
	case id.rules.Debug != "open":
		if id.Place == OwnHost {
			return nil
		}
		return id.needToken("access.debug", Debug)
	case id.rules.Read == "token":
		return id.needToken("access.read", Read, Debug)
	}
	return nil
}

// needToken wants a token with one of the rights.
func (id *Identity) needToken(setting string, anyOf ...Right) *Refusal {
	if id.Token == "" {
		return &Refusal{http.StatusUnauthorized, fmt.Sprintf(
			"a token with the right %q is needed (%s), as bearer token or as password of any user", anyOf[0], setting)}
	}
	return id.lacks(anyOf...)
}

// lacks says that his token has none of the rights; nil if it has one.
func (id *Identity) lacks(anyOf ...Right) *Refusal {
	for _, right := range anyOf {
		if id.rules.has(id.Token, right) {
			return nil
		}
	}
	return &Refusal{http.StatusForbidden, fmt.Sprintf("token %q lacks the %q right (registration.tokens.rights)", id.Token, anyOf[0])}
}

// Holds reports whether his token has a right.
func (id *Identity) Holds(right Right) bool { return id.Token != "" && id.rules.has(id.Token, right) }

// SeesDetails reports whether he may see what single checks say: who may register, or
// read with a token.
func (id *Identity) SeesDetails() bool {
	switch {
	case id.unknown:
		return false
	case id.Token != "":
		return id.rules.has(id.Token, Read)
	}
	return id.Place != Elsewhere && contains(id.rules.Networks, id.Client)
}

// RefuseName says that the request was sent to a name that a stranger may own, which
// only who shows who he is may use; nil if it was not.
func (id *Identity) RefuseName() *Refusal {
	if id.OurName || id.Authenticated() {
		return nil
	}
	if id.Host == "" {
		return &Refusal{http.StatusMisdirectedRequest, fmt.Sprintf(
			"%.100q is not a valid host name; ask for this exporter by its address, or by a name in access.hosts", id.given)}
	}
	return &Refusal{http.StatusMisdirectedRequest, fmt.Sprintf(
		"%q is not known to be a name of this exporter. If it is, add it to its configuration: access: {hosts: [%q]}", id.Host, id.Host)}
}
