package redact

import (
	"encoding/base64"
	"strings"
)

// maskNamed hides the values of secret names, in whatever notation they stand:
// name=value, "name": "value", name: value, <name>value</name>, --name value; and
// credentials after the word Bearer or Basic.
func maskNamed(text string) string {
	r := rewriter{text: text}
	for i := 0; i < len(text); {
		if !isName(text[i]) {
			i++
			continue
		}
		end := skip(text, i, isName)
		n := named{text: text, from: unescaped(text, i, end), end: end}
		from, to := n.secret()
		if from >= to && n.from > i { // or is it a name, in C:\token?
			n.from = i
			from, to = n.secret()
		}
		i = end
		if from < to {
			r.mask(from, to)
			i = max(to, end)
		}
	}
	return r.result()
}

// named is a name in a text.
type named struct {
	text      string
	from, end int
}

func (n named) name() string { return n.text[max(n.from, n.end-maxName):n.end] }

// before is the byte before the name; a text begins like a line.
func (n named) before() byte {
	if n.from == 0 {
		return '\n'
	}
	return n.text[n.from-1]
}

// secret is the part of the text that is the secret of this name, or nothing.
func (n named) secret() (from, to int) {
	p := separatorAfter(n.text, n.end)
	switch {
	case p.kind == 0 && n.isElement():
		return n.element()
	case p.kind == 0:
		return n.word()
	case p.value >= len(n.text):
		return 0, 0
	case isSpace(n.text[p.value]), p.kind == ':' && isBlockMark(n.text, p.value):
		return n.block(p)
	}
	name := n.name()
	switch {
	case loginFlag(name):
		return login(n.text, p.value)
	case p.kind == ':' && isSourceFile(name):
		return 0, 0
	case equalFold(name, "value"):
		return n.valueOfName(p)
	case Name(name), equalFold(name, "pwd") && !isPath(n.text[p.value:]):
		return n.pair(p)
	case n.before() == '?' || n.before() == '&':
		if isQuerySecret(name) {
			return n.pair(p)
		}
	}
	return 0, 0
}

// isSourceFile distinguishes names of files, as in auth.go:17, from names of settings.
func isSourceFile(name string) bool {
	switch strings.ToLower(name[strings.LastIndexByte(name, '.')+1:]) {
	case "go", "py", "js", "ts", "rb", "rs", "java", "c", "h", "cc", "cpp", "php", "yml", "yaml", "json", "toml", "ini",
		"pem", "crt", "html", "sql", "sh", "md", "txt", "conf", "cfg", "log":
		return strings.Contains(name, ".")
	}
	return false
}

// isPath distinguishes the shell's PWD from that of a connection string.
func isPath(s string) bool { return s[0] == '/' || s[0] == '~' || len(s) > 1 && s[1] == ':' }

// isQuerySecret reports whether a name is a secret in a URL, and only there.
func isQuerySecret(name string) bool {
	return equalFold(name, "code") || equalFold(name, "session") || equalFold(name, "ticket")
}

// word is a name with nothing but a space after it: a flag, or a scheme of
// authentication.
func (n named) word() (from, to int) {
	from = skipBlank(n.text, n.end)
	if from == n.end || from == len(n.text) {
		return 0, 0
	}
	name := n.name()
	switch {
	case isVerb(name):
		return n.credentials(from)
	case equalFold(name, "password") && strings.Contains(n.text[max(0, n.from-64):n.from], "login "): // ~/.netrc
		return extent(n.text, from, '=')
	case name == "-gt":
		return extent(n.text, from, '=')
	case name[0] == '-' && loginFlag(name):
		return login(n.text, from)
	case strings.HasPrefix(name, "--") && n.text[from] != '-' && takesSecret(name):
		from, to = extent(n.text, from, '=')
		if isPlainWord(n.text[from:to]) {
			return 0, 0
		}
		return from, to
	case isQuote(n.text[from]) && hasFold(name, "pass") && Name(name):
		from, to = extent(n.text, from, '=') // wrong password "x"
		if isNoSecret(n.text[from:to]) {
			return 0, 0
		}
		return from, to
	case equalFold(name, "bearer"):
		return bearer(n.text, from)
	case equalFold(name, "basic"):
		return basic(n.text, from)
	}
	return 0, 0
}

// bearer is the token after the word Bearer, unless it is the next word of a
// sentence or the challenge of a server.
func bearer(text string, from int) (int, int) {
	to := skip(text, from, func(c byte) bool { return isToken(c) || c == '*' || c == ':' })
	to = skip(text, to, func(c byte) bool { return c == '=' })
	word := text[from:to]
	if strings.HasSuffix(word, "=") && to < len(text) && isQuote(text[to]) || isPlainWord(word) {
		return 0, 0
	}
	return from, trimEnd(text, from, to)
}

// basic is user:password in base64 after the word Basic; other words are prose.
func basic(text string, from int) (int, int) {
	end := skip(text, from, func(c byte) bool { return isAlnum(c) || c == '+' || c == '/' || c == '-' || c == '_' })
	to := skip(text, end, func(c byte) bool { return c == '=' })
	word := strings.NewReplacer("-", "+", "_", "/").Replace(text[from:min(end, from+400)])
	plain, err := base64.RawStdEncoding.DecodeString(word[:len(word)/4*4])
	if err != nil || !strings.Contains(string(plain), ":") {
		return 0, 0
	}
	return from, to
}

// loginFlag reports whether a flag takes user:password, as those of curl.
func loginFlag(name string) bool {
	switch name {
	case "-u", "-U", "--user", "--proxy-user":
		return true
	}
	return false
}

// login is the value of such a flag.
func login(text string, from int) (int, int) {
	from, to := extent(text, from, '=')
	if !isLogin(text[from:to]) {
		return 0, 0
	}
	return from, to
}

// isLogin distinguishes user:password from the ids of a user and a group.
func isLogin(text string) bool {
	user, password, _ := strings.Cut(text, ":")
	return password != "" && !(all(user, isDigit) && all(password, isDigit))
}
