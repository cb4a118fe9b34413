package redact

import (
	"slices"
	"strings"
)

// maskUserinfo hides who logs in, and with which password, in URLs and in data
// source names such as user:password@tcp(host)/db. Words that hold an @ are
// looked at one by one, up to their last @: passwords may have one too.
func maskUserinfo(text string) string {
	r := rewriter{text: text}
	for at := 0; ; {
		i := strings.IndexByte(text[at:], '@')
		if i < 0 {
			return r.result()
		}
		from, to := wordAround(text, at, at+i)
		word := text[from:to]
		if colon, _ := schemeEnd(word, 0); colon >= 0 {
			maskURLs(&r, from, to)
		} else if user, end, ok := dataSource(word); ok {
			r.mask(from+user, from+end)
		}
		at = to
	}
}

// wordAround is the word that i is in: up to spaces, or from the quote of a
// quoted URL, where even a space may be part of a password.
func wordAround(text string, floor, i int) (from, to int) {
	from = i
	for from > floor && !isSpace(text[from-1]) && !isQuote(text[from-1]) {
		from--
	}
	const furthest = 200
	for j := from; j > floor && isBlank(text[from-1]) && i-j < furthest && text[j-1] != '\n'; j-- {
		if isQuote(text[j-1]) {
			if scheme := skip(text, j, isName); strings.HasPrefix(text[scheme:], "://") {
				from = j
			}
			break
		}
	}
	to = skip(text, i, func(c byte) bool { return !isSpace(c) && !isQuote(c) })
	return from, max(to, i+1)
}

// maskURLs hides the userinfo of each URL of a word that has an @ in it.
func maskURLs(r *rewriter, from, to int) {
	word := r.text[from:to]
	last := strings.LastIndexByte(word, '@')
	for at := 0; ; {
		colon, after := schemeEnd(word, at)
		if colon < 0 || after > last {
			return
		}
		scheme := schemeBefore(word, colon)
		at = after
		end := last
		if isWeb(scheme) {
			end = webUserinfo(word, at, last)
		}
		if end > at && word[at:end] != "git" {
			r.mask(from+at, from+end)
			at = end
		}
	}
}

// schemeEnd finds the next colon with two slashes behind it, escaped ones too, as JSON
// may have them; -1 if there is none.
func schemeEnd(word string, at int) (colon, after int) {
	for {
		i := strings.IndexByte(word[at:], ':')
		if i < 0 {
			return -1, 0
		}
		colon = at + i
		at = colon + 1
		slashes := 0
		for j := at; j < len(word) && (word[j] == '/' || word[j] == '\\'); {
			if j++; word[j-1] == '/' {
				if slashes++; slashes == 2 {
					return colon, j
				}
			}
		}
	}
}

func schemeBefore(word string, i int) string {
	from := i
	for from > 0 && i-from < 16 && (isAlnum(word[from-1]) || word[from-1] == '+') {
		from--
	}
	return word[from:i]
}

// isWeb reports whether paths of the scheme may have an @ that ends no userinfo.
func isWeb(scheme string) bool {
	switch strings.ToLower(scheme) {
	case "http", "https", "ws", "wss", "ftp", "file", "unix":
		return true
	}
	return false
}

// webUserinfo is where the userinfo ends that begins at from, or from. A slash
// ends the authority, unless it can only be part of a password: what stands
// before it is not a host with a port.
func webUserinfo(word string, from, last int) int {
	authority := word[from:]
	if i := strings.IndexAny(authority, `/?#\`); i >= 0 {
		authority = authority[:i]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		return from + i
	}
	host, port, found := strings.Cut(authority, ":")
	if found && !strings.HasPrefix(host, "[") && !all(port, isDigit) {
		return last
	}
	return from
}

// dataSource finds user:password in a word without a scheme.
func dataSource(word string) (from, to int, ok bool) {
	to = strings.LastIndexByte(word, '@')
	login, host := word[:to], word[to+1:]
	colon := strings.IndexByte(login, ':')
	if colon < 0 || strings.HasPrefix(word, "<") {
		return 0, 0, false
	}
	from = strings.LastIndexAny(login[:colon], "=([{,;") + 1
	if from == 0 && strings.HasPrefix(login, "//") {
		from = 2 // a URL whose scheme was taken away
	}
	user := login[from:colon]
	if driverAddress(host) {
		return from, to, true
	}
	port := strings.Contains(host, ":")
	switch {
	case user == "" && !port, colon+1 == to, strings.Contains(user, "/"), isAddressScheme(user):
		return 0, 0, false
	case from != 2 && !port && isAddressKind(user):
		return 0, 0, false
	}
	return from, to, looksLikeHost(host)
}

// driverAddress recognises what only a driver for MySQL or the like has after the @.
func driverAddress(host string) bool {
	return slices.ContainsFunc([]string{"tcp(", "tcp6(", "unix(", "cloudsql(", "(", "/"}, func(prefix string) bool {
		return strings.HasPrefix(host, prefix)
	})
}

// looksLikeHost distinguishes hosts from versions and digests, which follow an @ as well.
func looksLikeHost(host string) bool {
	if strings.HasPrefix(host, "[") {
		return true
	}
	end := skip(host, 0, isName)
	rest := host[end:]
	host = host[:end]
	if strings.HasPrefix(host, "sha") && strings.HasPrefix(rest, ":") {
		return false
	}
	if version := strings.TrimPrefix(host, "v"); version != "" && isDigit(version[0]) {
		numbers := !has(strings.ReplaceAll(version, ".", ""), isLetter)
		return numbers && strings.Count(version, ".") == 3
	}
	return strings.Contains(host, ".") || strings.HasPrefix(rest, ":") || equalFold(host, "localhost")
}

// isAddressScheme reports whether URLs of the scheme have no //, and an @ that ends no password.
func isAddressScheme(word string) bool {
	switch strings.ToLower(word) {
	case "mailto", "sip", "sips", "xmpp", "acct", "pkg", "npm", "tag", "urn", "cid", "mid", "jid", "git", "scp", "ssh":
		return true
	}
	return false
}

// isAddressKind reports whether a word precedes the address of a person in a log.
func isAddressKind(word string) bool {
	switch strings.ToLower(word) {
	case "email", "mail", "e-mail", "to", "from", "cc", "bcc", "reply-to", "rcpt", "user", "owner", "contact", "author",
		"sender", "recipient", "account", "login", "by", "for", "id":
		return true
	}
	return false
}
