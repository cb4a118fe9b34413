package prober

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// tidyURL makes a URL one that can go over the wire: its host in ASCII, and in its
// query no byte that would end the line of the request, or that must be escaped.
func tidyURL(u *url.URL) {
	u.Host = plainHostPort(u.Host)
	u.RawQuery = escapeBytes(u.RawQuery, func(c byte) bool {
		return c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>'
	})
}

func escapeBytes(text string, odd func(byte) bool) string {
	for i := range len(text) {
		if !odd(text[i]) {
			continue
		}
		escaped := []byte(text[:i])
		for _, c := range []byte(text[i:]) {
			if odd(c) {
				escaped = fmt.Appendf(escaped, "%%%02X", c)
			} else {
				escaped = append(escaped, c)
			}
		}
		return string(escaped)
	}
	return text
}

// redirection is where an answer redirects to, if it does: a 3xx that is to be
// followed and says where to. relative reports whether it names no host.
func redirection(code int, header http.Header, base *url.URL) (to *url.URL, relative bool, err error) {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, false, nil
	}
	location := header.Get("Location")
	if location == "" {
		return nil, false, nil
	}
	ref, err := parseLocation(location)
	if err != nil {
		return nil, false, because(ReasonRedirect, errors.New("redirect to an invalid URL"))
	}
	to = base.ResolveReference(ref)
	if plainHost(to.Hostname()) == "" && (to.Scheme == "http" || to.Scheme == "https") {
		return nil, false, because(ReasonRedirect, errors.New("redirect to a URL without a host"))
	}
	tidyURL(to)
	return to, !ref.IsAbs() && ref.Host == "", nil
}

// parseLocation reads what a browser would follow too: a % that begins no escape
// is one itself, and control characters are escaped.
func parseLocation(text string) (*url.URL, error) {
	ref, err := url.Parse(text)
	if err == nil {
		return ref, nil
	}
	text, _, _ = strings.Cut(text, "#") // which never goes over the wire
	text = escapeBytes(text, func(c byte) bool { return c < ' ' || c == 0x7f })
	path, query, asks := strings.Cut(text, "?")
	host := ""
	if i := strings.Index(path, "//"); i == 0 || i > 0 && path[i-1] == ':' {
		i += len("//")
		end := i + strings.IndexByte(path[i:]+"/", '/')
		host, path = path[:end], path[end:]
	}
	text = host + escapeLonePercents(path)
	if asks {
		text += "?" + query
	}
	return url.Parse(text)
}

func escapeLonePercents(path string) string {
	var b strings.Builder
	for i := range len(path) {
		b.WriteByte(path[i])
		if path[i] == '%' && (i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2])) {
			b.WriteString("25")
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// sameHost reports whether two URLs name the same host; ports do not matter.
func sameHost(a, b *url.URL) bool { return plainHost(a.Hostname()) == plainHost(b.Hostname()) }

// withPort is the host and port of a URL as they are dialled and compared.
func withPort(u *url.URL) string {
	host, port := plainHost(u.Hostname()), u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]:" + port
	}
	return host + ":" + port
}

// portOf is the port that a URL leads to.
func portOf(u *url.URL) uint16 {
	_, digits, _ := net.SplitHostPort(withPort(u))
	n, _ := strconv.ParseUint(digits, 10, 16)
	return uint16(n)
}
