package prober

import (
	"net"
	"strings"

	"golang.org/x/net/idna"
)

// hostnames maps names beyond ASCII as browsers do (UTS 46, not transitional, with
// their leniency): ß stays what it is, full-width letters and dots become plain
// ones, and hyphens and underscores may stand where DNS lets them.
var hostnames = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.BidiRule(),
	idna.CheckHyphens(false),
	idna.StrictDomainName(false),
)

// asciiHost is a host name in ASCII. What is not a name stays as it is: whoever looks
// it up finds nothing.
func asciiHost(name string) string {
	if isASCII(name) {
		return name
	}
	rest, isGlob := strings.CutPrefix(name, "*.")
	ascii, err := hostnames.ToASCII(rest)
	if err != nil || ascii == "" {
		return name
	}
	if isGlob {
		return "*." + ascii
	}
	return ascii
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// plainHost is a host name as rules and certificates have it: ASCII, lower case,
// without the dot at the end.
func plainHost(host string) string {
	return strings.ToLower(strings.TrimSuffix(asciiHost(host), "."))
}

// plainHostPort makes a Host header ASCII and leaves it otherwise alone.
func plainHostPort(hostport string) string {
	if isASCII(hostport) {
		return hostport
	}
	if host, port, err := net.SplitHostPort(hostport); err == nil {
		return net.JoinHostPort(asciiHost(host), port)
	}
	return asciiHost(hostport)
}

// lookupName is a host name as a resolver wants it. The dot at the end of a full
// name stays: it keeps the search domains out.
func lookupName(host string) string {
	host = asciiHost(host) // whose dot may be one of another script
	name := plainHost(host)
	if strings.Contains(name, ".") && strings.HasSuffix(host, ".") {
		name += "."
	}
	return name
}
