package redact

import "strings"

// Args is a command line without its secrets: the values of flags whose
// names say that they are, as --api-token=x or as two arguments, and whatever
// Text finds in the others. The arguments themselves are left alone.
func Args(args []string) []string {
	cleaned := make([]string, len(args))
	masked := false
	for i, arg := range args {
		switch {
		case masked && !strings.HasPrefix(arg, "--"):
			cleaned[i], masked = Mask, false
			continue
		case i > 0 && loginFlag(args[i-1]):
			if cleaned[i] = Text(arg); isLogin(arg) {
				cleaned[i] = Mask
			}
			continue
		}
		name, _, hasValue := strings.Cut(arg, "=")
		isFlag := len(name) > 1 && name[0] == '-' && !has(name, isSpace)
		masked = isFlag && !hasValue && takesSecret(name)
		if cleaned[i] = Text(arg); isFlag && hasValue && takesSecret(name) {
			cleaned[i] = name + "=" + Mask
		}
	}
	return cleaned
}

// takesSecret reports whether a flag is followed by a secret. Switches are not,
// whatever they are about. -gt is short for --gmail_token.
func takesSecret(flag string) bool {
	if flag == "-gt" {
		return true
	}
	name := strings.TrimLeft(flag, "-")
	for _, verb := range []string{"no-", "enable-", "disable-", "skip-", "allow-", "require-", "use-", "with-", "without-"} {
		if strings.HasPrefix(name, verb) {
			return false
		}
	}
	return name != "" && Name(name)
}
