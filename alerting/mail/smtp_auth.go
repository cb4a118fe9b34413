package mail

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// login logs in, if there is somebody to log in as.
func (d *dialogue) login() *SendError {
	s := d.smtp
	if s.Username == "" || s.Auth == AuthNone {
		return nil
	}
	_, offer := d.client.Extension("AUTH")
	method, err := s.choose(strings.Fields(strings.ToUpper(offer)), d.encrypted || s.local())
	if err != nil {
		return d.failed(&SendError{Temporary: true, Reason: ReasonAuth, Text: oneLine(err.Error(), lineCharacters)})
	}
	password, err := s.Password()
	if err != nil {
		return d.failed(&SendError{Temporary: true, Reason: ReasonAuth, Text: oneLine("reading the password: "+err.Error(), lineCharacters)})
	}
	password = strings.TrimRight(password, "\r\n")
	if password == "" {
		return d.failed(&SendError{Temporary: true, Reason: ReasonAuth, Text: "the password is empty"})
	}
	d.mask = masking(s.Username, password)
	d.say("-- logging in with %s", method)
	return d.step(ReasonAuth, func() error { return d.client.Auth(s.mechanism(method, password)) })
}

// choose finds the method to log in with among those that the server offers. Without
// encryption the password must not be seen.
func (s *SMTP) choose(offered []string, private bool) (AuthMethod, error) {
	allowed := []AuthMethod{AuthPlain, AuthLogin, AuthCRAMMD5}
	if s.Auth != "" && s.Auth != AuthAuto {
		allowed = []AuthMethod{s.Auth}
	}
	if !private {
		allowed = slices.DeleteFunc(allowed, func(m AuthMethod) bool { return m != AuthCRAMMD5 })
	}
	for _, method := range allowed {
		if slices.Contains(offered, strings.ToUpper(string(method))) {
			return method, nil
		}
	}
	if len(offered) == 0 {
		return "", fmt.Errorf("the server offers no login")
	}
	return "", fmt.Errorf("the server offers to log in with %s, and here only %q is allowed", strings.Join(offered, ", "), choices(allowed))
}

func (s *SMTP) mechanism(method AuthMethod, password string) smtp.Auth {
	switch method {
	case AuthLogin:
		return smtp.LoginAuth(s.Username, password, s.Host, false)
	case AuthCRAMMD5:
		return smtp.CRAMMD5Auth(s.Username, password)
	case AuthXOAUTH2:
		return smtp.XOAuth2Auth(s.Username, password)
	}
	return smtp.PlainAuth("", s.Username, password, s.Host, false)
}
