package mail

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/internal/mailaddress"
)

// TLSMode says how the connection to a mail server is encrypted.
type TLSMode string

// The modes. The zero value is STARTTLS.
const (
	STARTTLS    TLSMode = "starttls" // before anything is said; a server without it is refused
	ImplicitTLS TLSMode = "tls"      // from the first byte
	NoTLS       TLSMode = "none"     // never: for a relay on the same machine
)

// AuthMethod says how to log in to a mail server.
type AuthMethod string

// The methods. The zero value is AuthAuto.
const (
	AuthAuto    AuthMethod = "auto" // what the server offers, if there is a user name
	AuthPlain   AuthMethod = "plain"
	AuthLogin   AuthMethod = "login"
	AuthCRAMMD5 AuthMethod = "cram-md5"
	AuthXOAUTH2 AuthMethod = "xoauth2" // the password is an access token
	AuthNone    AuthMethod = "none"
)

// SMTP sends mails through a mail server. It holds no connection between two calls,
// and may be used by several goroutines as long as Debug may.
type SMTP struct {
	// Host is the name or IP address of the server.
	Host string
	// Port is by default 587, with ImplicitTLS 465, and with NoTLS 25.
	Port int
	// TLS is by default STARTTLS.
	TLS TLSMode
	// TLSConfig has certificates to trust; nil means those of the system. The name
	// to expect is by default Host.
	TLSConfig *tls.Config
	// Auth is by default AuthAuto. A password is sent in the clear only to this machine.
	Auth AuthMethod
	// Username is empty for no login.
	Username string
	// Password is called for each connection, since files with passwords rotate. A
	// line end behind the password does not count.
	Password func() (string, error)
	// From is the sender, with a display name or without.
	From string
	// Hello is how to introduce oneself, by default localhost.
	Hello string
	// Debug receives the dialogue for a person to read, credentials masked. Nil for none.
	Debug io.Writer

	stepLimit, endLimit time.Duration // others in tests; 0 means the default
}

// Check reports all faults of the options at once. Sending with faulty ones fails.
func (s *SMTP) Check() error {
	return errors.Join(slices.Concat(s.checkServer(), s.checkLogin(), s.checkSender())...)
}

func (s *SMTP) checkServer() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if net.ParseIP(s.Host) == nil && !hostName(s.Host) {
		fault("host: %q is not allowed, must be a host name or an IP address", s.Host)
	}
	if s.Port < 0 || s.Port > 65535 {
		fault("port: %d is not allowed, must be 1 to 65535, or 0 for the default", s.Port)
	}
	if modes := []TLSMode{"", STARTTLS, ImplicitTLS, NoTLS}; !slices.Contains(modes, s.TLS) {
		fault("tls: %q is not allowed, must be one of %s", s.TLS, choices(modes[1:]))
	}
	return faults
}

func (s *SMTP) checkLogin() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	methods := []AuthMethod{"", AuthAuto, AuthPlain, AuthLogin, AuthCRAMMD5, AuthXOAUTH2, AuthNone}
	switch named := !slices.Contains([]AuthMethod{"", AuthAuto, AuthNone}, s.Auth); {
	case !slices.Contains(methods, s.Auth):
		fault("auth: %q is not allowed, must be one of %s", s.Auth, choices(methods[1:]))
	case named && s.Username == "":
		fault("username: %s needs one", s.Auth)
	case named && s.Auth != AuthCRAMMD5 && s.TLS == NoTLS && !s.local():
		fault("auth: %s without TLS is allowed only to this machine, since it shows the password to the network", s.Auth)
	}
	if strings.ContainsFunc(s.Username, hidden) {
		fault("username: %q is not allowed, must be printable", s.Username)
	}
	if s.Username != "" && s.Password == nil && s.Auth != AuthNone {
		fault("password: a user name needs one")
	}
	return faults
}

func (s *SMTP) checkSender() (faults []error) {
	if _, err := s.sender(); err != nil {
		faults = append(faults, fmt.Errorf("from: %w", err))
	}
	if s.Hello != "" && net.ParseIP(strings.Trim(s.Hello, "[]")) == nil && !hostName(s.Hello) {
		faults = append(faults, fmt.Errorf("hello: %q is not allowed, must be a host name or an IP address in brackets", s.Hello))
	}
	return faults
}

// sender is From, taken apart.
func (s *SMTP) sender() (*mail.Address, error) {
	from, err := mail.ParseAddress(s.From)
	if err == nil && !strings.ContainsFunc(from.Name, hidden) {
		if from.Address, err = mailaddress.Parse(from.Address); err == nil {
			return from, nil
		}
	}
	return nil, fmt.Errorf("%q is not allowed, must be one address such as me@example.org or Monitor <me@example.org>", s.From)
}

// hostName reports whether the text can name a host. It is meant to keep out slips of
// the pen and anything that means more than a name, not to know all about names.
func hostName(text string) bool {
	ok := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
	}
	return text != "" && len(text) <= 253 && strings.IndexFunc(text, func(r rune) bool { return !ok(r) }) < 0 &&
		!strings.HasPrefix(text, "-") && !strings.HasPrefix(text, ".") && !strings.Contains(text, "..")
}

// choices is what may be chosen from, for a fault.
func choices[T ~string](words []T) string {
	var texts []string
	for _, word := range words {
		texts = append(texts, string(word))
	}
	return strings.Join(texts, ", ")
}

// address is where to connect to.
func (s *SMTP) address() string {
	port := map[TLSMode]int{ImplicitTLS: 465, NoTLS: 25}[s.TLS]
	return net.JoinHostPort(s.Host, strconv.Itoa(cmp.Or(s.Port, port, 587)))
}

// local reports whether the server is certainly this machine.
func (s *SMTP) local() bool {
	return s.Host == "localhost" || s.Host == "127.0.0.1" || s.Host == "::1"
}

// tlsConfig is the one of the connection.
func (s *SMTP) tlsConfig() *tls.Config {
	config := &tls.Config{}
	if s.TLSConfig != nil {
		config = s.TLSConfig.Clone()
	}
	config.ServerName = cmp.Or(config.ServerName, s.Host)
	config.MinVersion = cmp.Or(config.MinVersion, tls.VersionTLS12)
	return config
}
