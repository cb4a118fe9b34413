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
		bearer BEARER_VALUE creds AWS_CREDS cred my_cred hmac HMAC_VALUE JSESSIONID PHPSESSID sessionid userSessionID
		pw my_pw app.dsn.name salt PASSWORD_SALT sid CONNECT_SID totp TOTP_SEED signature X-Hub-Signature-256 SECRET_KEY_BASE
		AWS_ACCESS_KEY_ID alerting.email.auth_password registration.tokens.0 MONKEY_TOKEN KEYCLOAK_PASSWORD
		COMPASS_KEY password_hash mykey2 TOKEN2 _password database.dsn key1 basic_auth.username`
	const harmless = `MONKEY monkeyBusiness COMPASS PASSPORT passport_country KEYBOARD keyboardLayout keyword KEYSPACE author
		AUTHORS authority XAUTHORITY bypass passed passenger unauthorized tokenizer turkey PWD OLDPWD PATH HOME LANG
		spin opinion pinned signal design signup assignment hotpot salted sidecar database database_name DATABASE_HOST
		TOKEN_FILE password_file auth_password_file key_path secret_name cookie_name token_count keys_total max_tokens
		auth_url token_endpoint key_size auth_method private_ip private_network SSH_AUTH_SOCK auth_enabled public_key
		primary_key connection connections_open url interval app email WWW-Authenticate foreign_key sort_key partition-key
		sacred incredible pyjwt hmacsha residual outsider saltwater spinner laptop totpad upward shipwreck
		num_tokens total_tokens prompt_tokens completionTokens`
	// Words that hold the piece of a secret's name by chance.
	const words = `monkeys donkey turkey hockey jockey whiskey keyboards keywords keyspaces keycloak keynote keyframe hotkey
		keypress keystroke passive passengers passes passing passage bypassed encompass compassion passthrough passthru
		surpass overpass trespass authored authorities authorized authorised unauthorised authenticated unauthenticated
		authenticate authentic authorship coauthor tokenize tokenized tokenization privateer secretary secretariat accredited`
	// Ends that make a place, a number or a switch of what has a secret's name.
	const ends = `file files path dir directory url uri endpoint host port sock socket count total size length len bytes limit
		max min seconds ms ttl timeout interval expiry expires expired expiration age type kind algorithm alg mode method
		enabled disabled required optional policy version name names prefix ip ips address network networks subnet subnets
		dns zone region errors error failures failure status usage used`
	for word := range strings.FieldsSeq(words) {
		if redact.Name(word) || redact.Name("the_"+word) {
			t.Errorf("%s is a secret's name", word)
		}
		if !redact.Name(word + "_password") {
			t.Errorf("%s_password is no secret's name", word)
		}
	}
	for end := range strings.FieldsSeq(ends) {
		if redact.Name("token_"+end) || redact.Name("authToken"+strings.ToUpper(end[:1])+end[1:]) {
			t.Errorf("token_%s is a secret's name", end)
		}
		if !redact.Name(end + "_token") {
			t.Errorf("%s_token is no secret's name", end)
		}
	}
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
