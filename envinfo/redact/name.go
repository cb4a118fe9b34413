package redact

import "strings"

// Name reports whether a setting, variable, header or field of that name
// holds a secret: DB_PASSWORD, apiKey, X-Auth-Token, database.dsn.
//
// What the name contains decides, not only its whole words, so a name nobody
// thought of is a secret too if "key", "token", "pass" or the like are in it. Out
// of this come only words that are known to mean something else (monkey,
// compass, author) and names that end in what is not a secret (token_file,
// key_count, auth_url).
func Name(name string) bool {
	if name == "PWD" || name == "OLDPWD" {
		return false // the shell's working directories
	}
	if len(name) > maxName {
		name = name[len(name)-maxName:]
	}
	certain, likely := secretIn(name)
	return certain || likely && !harmlessEnd(name)
}

// maxName is how much of a name is looked at.
const maxName = 160

// secretIn looks for the words of secrets. What a name with a certain one says
// at its end makes no difference.
func secretIn(name string) (certain, likely bool) {
	for i := range len(name) {
		stem := stemAt(name[i:])
		if stem == "" {
			continue
		}
		from, to := wordIn(name, i)
		switch {
		case stem == "dsn" || stem == "database" || stem == "connection":
			if wholeStem(name, i, stem) {
				return true, true
			}
		case isWholeWord(stem):
			likely = likely || from == i && to == i+len(stem)
		case stem == "key" && isKnownToAll(name[:from]):
		default:
			likely = likely || !isHarmlessWord(name[from:to])
		}
	}
	return false, likely
}

// stemAt is the piece of a secret's name that a text begins with.
func stemAt(s string) string {
	var stems []string
	switch s[0] | 0x20 {
	case 'a':
		stems = []string{"auth"}
	case 'b':
		stems = []string{"bearer"}
	case 'c':
		stems = []string{"credential", "creds", "cred", "cookie", "connection"}
	case 'd':
		stems = []string{"dsn", "database"}
	case 'h':
		stems = []string{"hmac"}
	case 'j':
		stems = []string{"jwt"}
	case 'k':
		stems = []string{"key", "kennwort"}
	case 'o':
		stems = []string{"otp"}
	case 'p':
		stems = []string{"pass", "private", "pwd", "pw", "pin", "phpsessid"}
	case 's':
		stems = []string{"secret", "signature", "sessionid", "sig", "salt", "sid"}
	case 't':
		stems = []string{"token", "totp"}
	}
	for _, stem := range stems {
		if hasFold(s, stem) {
			return stem
		}
	}
	return ""
}

// isWholeWord reports whether a stem is too short, or too common within other
// words, to count unless they stand alone.
func isWholeWord(stem string) bool {
	switch stem {
	case "pw", "pin", "otp", "totp", "sig", "sid", "salt", "jwt", "cred", "hmac":
		return true
	}
	return false
}

// wholeStem reports whether a stem counts where it stands: a dsn is one only at the
// edge of a word, database only as database_url, connection as connection_string.
func wholeStem(name string, i int, stem string) bool {
	rest := strings.TrimLeft(name[i+len(stem):], "_-.")
	switch stem {
	case "database":
		return hasFold(rest, "ur")
	case "connection":
		return hasFold(rest, "str")
	}
	from, to := wordIn(name, i)
	return from == i || to == i+len(stem)
}

// wordIn is the word around i: letters up to a break such as _ or the hump of a
// camel. Upper case before lower case belongs to the hump: APIKey is API, Key.
func wordIn(name string, i int) (from, to int) {
	from, to = i, i+1
	for from > 0 && isLetter(name[from-1]) && !hump(name, from) {
		from--
	}
	for to < len(name) && isLetter(name[to]) && !hump(name, to) {
		to++
	}
	return from, to
}

// hump reports whether a new word begins at i, which has a letter before it.
func hump(name string, i int) bool {
	if !isUpper(name[i]) {
		return false
	}
	return isLower(name[i-1]) || i+1 < len(name) && isLower(name[i+1])
}

// isHarmlessWord reports whether a word holds a stem by chance.
func isHarmlessWord(word string) bool {
	switch strings.ToLower(word) {
	case "monkey", "monkeys", "donkey", "turkey", "hockey", "jockey", "whiskey", "keyboard", "keyboards", "keyword",
		"keywords", "keyspace", "keyspaces", "keycloak", "keynote", "keyframe", "hotkey", "keypress", "keystroke",
		"compass", "passport", "passive", "passenger", "passengers", "passed", "passes", "passing", "passage",
		"bypass", "bypassed", "encompass", "compassion", "passthrough", "passthru", "surpass", "overpass", "trespass",
		"author", "authors", "authored", "authority", "authorities", "xauthority", "authorized", "authorised",
		"unauthorized", "unauthorised", "authenticated", "unauthenticated", "authenticate", "authentic", "authorship", "coauthor",
		"tokenizer", "tokenize", "tokenized", "tokenization", "privateer", "secretary", "secretariat":
		return true
	}
	return false
}

// isKnownToAll reports whether a name is of a public key, or a column of a table.
func isKnownToAll(before string) bool {
	before = strings.TrimRight(before, "_-. ")
	for _, word := range []string{"public", "primary", "foreign", "sort", "partition"} {
		if i := len(before) - len(word); i >= 0 && equalFold(before[i:], word) {
			return true
		}
	}
	return false
}

// harmlessEnd reports whether a name ends in a word that makes it a place, a number
// or a switch. What stands there is still looked at by Text.
func harmlessEnd(name string) bool {
	end := len(name)
	for end > 0 && !isLetter(name[end-1]) {
		end--
	}
	if end == 0 {
		return false
	}
	from, to := wordIn(name, end-1)
	if from == 0 {
		return false // the word stands alone
	}
	switch strings.ToLower(name[from:to]) {
	case "file", "files", "path", "dir", "directory", "url", "uri", "endpoint", "host", "port", "sock", "socket",
		"count", "total", "size", "length", "len", "bytes", "limit", "max", "min", "seconds", "ms", "ttl", "timeout",
		"interval", "expiry", "expires", "expired", "expiration", "age", "type", "kind", "algorithm", "alg", "mode",
		"method", "enabled", "disabled", "required", "optional", "policy", "version", "name", "names", "prefix",
		"ip", "ips", "address", "network", "networks", "subnet", "subnets", "dns", "zone", "region",
		"errors", "error", "failures", "failure", "status", "usage", "used":
		return true
	case "tokens":
		return hasFold(name, "max") || hasFold(name, "num") || hasFold(name, "total") ||
			hasFold(name, "prompt") || hasFold(name, "completion")
	}
	return false
}
