package prober

import (
	"slices"
	"strings"
)

// hasUserinfo reports whether a user or a password stands before the host of a place, or
// may be meant to: a URL that is malformed has no host before which it could end. A path, or
// the name of an abstract socket, has no host.
func hasUserinfo(place string) bool {
	if hidesLogin(place) {
		return true
	}
	if _, after, found := strings.Cut(place, "://"); found {
		place = after
	} else if strings.HasPrefix(place, "@") {
		return false
	}
	if end := strings.IndexAny(place, "/?#"); end >= 0 {
		place = place[:end]
	}
	return strings.Contains(place, "@")
}

// hidesLogin reports whether a URL is malformed in such a way that its login is no userinfo.
func hidesLogin(place string) bool {
	scheme, rest, _ := strings.Cut(place, ":")
	if !slices.Contains([]string{"http", "https", "ws", "wss"}, strings.ToLower(strings.TrimSpace(scheme))) {
		return false
	}
	host, ok := strings.CutPrefix(rest, "//")
	return (!ok || host == "" || strings.ContainsAny(host[:1], `/\?#`)) && lastAt(rest) >= 0
}

// ShownPlace is what an ad-hoc probe asks for, as it may be shown: without a login.
func ShownPlace(place string) string {
	if hasUserinfo(place) {
		return WithoutLogin(place)
	}
	return place
}

// WithoutLogin is a malformed place for whoever reads what is wrong with it: without what
// stands before an @, which may be a password.
func WithoutLogin(place string) string {
	at := lastAt(place)
	if at <= 0 {
		return place
	}
	scheme := ""
	if i := strings.Index(place, "://"); i >= 0 && i < at {
		scheme = place[:i+len("://")]
	}
	return scheme + "…" + place[at:]
}

// lastAt is where the last @ is, or the escape of one; -1 if there is none.
func lastAt(place string) int {
	return max(strings.LastIndex(place, "@"), strings.LastIndex(place, "%40"))
}
