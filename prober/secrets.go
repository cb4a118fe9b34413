package prober

import (
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/prometheus/common/config"
)

// Options are the module's options, with their defaults, for who shows them. They must
// not be changed.
func (m *Module) Options() any { return m.spec }

// collectSecrets walks over options, by their types. What stands in files is for later.
func collectSecrets(v reflect.Value, add func(string), later func(secretFile)) {
	if !v.IsValid() || !v.CanInterface() {
		return
	}
	switch x := v.Interface().(type) {
	case config.Secret:
		add(string(x))
		addWords(string(x), add)
		return
	case *config.BasicAuth:
		if x != nil {
			add(string(x.Password))
			add(x.Username + ":" + string(x.Password))
			addWords(string(x.Password), add)
			if x.PasswordFile != "" || x.UsernameFile != "" {
				later(func() []string { return fileLogin(x) })
			}
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
			for _, file := range header.Files {
				later(func() []string { return []string{secretIn(file)} })
			}
		}
		return
	case map[string][]string: // of metadata
		for name, values := range x {
			for _, value := range values {
				addHeader(name, value, add)
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		collectSecrets(v.Elem(), add, later)
	case reflect.Struct:
		for f, field := range v.Fields() {
			switch {
			case !f.IsExported():
			case f.Name == "Body" && field.Kind() == reflect.String:
				addBody(field.String(), add)
			case f.Name == "BodyFile" && field.String() != "":
				later(func() (list []string) {
					addBody(secretIn(field.String()), func(text string) { list = append(list, text) })
					return list
				})
			case isSecretFile(f.Name) && field.String() != "":
				later(func() []string { return []string{secretIn(field.String())} })
			default:
				collectSecrets(field, add, later)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			collectSecrets(v.Index(i), add, later)
		}
	case reflect.Map:
		for _, each := range v.Seq2() {
			collectSecrets(each, add, later)
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

// addWords adds the words of a secret that has several, or parts of a URL: what a peer says
// is taken apart, and an error may quote a part.
func addWords(text string, add func(string)) {
	parts := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("/?#", r) }
	if words := strings.FieldsFunc(text, parts); len(words) > 1 {
		for _, word := range words {
			addSecretWord(word, add)
		}
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
