package redact_test

import (
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// TestTokensByTheirPrefix: each is known by what its maker puts before it, for what follows
// is made here of one letter, which looks like no key at all.
func TestTokensByTheirPrefix(t *testing.T) {
	tails := map[string]string{
		strings.Repeat("A", 16):       "AKIA ASIA AROA AIDA",
		strings.Repeat("A", 28):       "AIza ATATT3 AGE-SECRET-KEY-",
		strings.Repeat("o", 36) + "1": "EAAC EAAG SG. sk-",
		strings.Repeat("a", 32):       "dapi key- npm_",
		strings.Repeat("a", 24): "GOCSPX- NRAK- NRII- NRJS- PMAK- dop_v1_ doo_v1_ dor_v1_ dckr_pat_ eyJ figd_ ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- gldt- glrt- glcbt- " +
			"glptt- glft- glsoat- glimt- glagent- glsa_ glc_ hvs. hvb. hvr. hf_ lin_api_ pypi-AgE pk_live_ pk_test_ rk_live_ rk_test_ r8_ sk_live_ sk_test_ " +
			"shpat_ shpss_ shpca_ shppa_ sk-ant- sk-proj- whsec_ xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxe. xoxc- xoxd- xapp- xkeysib- ya29. " +
			"$2a$ $2b$ $2y$ $1$ $5$ $6$ $y$ $apr1$ $argon2id$ $scrypt$ $pbkdf2$ " +
			"hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/ discord.com/api/webhooks/ discordapp.com/api/webhooks/ api.telegram.org/bot " +
			"a.webhook.office.com/webhookb2/ outlook.office.com/webhook/ hooks.zapier.com/hooks/catch/ hc-ping.com/",
	}
	for tail, prefixes := range tails {
		if got := redact.Text("it is " + tail); strings.Contains(got, redact.Mask) {
			t.Errorf("%s alone is a secret, and the test cannot fail", tail)
		}
		for prefix := range strings.FieldsSeq(prefixes) {
			for _, around := range []string{"§", "it is § today", `{"a": "§"}`, "<b>§</b>", "/x/§"} {
				if strings.Contains(prefix, "/") || prefix[0] == '$' {
					around = strings.ReplaceAll(around, "/x/", "/x ")
				}
				text := strings.ReplaceAll(around, "§", prefix+tail)
				if got := redact.Text(text); strings.Contains(got, tail) || !strings.Contains(got, redact.Mask) {
					t.Errorf("%q becomes %q", text, got)
				}
			}
			if text := "it is " + prefix + "no"; !strings.Contains(prefix, "/") && redact.Text(text) != text {
				t.Errorf("%q, which is too short, becomes %q", text, redact.Text(text))
			}
		}
	}
}
