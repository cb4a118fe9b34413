package prober

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/common/config"
)

// shortestSecret is how long a secret must be to be looked for: shorter ones are in many
// a harmless text.
const shortestSecret = 4

// longestSecret is how long one may be: what is longer is a message, and no word of it.
const longestSecret = 4 << 10

// Options are the module's options, with their defaults, for who shows them. They must
// not be changed.
func (m *Module) Options() any { return m.spec }

// secretsOf finds the secrets among the options of a kind: a peer may send back what it
// was sent, and an error quotes it.
func secretsOf(options any) *strings.Replacer {
	found := map[string]bool{}
	add := func(text string) {
		if len(text) < shortestSecret || len(text) > longestSecret {
			return
		}
		for _, each := range []string{text, url.QueryEscape(text), escapedJSON(text), base64.StdEncoding.EncodeToString([]byte(text))} {
			found[each] = true
		}
	}
	collectSecrets(reflect.ValueOf(options), add)
	if len(found) == 0 {
		return nil
	}
	var pairs []string
	for _, text := range slices.SortedFunc(keysOf(found), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) // or a part of one would go first
	}) {
		pairs = append(pairs, text, hidden)
	}
	return strings.NewReplacer(pairs...)
}

func keysOf(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func escapedJSON(text string) string {
	escaped, _ := json.Marshal(text)
	return strings.Trim(string(escaped), `"`)
}

// collectSecrets walks over options, by their types.
func collectSecrets(v reflect.Value, add func(string)) {
	if !v.IsValid() || !v.CanInterface() {
		return
	}
	switch x := v.Interface().(type) {
	case config.Secret:
		add(string(x))
		return
	case *config.BasicAuth:
		if x != nil {
			add(string(x.Password))
			add(x.Username + ":" + string(x.Password))
		}
		return
	case config.URL:
		if x.URL != nil && x.User != nil {
			password, _ := x.User.Password()
			add(password)
		}
		return
	case QueryResponse:
		addLine(x.Send, add)
		return
	case map[string]string: // of headers; no kind has another one
		for name, value := range x {
			addHeader(name, value, add)
		}
		return
	case map[string]config.Header:
		for name, header := range x {
			for _, value := range header.Values {
				addHeader(name, value, add)
			}
			for _, value := range header.Secrets {
				add(string(value))
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		collectSecrets(v.Elem(), add)
	case reflect.Struct:
		for f, field := range v.Fields() {
			switch {
			case !f.IsExported():
			case f.Name == "Body" && field.Kind() == reflect.String:
				addBody(field.String(), add)
			default:
				collectSecrets(field, add)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			collectSecrets(v.Index(i), add)
		}
	}
}

// addHeader adds the credentials of a header, without the scheme before it.
func addHeader(name, value string, add func(string)) {
	if shownLine(name+": x") != hidden && !strings.HasSuffix(shownLine(name+": x"), hidden) || strings.HasPrefix(strings.ToLower(name), "accept") {
		return
	}
	add(value)
	if _, token, found := strings.Cut(value, " "); found {
		add(token)
	}
}

// addBody adds what is sent, and the values of a form or of JSON in it.
func addBody(body string, add func(string)) {
	add(body)
	var value any
	if json.Unmarshal([]byte(body), &value) == nil {
		addValues(value, add)
		return
	}
	if form, err := url.ParseQuery(body); err == nil && strings.Contains(body, "=") {
		for _, list := range form {
			for _, each := range list {
				addSecretWord(each, add)
			}
		}
	}
}

func addValues(value any, add func(string)) {
	switch v := value.(type) {
	case string:
		addSecretWord(v, add)
	case []any:
		for _, each := range v {
			addValues(each, add)
		}
	case map[string]any:
		for _, each := range v {
			addValues(each, add)
		}
	}
}

// addSecretWord adds a value of a body unless it is a short word, as names of methods are,
// which are in many a harmless text.
func addSecretWord(text string, add func(string)) {
	const shortest = 8
	if len(text) >= shortest {
		add(text)
	}
}

// addLine adds the words of a dialogue that are not shown.
func addLine(line string, add func(string)) {
	if len(line) > longestSecret || strings.Contains(line, "${") {
		return // nobody knows yet what it will be
	}
	shown := ShownLine(line)
	if shown == line {
		return
	}
	public := strings.Fields(shown)
	for word := range strings.FieldsSeq(line) {
		if !slices.Contains(public, word) {
			add(word)
			add(strings.Trim(word, `:"'`))
		}
	}
}

// scrubbed is the result without the secrets of the module.
func (m *Module) scrubbed(res Result) Result {
	if m.secrets != nil {
		res.Error = m.secrets.Replace(res.Error)
		if res.Response != nil {
			if clean := m.secrets.Replace(string(res.Response)); clean != string(res.Response) {
				res.Response = []byte(clean)
			}
		}
	}
	return res
}

// scrubbing is the log without the secrets of the module.
func (m *Module) scrubbing(log *slog.Logger) *slog.Logger {
	if m.secrets == nil || log == nil {
		return log
	}
	return slog.New(&scrubber{log.Handler(), m.secrets})
}

// scrubber is a log handler that hides the secrets of a module in all texts.
type scrubber struct {
	next    slog.Handler
	secrets *strings.Replacer
}

func (s *scrubber) Enabled(ctx context.Context, level slog.Level) bool {
	return s.next.Enabled(ctx, level)
}

func (s *scrubber) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, s.secrets.Replace(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(s.attr(a))
		return true
	})
	return s.next.Handle(ctx, clean)
}

func (s *scrubber) attr(a slog.Attr) slog.Attr {
	switch value := a.Value.Resolve(); value.Kind() {
	case slog.KindString, slog.KindAny:
		return slog.String(a.Key, s.secrets.Replace(value.String()))
	}
	return a
}

func (s *scrubber) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = s.attr(a)
	}
	return &scrubber{s.next.WithAttrs(clean), s.secrets}
}

func (s *scrubber) WithGroup(name string) slog.Handler {
	return &scrubber{s.next.WithGroup(name), s.secrets}
}
