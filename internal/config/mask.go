package config

import (
	"encoding/json"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/prober"
)

// masked stands in the place of a secret.
const masked = "<secret>"

// The keys under which headers are shown.
const (
	secretHeader   = "\x00secret header"
	harmlessHeader = "\x00header"
)

var (
	// secretKey knows the names of keys whose values are secrets.
	secretKey = regexp.MustCompile(`(?i)pass|secret|token|credential|cookie|auth|api-?_?key|(?:^|_)key$|private|session|bearer|signature|dsn`)
	// publicKey are names that only look so.
	publicKey = regexp.MustCompile(`(?i)_file$|_files$|_url$|_env$|_ref$|^authorization$|^oauth2$|^basic_auth$|^auth$|^tokens$|^validate_authority_rrs$|_algorithm$|_key_id$|passthrough|passive`)
)

// isSecretKey reports whether what stands under a key is a secret: one of ours, or any
// other that is named so.
func isSecretKey(key string) bool {
	if key == "" || publicKey.MatchString(key) {
		return false
	}
	return key == secretHeader || secretKey.MatchString(key) || redact.Name(key)
}

// shownText is a text without secrets, as the key says what it is.
func shownText(key, text string) string {
	switch {
	case text == "":
		return text
	case isSecretKey(key):
		return masked
	case key == "grant_type": // one of two words, which look like secrets
		return text
	case key == harmlessHeader:
		return redact.Text(text)
	case key == "send":
		return prober.ShownLine(text)
	case key == "body":
		return shownBody(text)
	case key == "env": // of a program: NAME=value
		name, _, _ := strings.Cut(text, "=")
		return redact.Text(name) + "=" + masked
	case key == "webhook_url":
		return shownCapability(text)
	case strings.Contains(text, "://"):
		return shownURL(text)
	}
	return redact.Text(text)
}

// isHeaders reports whether the keys below a key are the names of headers.
func isHeaders(key string) bool {
	return key == "headers" || key == "http_headers" || key == "proxy_connect_header" || key == "metadata"
}

// isHarmlessHeader reports whether a header says what is wanted, and not who wants it. Of
// all others nobody knows what they mean to whom.
func isHarmlessHeader(name string) bool {
	return slices.Contains([]string{
		"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "connection", "content-encoding", "content-language",
		"content-type", "expect", "host", "if-modified-since", "if-none-match", "origin", "pragma", "range", "referer",
		"sec-websocket-protocol", "te", "upgrade", "user-agent", "x-forwarded-host", "x-forwarded-proto", "x-requested-with",
	}, strings.ToLower(name))
}

// shownURL is a URL without its userinfo, the values of its query, and what else in it is
// a secret by its form.
func shownURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return masked
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	query := shownQuery(u.RawQuery)
	u.RawQuery, u.ForceQuery = "", false
	shown := redact.Text(u.String())
	if query != "" {
		shown += "?" + query
	}
	return shown
}

// shownQuery keeps the names of a query, or of a form, and the order.
func shownQuery(query string) string {
	if query == "" {
		return ""
	}
	var list []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, found := strings.Cut(pair, "=")
		switch {
		case !found && name != "": // all of it is a value
			list = append(list, masked)
		case value == "":
			list = append(list, redact.Text(name)+"=")
		default:
			list = append(list, redact.Text(name)+"="+masked)
		}
	}
	return strings.Join(list, "&")
}

// shownCapability is a URL whose path lets do something whoever knows it.
func shownCapability(raw string) string {
	if !strings.ContainsAny(raw, "/?#@") { // it is no such URL
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return masked
	}
	if strings.Trim(u.Path, "/") == "" && u.RawQuery == "" {
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + "://" + u.Host + "/" + masked
}

var form = regexp.MustCompile(`^[\w.\[\]-]+=[^\s&]*(&[\w.\[\]-]+=[^\s&]*)*$`)

// shownBody is the shape of what is sent: the names in it, and no value.
func shownBody(body string) string {
	var value any
	switch err := json.Unmarshal([]byte(body), &value); {
	case form.MatchString(body):
		return shownQuery(body)
	case err != nil:
		return masked
	}
	text, err := json.Marshal(withoutValues(value))
	if err != nil {
		return masked
	}
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(text))
}

func withoutValues(value any) any {
	switch v := value.(type) {
	case map[string]any:
		shown := map[string]any{}
		for name, each := range v {
			shown[redact.Text(name)] = withoutValues(each)
		}
		return shown
	case []any:
		for i, each := range v {
			v[i] = withoutValues(each)
		}
		return v
	case nil, bool:
		return v
	}
	return masked
}

// argumentsOf are the elements of a list; those of a command line say of each other what
// they are.
func argumentsOf(v reflect.Value, key string) []reflect.Value {
	list := make([]reflect.Value, v.Len())
	command, isCommand := reflect.TypeAssert[[]string](v)
	if isCommand && key == "command" {
		command = shownCommand(command)
	}
	for i := range list {
		if list[i] = v.Index(i); isCommand && key == "command" {
			list[i] = reflect.ValueOf(command[i])
		}
	}
	return list
}

// shownCommand is a command line without its secrets. Of -p nobody knows whether it is
// a port or a password.
func shownCommand(args []string) []string {
	shown := redact.Args(args)
	for i, arg := range args {
		value, glued := strings.CutPrefix(arg, "-p")
		if i > 0 && args[i-1] == "-p" {
			value, glued = arg, true
		}
		if glued && value != "" && strings.Trim(value, "0123456789") != "" && !strings.HasPrefix(arg, "--") {
			shown[i] = redact.Mask
		}
	}
	return shown
}
