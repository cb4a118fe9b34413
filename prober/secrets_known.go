package prober

import (
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/config"
)

// shortestSecret is how long a secret must be to be looked for: shorter ones are in many
// a harmless text.
const shortestSecret = 4

// longestSecret is how long one may be: what is longer is a message, and no word of it.
const longestSecret = 4 << 10

// secrets are those of a module: of its options, in the files that these name, and the
// token that it was given. A peer may send back what it was sent, and an error quotes it.
type secrets struct {
	fixed []string
	files []secretFile
	token func() string // nil if there is never one

	mu      sync.Mutex // guards what follows
	read    [2][]string
	granted [2]string // of each the one before, too: it may still be on its way back
	masker  *masker
}

// secretFile reads what is secret in a file, as often as it is asked to: they rotate.
type secretFile func() []string

// secretsOf finds the secrets among the options of a kind; nil if there are none.
func secretsOf(options any) *secrets {
	s := &secrets{}
	collectSecrets(reflect.ValueOf(options), func(text string) { s.fixed = append(s.fixed, text) }, func(file secretFile) { s.files = append(s.files, file) })
	if who, ok := options.(interface{ tokens() *tokenSource }); ok && who.tokens() != nil {
		s.token = who.tokens().current
	}
	s.masker = maskerOf(s.fixed)
	if s.masker == nil && len(s.files) == 0 && s.token == nil {
		return nil
	}
	return s
}

// reread looks into the files again.
func (s *secrets) reread() {
	if len(s.files) == 0 {
		return
	}
	var list []string
	for _, file := range s.files {
		list = append(list, file()...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(list, s.read[0]) {
		s.read = [2][]string{list, s.read[0]}
		s.remake()
	}
}

// Replace is the text without the secrets.
func (s *secrets) Replace(text string) string {
	if r := s.current(); r != nil {
		return r.Replace(text)
	}
	return text
}

func (s *secrets) current() *masker {
	if s.token == nil && len(s.files) == 0 {
		return s.masker
	}
	token := ""
	if s.token != nil {
		token = s.token()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if token != s.granted[0] {
		s.granted = [2]string{token, s.granted[0]}
		s.remake()
	}
	return s.masker
}

// remake needs mu.
func (s *secrets) remake() {
	s.masker = maskerOf(slices.Concat(s.fixed, s.read[0], s.read[1], s.granted[:]))
}

// isSecretFile reports whether an option of that name is a file with a secret.
func isSecretFile(field string) bool {
	return field == "CredentialsFile" || field == "BearerTokenFile" || field == "ClientSecretFile"
}

// secretIn is what stands in a file. What cannot be read, or is no secret by its size, is
// none; and what is not a file might keep us waiting.
func secretIn(file string) string {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestSecret+2))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// fileLogin is the password, and what becomes of it in the header.
func fileLogin(b *config.BasicAuth) []string {
	username, password := b.Username, string(b.Password)
	if b.UsernameFile != "" {
		username = secretIn(b.UsernameFile)
	}
	if b.PasswordFile != "" {
		password = secretIn(b.PasswordFile)
	}
	list := []string{password, username + ":" + password}
	addWords(password, func(word string) { list = append(list, word) })
	return list
}
