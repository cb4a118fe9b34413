package redact_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

func TestText(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"connection refused", "connection refused"},
		{"postgres://app:hunter2@db:5432/app", "postgres://********@db:5432/app"},
		{"https://x/cb?page=2&token=abc&sort=up#top", "https://x/cb?page=2&token=********&sort=up#top"},
		{"mongodb://u:p@ss/w@h1,h2/db", "mongodb://********@h1,h2/db"},
		{"https://example.org/@alice", "https://example.org/@alice"},
		{"root:hunter2@tcp(db)/shop", "********@tcp(db)/shop"},
		{"host=db password=hunter2 port=5432", "host=db password=******** port=5432"},
		{`["PASSWORD=correct horse","TZ=UTC"]`, `["PASSWORD=********","TZ=UTC"]`},
		{"PASSWORD=correct horse\nnext", "PASSWORD=********\nnext"},
		{"PASSWORD=correct horse TZ=UTC", "PASSWORD=******** TZ=UTC"},
		{`{"user":"bob","password":"hun\"ter2"}`, `{"user":"bob","password":"********"}`},
		{`"{\"token\":\"a\\\"b\",\"x\":1}"`, `"{\"token\":\"********\",\"x\":1}"`},
		{`{"tokens":["a","b"],"x":[1]}`, `{"tokens":[********],"x":[1]}`},
		{"map[Authorization:[Bearer abc] Accept:[*/*]]", "map[Authorization:[********] Accept:[*/*]]"},
		{"Authorization: Basic Ym9iOmh1bnRlcjI=", "Authorization: Basic ********"},
		{"Cookie: a=b; c=d\r\nHost: x", "Cookie: ********\r\nHost: x"},
		{"sent Bearer swordfish, got 401", "sent Bearer ********, got 401"},
		{"run --x-token=abc --x-key def --port 80", "run --x-token=******** --x-key ******** --port 80"},
		{"<token>abc</token>", "<token>********</token>"},
		{"next=https%3A%2F%2Fx%3Ftoken%3Dabc%26b%3D1", "next=https%3A%2F%2Fx%3Ftoken%3D********%26b%3D1"},
		{"-----BEGIN X-----\nabc\n-----END X----- and on", "-----BEGIN X-----********-----END X----- and on"},
		{"cut -----BEGIN X-----\nabc", "cut -----BEGIN X-----********"},
		{"short: key=abcd, long: key=" + strings.Repeat("a1", 500), "short: key=********, long: key=********"},
	} {
		if got := redact.Text(test.text); got != test.want {
			t.Errorf("Text(%q)\n got %q\nwant %q", test.text, got, test.want)
		}
	}
}

// TestIsLinear fails if the time grows faster than the text: it would take
// minutes then.
func TestIsLinear(t *testing.T) {
	const size = 256 << 10
	for _, piece := range []string{
		"a=", "password: no ", "cookie: no ", "-u ", "sk-", "hf_", "://", "@", "a:b@c ", "BEGIN ", "-----BEGIN ",
		"-----BEGIN X-----", "END ", "token: aa ", "token=[", `"password":"`, "A_TOKEN=1 ", "export TOKEN= ", "Bearer x=",
		"Basic ", "%3D", "<token>", `\`, `password='\`, "a/", "x-1", "a.b@", `"http://a b@ `, "$6$", "$2a$", "eyJ", "key=1,",
		"Authorization: Basic no ", " discord.com/api/webhooks/x", "'", "--token ", " ", "aB3", "token", "key_", "\x00", "é",
		"AUTH PLAIN ", "PASS a ", "%41", "%2525", "QUJDRA== ", "QUJDRA==", "<token a>", "&lt;token&gt;", "value=", `"name":"a","value":"b",`, "password:\n x\n", "password: |\n",
		"token: >\n\n", "&quot;", "token=&quot;", `\n`, `token\u000a`, `:\/`, "db[key][]=", "-gt ", "login password ",
	} {
		begin := time.Now()
		redact.Text(strings.Repeat(piece, size/len(piece)))
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("256 KiB of %q take %v", piece, took)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"postgres://a:b@c/d", `{"password":"x"}`, "token=a&b=c", "Authorization: Basic Ym9iOmg=", "--key x", "u:p@tcp(h)",
		"-----BEGIN X-----a-----END X-----", "$2y$10$abcdefghijklmnopqrstuv", "<key>a</key>", `\"pin\":\"1\"`, "%3Ftoken%3Da%26",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := redact.Text(text)
		if twice := redact.Text(once); twice != once {
			t.Errorf("%q becomes %q, then %q", text, once, twice)
		}
		if utf8.ValidString(text) && !utf8.ValidString(once) {
			t.Errorf("%q becomes %q: no longer UTF-8", text, once)
		}
		if once != text && !strings.Contains(once, redact.Mask) {
			t.Errorf("%q becomes %q: changed, but nothing is masked", text, once)
		}
		// What stands for a secret must go, whatever is around it.
		const secret = "Zq7xK2mWv9LpR4tY8nBd"
		for _, form := range []string{" password=" + secret + "\n", "\nhttps://u:" + secret + "@h/ "} {
			if cleaned := redact.Text(text + form); strings.Contains(cleaned, secret) {
				t.Errorf("%q leaves the secret in %q", text+form, cleaned)
			}
		}
	})
}

func BenchmarkText(b *testing.B) {
	for _, bench := range []struct{ name, text string }{
		{"harmless", "dial tcp 10.0.0.7:8096: connect: connection refused"},
		{"logfmt", `time=2026-11-21T16:05:00.123Z level=WARN msg="slow probe" target=router took=4.2s`},
		{"url", `Get "postgres://app:hunter2@db:5432/app?sslmode=disable": EOF`},
		{"64KiB", strings.Repeat("level=info msg=\"request served\" status=200 path=/metrics user=bob\n", 1000)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			b.ReportAllocs()
			for b.Loop() {
				redact.Text(bench.text)
			}
		})
	}
}
