package redact_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

func TestName(t *testing.T) {
	const secret = `key KEY API_KEY apikey apiKey MyAPIKey X-Api-Key token GMAIL_TOKEN authToken pass DB_PASS dbpass PGPASSWORD
		MYSQL_PWD pwd Pwd password passphrase passwd SECRET CLIENT_SECRET client-secret credential AWS_CREDENTIALS auth AUTH
		Authorization Proxy-Authorization X-Auth dsn SENTRY_DSN dsn_primary DATABASE_URL DATABASE_URI databaseUrl cookie
		Set-Cookie private PRIVATE_KEY jwt JWT_VALUE pin PIN otp sig session.cookie connection_string ConnectionString
		SECRET_KEY_BASE AWS_ACCESS_KEY_ID alerting.email.auth_password registration.tokens.0 MONKEY_TOKEN KEYCLOAK_PASSWORD
		COMPASS_KEY password_hash mykey2 TOKEN2 _password database.dsn key1 basic_auth.username`
	const harmless = `MONKEY monkeyBusiness COMPASS PASSPORT passport_country KEYBOARD keyboardLayout keyword KEYSPACE author
		AUTHORS authority XAUTHORITY bypass passed passenger unauthorized tokenizer turkey PWD OLDPWD PATH HOME LANG
		spin opinion pinned signal design signup assignment hotpot salted sidecar database database_name DATABASE_HOST
		TOKEN_FILE password_file auth_password_file key_path secret_name cookie_name token_count keys_total max_tokens
		auth_url token_endpoint key_size auth_method private_ip private_network SSH_AUTH_SOCK auth_enabled public_key
		primary_key connection connections_open url interval app email WWW-Authenticate`
	for name := range strings.FieldsSeq(secret) {
		if !redact.Name(name) {
			t.Errorf("%s is not a secret's name", name)
		}
	}
	for name := range strings.FieldsSeq(harmless) {
		if redact.Name(name) {
			t.Errorf("%s is a secret's name", name)
		}
	}
	if redact.Name("") {
		t.Error("no name is a secret's name")
	}
	if !redact.Name(strings.Repeat("a_", 100_000) + "token") {
		t.Error("a long name hides its end")
	}
}

func TestArgs(t *testing.T) {
	for _, test := range []struct{ args, want []string }{
		{nil, []string{}},
		{[]string{"app", "--port", "80"}, []string{"app", "--port", "80"}},
		{[]string{"app", "--x-token=abc", "-v"}, []string{"app", "--x-token=********", "-v"}},
		{[]string{"app", "--x-token", "abc def", "-v"}, []string{"app", "--x-token", "********", "-v"}},
		{[]string{"app", "--x-token", "-abc", "-v"}, []string{"app", "--x-token", "********", "-v"}},
		{[]string{"app", "--x-token", "--verbose", "x"}, []string{"app", "--x-token", "--verbose", "x"}},
		{[]string{"app", "--no-auth", "serve"}, []string{"app", "--no-auth", "serve"}},
		{[]string{"app", "-gt", "abc"}, []string{"app", "-gt", "********"}},
		{[]string{"app", "--token="}, []string{"app", "--token=********"}},
		{[]string{"app", "--token-file=/run/t"}, []string{"app", "--token-file=/run/t"}},
		{[]string{"curl", "-u", "bob:x y", "http://h"}, []string{"curl", "-u", "********", "http://h"}},
		{[]string{"curl", "-u", "", "--token", ""}, []string{"curl", "-u", "", "--token", "********"}},
		{[]string{"run", "-u", "1000:1000"}, []string{"run", "-u", "1000:1000"}},
		{[]string{"curl", "-H", "X-Api-Key: abc"}, []string{"curl", "-H", "X-Api-Key: ********"}},
		{[]string{"app", "postgres://a:b@c/d"}, []string{"app", "postgres://********@c/d"}},
		{[]string{"app", "PASSWORD=a b"}, []string{"app", "PASSWORD=********"}},
	} {
		before := slices.Clone(test.args)
		if got := redact.Args(test.args); !slices.Equal(got, test.want) {
			t.Errorf("Args(%q) = %q, want %q", test.args, got, test.want)
		}
		if !slices.Equal(before, test.args) {
			t.Errorf("%q became %q", before, test.args)
		}
	}
}

func BenchmarkName(b *testing.B) {
	for b.Loop() {
		redact.Name("health_target_last_probe")
	}
}
