package prober

import (
	"regexp"
	"strings"
)

// longestLine is how long a line may be that is looked at.
const longestLine = 1 << 10

// hidden stands where something of a line is not shown.
const hidden = "********"

// ShownLine is what may be shown of what a dialogue sends. Only of commands that are known
// to give nothing away all is shown; of others the first word, and of a word that stands
// alone, which may be a password, nothing.
func ShownLine(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		end := ""
		if trimmed, cut := strings.CutSuffix(line, "\r"); cut {
			line, end = trimmed, "\r"
		}
		lines[i] = shownLine(line) + end
	}
	return strings.Join(lines, "\n")
}

var (
	lineTag    = regexp.MustCompile(`^[A-Za-z]{0,3}[0-9]{1,6} `)
	lineHeader = regexp.MustCompile(`^([A-Za-z][A-Za-z-]*):`)
	lineQuery  = regexp.MustCompile(`\?\S*`)
	lineWord   = regexp.MustCompile(`^[A-Za-z]+$`)
	lineSSH    = regexp.MustCompile(`^SSH-[0-9.]+-[\w.-]+$`)
)

func shownLine(line string) string {
	if len(line) > longestLine {
		return hidden // it is no command
	}
	if strings.TrimSpace(line) == "" || lineSSH.MatchString(line) {
		return line
	}
	tag := lineTag.FindString(line) // of IMAP
	rest := line[len(tag):]
	word, arguments, more := strings.Cut(rest, " ")
	if name := lineHeader.FindStringSubmatch(rest); name != nil {
		switch strings.ToLower(name[1]) {
		case "host", "accept", "user-agent", "connection", "content-type", "content-length", "upgrade":
			return line
		}
		return name[1] + ": " + hidden
	}
	switch verb := strings.ToUpper(word); {
	case isHarmlessAlone(verb) && !more:
		return line
	case isHarmlessVerb(verb):
		return tag + word + " " + lineQuery.ReplaceAllString(arguments, "?"+hidden)
	case more && lineWord.MatchString(word):
		return tag + word + " " + hidden
	}
	return hidden
}

// isHarmlessVerb reports whether a command takes nothing that is a secret.
func isHarmlessVerb(verb string) bool {
	switch verb {
	case "EHLO", "HELO", "LHLO", "MAIL", "RCPT", "VRFY", "EXPN", "HELP", "NOOP", // SMTP
		"STAT", "LIST", "UIDL", "TOP", "RETR", // POP3
		"SELECT", "EXAMINE", "STATUS", "FETCH", // IMAP
		"NICK", "USER", "JOIN", "PART", "PING", "PONG", // IRC
		"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", // HTTP
		"CWD", "TYPE", "MODE", "OPTS", "SIZE", "INFO", "VERSION":
		return true
	}
	return false
}

// isHarmlessAlone reports whether a word is a command, and no password.
func isHarmlessAlone(verb string) bool {
	switch verb {
	case "QUIT", "STARTTLS", "STLS", "DATA", "RSET", "CAPA", "CAPABILITY", "CAPABILITIES", "LOGOUT", "IDLE", "NAMESPACE", "FEAT", "SYST", "PWD", "PASV",
		"EPSV", "ABOR", "EXIT", "STATS", "RUOK", "SRVR", "MNTR", "CONF", "DATE", "TIME", "ECHO":
		return true
	}
	return isHarmlessVerb(verb)
}
