package config

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// recipients are a list of addresses, or a text with commas between them, as Alertmanager
// has it.
type recipients []string

// UnmarshalYAML accepts both.
func (r *recipients) UnmarshalYAML(unmarshal func(any) error) error {
	n := &yaml.Node{}
	if err := unmarshal(&n); err != nil || n.Kind != yaml.ScalarNode {
		return unmarshal((*[]string)(r))
	}
	*r = nil
	for each := range strings.SplitSeq(n.Value, ",") {
		*r = append(*r, strings.TrimSpace(each))
	}
	return nil
}

// translate puts what is said in Alertmanager's words into ours.
func (e *Email) translate(fault faultFunc) {
	for _, pair := range []struct {
		theirs, ours string
		from, to     *string
	}{
		{"auth_username", "username", &e.AuthUsername, &e.Username},
		{"auth_password_file", "password_file", &e.AuthPasswordFile, &e.PasswordFile},
	} {
		if *pair.from == "" {
			continue
		}
		if *pair.to != "" {
			fault(pair.theirs, "cannot be used together with %s: they mean the same", pair.ours)
		}
		*pair.to, *pair.from = *pair.from, ""
	}
	if e.RequireTLS == nil {
		return
	}
	switch {
	case e.TLS != "":
		fault("require_tls", "cannot be used together with tls: they mean the same")
	case strings.HasSuffix(e.Smarthost, ":465"): // TLS from the first byte, as in Alertmanager
	case *e.RequireTLS:
		e.TLS = "starttls"
	default:
		e.TLS = "none"
	}
	e.RequireTLS = nil
}
