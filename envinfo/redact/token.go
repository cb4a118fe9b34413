package redact

import "strings"

// shortestToken is the length of the shortest word that can be a token.
const shortestToken = 16

// longestLook is how much of a word is looked at to know a token.
const longestLook = 100

// maskTokens hides what is a secret by its own form, whatever stands around it:
// tokens of known makers, secret addresses of web hooks, hashes of passwords and
// words as random as keys.
func maskTokens(text string) string {
	r := rewriter{text: text}
	for i := 0; i < len(text); {
		switch {
		case text[i] == '$' && isPasswordHash(text[i:]):
			to := skip(text, i, func(c byte) bool { return isToken(c) || c == '$' || c == '=' || c == ',' })
			r.mask(i, to)
			i = to
		case !isToken(text[i]):
			i++
		default:
			end := skip(text, i, isToken)
			if end-i >= shortestToken {
				end = maskToken(&r, i, end)
			}
			i = end
		}
	}
	return r.result()
}

// maskToken looks at one word of isToken bytes and returns where to go on.
func maskToken(r *rewriter, from, end int) int {
	word := r.text[from:end]
	padded := skip(r.text, end, func(c byte) bool { return c == '=' })
	padded = min(padded, end+2)
	if i := webhookPath(word); i >= 0 {
		end = skip(r.text, end, func(c byte) bool { return !isSpace(c) && !isQuote(c) && c != '<' && c != '>' })
		r.mask(from+i, trimEnd(r.text, from+i, end))
		return end
	}
	for i := range len(word) {
		starts := isAlnum(word[i]) && (i == 0 || !isAlnum(word[i-1]))
		if starts && len(word)-i >= shortestToken && isKnownToken(word[i:min(len(word), i+longestLook)]) {
			r.mask(from+i, padded)
			return padded
		}
	}
	if a, b, ok := randomPart(word); ok && !isIdentifier(nameBefore(r.text, from)) {
		if b == len(word) {
			b = padded - from
		}
		r.mask(from+a, from+b)
	}
	return end
}

// isKnownToken recognises tokens by the prefixes that their makers give them.
func isKnownToken(s string) bool {
	switch s[0] {
	case 'A':
		return awsID(s, "AKIA") || awsID(s, "ASIA") || awsID(s, "AROA") || awsID(s, "AIDA") ||
			len(s) >= 30 && hasPrefix(s, "AIza", "ATATT3", "AGE-SECRET-KEY-")
	case 'E':
		return len(s) >= 40 && hasPrefix(s, "EAAC", "EAAG") && has(s, isDigit)
	case 'G':
		return hasPrefix(s, "GOCSPX-")
	case 'N':
		return hasPrefix(s, "NRAK-", "NRII-", "NRJS-")
	case 'P':
		return hasPrefix(s, "PMAK-")
	case 'S':
		return len(s) >= 40 && hasPrefix(s, "SG.")
	case 'd':
		return hasPrefix(s, "dop_v1_", "doo_v1_", "dor_v1_", "dckr_pat_") ||
			hasPrefix(s, "dapi") && len(s) >= 36 && all(s[4:36], isHex)
	case 'e':
		return hasPrefix(s, "eyJ") && len(s) >= 20
	case 'f':
		return hasPrefix(s, "figd_")
	case 'g':
		return hasPrefix(s, "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glcbt-",
			"glptt-", "glft-", "glsoat-", "glimt-", "glagent-", "glsa_", "glc_")
	case 'h':
		return hasPrefix(s, "hvs.", "hvb.", "hvr.") || hasPrefix(s, "hf_") && all(s[3:], isAlnum)
	case 'k':
		return hasPrefix(s, "key-") && len(s) >= 36 && all(s[4:36], isHex)
	case 'l':
		return hasPrefix(s, "lin_api_")
	case 'n':
		return hasPrefix(s, "npm_") && len(s) >= 36
	case 'p':
		return hasPrefix(s, "pypi-AgE", "pk_live_", "pk_test_")
	case 'r':
		return hasPrefix(s, "rk_live_", "rk_test_", "r8_")
	case 's':
		return hasPrefix(s, "sk_live_", "sk_test_", "shpat_", "shpss_", "shpca_", "shppa_", "sk-ant-", "sk-proj-") ||
			hasPrefix(s, "sk-") && len(s) >= 23 && has(s, isDigit)
	case 'w':
		return hasPrefix(s, "whsec_")
	case 'x':
		return hasPrefix(s, "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xoxe.", "xoxc-", "xoxd-", "xapp-", "xkeysib-")
	case 'y':
		return hasPrefix(s, "ya29.")
	}
	return false
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// awsID recognises the ids of Amazon's keys: a prefix and 16 capitals or digits.
func awsID(s, prefix string) bool {
	return strings.HasPrefix(s, prefix) && len(s) >= 20 &&
		all(s[4:20], func(c byte) bool { return isUpper(c) || isDigit(c) })
}

// isPasswordHash recognises the hashes of crypt(3) and of argon2.
func isPasswordHash(s string) bool {
	return len(s) > 20 && hasPrefix(s, "$2a$", "$2b$", "$2y$", "$1$", "$5$", "$6$", "$y$", "$apr1$", "$argon2", "$scrypt$", "$pbkdf2")
}

// webhookPath is where the secret begins in an address that is a secret itself.
func webhookPath(word string) int {
	for _, prefix := range []string{
		"hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/",
		"discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "api.telegram.org/bot",
		"webhook.office.com/webhookb2/", "outlook.office.com/webhook/", "hooks.zapier.com/hooks/catch/", "hc-ping.com/",
	} {
		if i := strings.Index(word, prefix); i >= 0 && len(word) > i+len(prefix) {
			return i + len(prefix)
		}
	}
	return -1
}
