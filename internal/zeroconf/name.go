package zeroconf

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/internal/dnssd"
	"github.com/health-exporter/health_exporter/prober"
)

const maxInstance = 63 // bytes, since it is one label of a domain name

// Escape writes the name of an instance as one label of a domain name.
func Escape(instance string) string {
	var b strings.Builder
	for i := range len(instance) {
		switch c := instance[i]; {
		case strings.IndexByte(`.'@;()"\ `, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20 || c > 0x7e:
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Unescape is the opposite of Escape; ok is false for what no label can be.
func Unescape(label string) (instance string, ok bool) {
	b := make([]byte, 0, len(label))
	for i := 0; i < len(label); i++ {
		if label[i] != '\\' {
			b = append(b, label[i])
			continue
		}
		rest := label[i+1:]
		switch n, digits := decimal(rest); {
		case digits && n < 256:
			b = append(b, byte(n))
			i += 3
		case rest == "" || rest[0] >= '0' && rest[0] <= '9':
			return "", false
		default:
			b = append(b, rest[0])
			i++
		}
	}
	return string(b), len(b) > 0 && len(b) <= maxInstance && utf8.Valid(b)
}

// decimal reads three digits.
func decimal(text string) (n int, ok bool) {
	if len(text) < 3 {
		return 0, false
	}
	for _, c := range []byte(text[:3]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// splitName takes the instance and the type of service out of a full name such as
// My\ NAS._http._tcp.local.
func splitName(full string) (instance, service string, ok bool) {
	full, ok = cutSuffixFold(full, ".local.")
	if !ok {
		return "", "", false
	}
	for range 2 { // _tcp, and then _http
		i := strings.LastIndexByte(full, '.')
		if i <= 0 {
			return "", "", false
		}
		if service != "" {
			service = "." + service
		}
		service = full[i+1:] + service
		full = full[:i]
	}
	service, err := dnssd.ParseType(service)
	instance, ok = Unescape(full)
	return instance, service, ok && err == nil
}

func cutSuffixFold(text, suffix string) (before string, found bool) {
	i := len(text) - len(suffix)
	if i < 0 || !strings.EqualFold(text[i:], suffix) {
		return text, false
	}
	return text[:i], true
}

// appName makes a target's name of that of an instance: printable, without a slash.
func appName(instance string) (app string, ok bool) {
	app = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '/':
			return '-'
		case r == utf8.RuneError || prober.NotPrintable(r):
			return -1
		}
		return r
	}, instance))
	return app, app != "" && app != "." && app != ".."
}
