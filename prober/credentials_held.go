package prober

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// holder is a kind whose options may hold credentials, which a probe shows to whatever it
// connects to. held names the options that do.
type holder interface{ held() []string }

// Credentials names the options of the module that hold credentials: passwords, tokens,
// headers that tell who asks, client certificates, what a dialogue gives away.
func (m *Module) Credentials() []string {
	if m == nil {
		return nil
	}
	return m.held
}

func heldBy(s spec) []string {
	h, ok := s.(holder)
	if !ok {
		return nil
	}
	list := h.held()
	slices.Sort(list)
	return slices.Compact(list)
}

func (p *healthProbe) held() []string { return heldByClient("", &p.Client) }

func (p *httpProbe) held() []string {
	list := append(heldByClient("", &p.Client), heldByHeaders("headers", p.Headers)...)
	body, err := textOrFile(p.Body, p.BodyFile)
	switch {
	case err != nil: // whatever it will be when it can be read
		list = append(list, "body_file")
	case isSecret(body):
		list = append(list, "body")
	}
	return list
}

func (p *websocketProbe) held() []string {
	list := append(heldByClient("http_config.", &p.Client), heldByHeaderOptions("headers", &p.Headers)...)
	return append(list, heldByDialogue(p.QueryResponse)...)
}

func (p *grpcProbe) held() []string {
	list := heldByTLS("", &p.TLSConfig)
	for name, values := range p.Metadata {
		if slices.ContainsFunc(values, func(value string) bool { return tellsWho(name, value) }) {
			list = append(list, "metadata."+name)
		}
	}
	return list
}

func (p *dnsProbe) held() []string { return heldByTLS("", &p.TLSConfig) }

// held is that of the kinds tcp and unix.
func (d *Dialogue) held() []string {
	return append(heldByTLS("", &d.TLSConfig), heldByDialogue(d.QueryResponse)...)
}

func heldByClient(path string, options *config.HTTPClientConfig) []string {
	list := heldByTLS(path, &options.TLSConfig)
	for _, each := range []struct {
		key  string
		held bool
	}{
		{"basic_auth", options.BasicAuth != nil},
		{"authorization", options.Authorization != nil},
		{"oauth2", options.OAuth2 != nil},
		{"bearer_token", options.BearerToken != "" || options.BearerTokenFile != ""},
	} {
		if each.held {
			list = append(list, path+each.key)
		}
	}
	return append(list, heldByHeaderOptions(path+"http_headers", options.HTTPHeaders)...)
}

// heldByTLS finds a certificate of our own. That of a token's endpoint is not shown to targets.
func heldByTLS(path string, options *config.TLSConfig) []string {
	if options.CertFile == "" && options.Cert == "" && options.KeyFile == "" && options.Key == "" {
		return nil
	}
	return []string{path + "tls_config"}
}

func heldByHeaders(path string, headers map[string]string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if tellsWho(name, headers[name]) {
			list = append(list, path+"."+name)
		}
	}
	return list
}

// heldByHeaderOptions counts what is called a secret or stands in a file, whatever the
// header's name.
func heldByHeaderOptions(path string, headers *config.Headers) (list []string) {
	if headers == nil {
		return nil
	}
	for name, header := range headers.Headers {
		tells := slices.ContainsFunc(header.Values, func(value string) bool { return tellsWho(name, value) })
		if tells || len(header.Secrets)+len(header.Files) > 0 {
			list = append(list, path+"."+name)
		}
	}
	return list
}

// tellsWho reports whether a header is one of those that tell who asks, by its name or by
// what it says.
func tellsWho(name, value string) bool {
	return redact.Name(name) || strings.Contains(strings.ToLower(name), "session") || isSecret(name+": "+value)
}

// isSecret reports whether a text has something in it that would be hidden wherever it
// were shown, or that is put there later.
func isSecret(text string) bool {
	return strings.Contains(text, "${file:") || strings.Contains(text, "${env:") || redact.Text(text) != text
}

// heldByDialogue finds the steps that log in. What is only unknown, as the bytes of a
// protocol are, is none.
func heldByDialogue(steps []QueryResponse) (list []string) {
	asked := false // whether the peer has been asked to ask for the secret
	for i, step := range steps {
		text := strings.TrimSpace(step.Send)
		if text == "" {
			continue
		}
		asked = asked && !isHarmlessAlone(strings.ToUpper(text))
		secret := asked || isSecret(step.Send)
		for line := range strings.Lines(step.Send) {
			given, method := login(strings.TrimRight(line, "\r\n"))
			secret, asked = secret || given, asked || method
		}
		if secret {
			list = append(list, fmt.Sprintf("query_response[%d].send", i))
		}
	}
	return list
}

// login reports whether a line is a command that logs in, with what is needed for it; or
// whether it only names the method, and the secret comes later.
func login(line string) (secret, method bool) {
	words := strings.Fields(line[len(lineTag.FindString(line)):])
	if len(words) < 2 {
		return false, false
	}
	switch strings.ToUpper(words[0]) {
	case "PASS", "PASSWD", "APOP", "OPER", "IDENTIFY", "LOGIN":
		return true, false
	case "AUTH", "AUTHENTICATE", "AUTHINFO":
	default:
		return false, false
	}
	switch strings.ToUpper(words[1]) {
	case "TLS", "SSL", "TLS-C", "TLS-P": // of FTP: it begins to encrypt
		return false, false
	case "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "NTLM", "GSSAPI", "EXTERNAL":
		return len(words) > 2, len(words) == 2
	}
	return true, false
}
