package redact_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

// forms are the ways in which a secret, §, has been found in texts: escaped once or twice,
// in markup, in URLs within URLs, in dialogues, in YAML of several lines.
var forms = []string{
	`x\r\nAuthorization: Bearer §`,
	`x\nAuthorization: Bearer §`,
	`"x\\r\\nAuthorization: Bearer §"`,
	"x\r\nAuthorization: Bearer §",
	`x\u000d\u000aAuthorization: Bearer §`,
	`x\x0d\x0aAuthorization: Bearer §`,
	`x&#13;&#10;Authorization: Bearer §`,
	`x\r\nAuthorization: Basic §`,
	`x\r\nAuthorization: §`,
	`x\r\nProxy-Authorization: Digest username="a", response="§"`,
	`Authorization: Basic §`,
	`Authorization: Custom §`,
	`authorization: "Bearer §"`,
	`x\r\nCookie: session=§; b=§`,
	`Cookie: a=§; b=§`,
	`Set-Cookie: sid=§; Path=/`,
	`x\r\nSet-Cookie: x=§`,
	`"Cookie": "x=§"`,
	`{"headers":{"Cookie":["x=§"]}}`,
	`X-Api-Key: §`,
	`x\r\nX-Api-Key: §`,
	`x\tX-Api-Key: §`,
	`X-Auth-Token:§`,
	`X-Amz-Security-Token: §`,
	`{\"password\":\"§\"}`,
	`{\\\"password\\\":\\\"§\\\"}`,
	`{"password" : "§"}`,
	`{'password': '§'}`,
	`{"a":"{\"token\":\"§\"}"}`,
	`{"password":"a\"§"}`,
	`{"password": ["§","§"]}`,
	`{"password": {"x":"§"}}`,
	`password=§`,
	`password = §`,
	`password%3D§`,
	`password%3d§%26x`,
	`Password: §`,
	`PASS §`,
	`AUTH §`,
	`AUTH PLAIN §`,
	`AUTH LOGIN §`,
	`LOGIN user §`,
	`a1 LOGIN user §`,
	`IDENTIFY §`,
	`USER bob PASS §`,
	`user:§@tcp(127.0.0.1:3306)/db`,
	`mysql://root:§@h/db`,
	`redis://:§@h:6379/0`,
	`redis://§@h:6379/0`,
	`amqp://u:§@h/v`,
	`postgres://u:§@h/db?password=§`,
	`host=h user=u password=§ dbname=d`,
	`host=h user=u password='§ x' dbname=d`,
	`Server=h;Uid=u;Pwd=§;`,
	`DSN: u:§@/db`,
	`jdbc:mysql://h/db?user=u&password=§`,
	`sqlserver://h?user id=sa&password=§`,
	`https://h/x?token=§`,
	`https://h/x?a=1&api_key=§#f`,
	`https://h/x?sig=§`,
	`https://h/x?X-Amz-Signature=§`,
	`https://h/?access_token%3D§`,
	`https%3A%2F%2Fu%3A§%40h%2F`,
	`https%3a%2f%2fu%3a§%40h`,
	`http://h/cb?url=http%3A%2F%2Fu%3A§%40h`,
	`https://u:§@h`,
	`http:\/\/u:§@h\/`,
	`http:\\/\\/u:§@h`,
	`aws_secret_access_key=§`,
	`aws_secret_access_key = §`,
	`AWS_SECRET_ACCESS_KEY: §`,
	`"SecretAccessKey": "§"`,
	"-----BEGIN PRIVATE KEY-----\n§\n§\n-----END PRIVATE KEY-----",
	`-----BEGIN RSA PRIVATE KEY-----\n§\n-----END RSA PRIVATE KEY-----`,
	"-----BEGIN OPENSSH PRIVATE KEY-----\n §",
	"-----BEGIN%20PRIVATE%20KEY-----%0A§%0A-----END%20PRIVATE%20KEY-----",
	`--password §`,
	`--password=§`,
	`--gmail_token §`,
	`-gt §`,
	`--gmail-token=§`,
	"--password\x00§\x00",
	`curl -u bob:§ h`,
	`curl -H "X-Api-Key: §"`,
	`<password>§</password>`,
	`<add key="password" value="§"/>`,
	`<input name="password" value="§">`,
	`&lt;password&gt;§&lt;/password&gt;`,
	`password&quot;:&quot;§&quot;`,
	`password&#34;: &#34;§&#34;`,
	"password:\n  §",
	"password: |\n  §\n  §",
	"password: >-\n  §",
	"password: &a §",
	"- password: §",
	`password: !!str §`,
	"password:\t§",
	`Bearer §`,
	`bearer §`,
	`Token: §`,
	`{"name":"API_KEY","value":"§"}`,
	`{"key":"password","value":"§"}`,
	`PASSWORD=§`,
	`PassWord=§`,
	`db.password=§`,
	`db[password]=§`,
	`db['password']='§'`,
	`password[]=§`,
	`user[password]=§`,
	`"pass":"§"`,
	`passphrase: §`,
	`client_secret=§`,
	`clientSecret: §`,
	`private_key: §`,
	`privateKey":"§"`,
	`credentials: §`,
	`x-goog-api-key: §`,
	`Authorization=Bearer §`,
	`Authorization%3A%20Bearer%20§`,
	`"Authorization":"Bearer §"`,
	`map[Authorization:[Bearer §] Cookie:[a=§]]`,
	`Header{"Authorization": []string{"Bearer §"}}`,
	`{Username:bob Password:§}`,
	`Password:§}`,
	`&{Token:§ Name:x}`,
	`password '§'`,
	`the password "§" is wrong`,
	`secret=§, token=§`,
	`pw=§`,
	`pwd=§`,
	`PGPASSWORD=§ psql`,
	`MYSQL_PWD=§`,
	`SSHPASS=§`,
	`passcode=§`,
	`x-access-token: §`,
	`otp=§`,
	`https://h/?code=§`,
	`https://h/?key=§`,
	`sv=2020&sig=§`,
	`SharedAccessKey=§`,
	`AccountKey=§==`,
	`ConnectionString=Endpoint=sb://x;SharedAccessKey=§`,
	`_authToken=§`,
	`//registry.npmjs.org/:_authToken=§`,
	`machine h login u password §`,
	`password:§`,
	`passwort=§`,
	`mot_de_passe=§`,
	`kennwort=§`,
	`x%0aAuthorization: Bearer §`,
	`{\"headers\":{\"Authorization\":\"Bearer §\"},\"b\":1}`,
	`500 Internal: {\"error\":\"bad\",\"apiKey\":\"§\"}`,
	`<ns:password>§</ns:password>`,
	`<password type="x">§</password>`,
	`\u003cpassword\u003e§\u003c/password\u003e`,
	`{"value":"§","name":"API_KEY"}`,
	"<input\n name=\"token\"\n value=\"§\">",
	"password: |-\n   §\n\n   §\nuser: bob",
	`-ERR PASS § wrong`,
	`AUTHINFO PASS §`,
	`rediss://default:§@h:1/0`,
	`redis-cli: AUTH default §`,
	`u:§@unix(/run/x.sock)/db`,
	`https%253A%252F%252Fu%253A§%2540h`,
	`sentinel://:§@a:1,b:2/m`,
}

// TestForms: no secret is left, in whatever form it stands, nor by a text around it.
func TestForms(t *testing.T) {
	const secret = "swordfish"
	for _, form := range forms {
		for _, around := range []string{"§", "dial: §", "a=1 b: 2\n§\nc", "GET / HTTP/1.1\r\n§\r\n\r\n"} {
			if strings.Contains(form, "\n") && around != "§" && around != "a=1 b: 2\n§\nc" {
				continue
			}
			text := strings.ReplaceAll(strings.Replace(around, "§", form, 1), "§", secret)
			got := redact.Text(text)
			if strings.Contains(got, secret) {
				t.Errorf("%q\nleaves %q", text, got)
			}
			if again := redact.Text(got); again != got {
				t.Errorf("%q becomes %q the second time", got, again)
			}
		}
	}
	t.Logf("%d forms", len(forms))
}

// TestEncoded: what has a secret in it once it is decoded is one.
func TestEncoded(t *testing.T) {
	for _, plain := range []string{"user:swordfish", "hunter2", `{"password":"swordfish"}`, "password=swordfish", "https://u:swordfish@h/", "\x00bob\x00swordfish"} {
		for name, encoded := range map[string]string{
			"base64":     base64.StdEncoding.EncodeToString([]byte(plain)),
			"base64 URL": base64.URLEncoding.EncodeToString([]byte(plain)),
		} {
			if len(plain)%3 == 0 && plain != "password=swordfish" && !strings.ContainsAny(plain, ":=") {
				continue // without padding it is a word like another
			}
			for _, text := range []string{encoded, "535 5.7.8 " + encoded + " rejected", `{"x":"` + encoded + `"}`, "https://h/" + encoded} {
				if got := redact.Text(text); strings.Contains(got, encoded) || strings.Contains(got, encoded[:8]) {
					t.Errorf("%s of %q: %q stays %q", name, plain, text, got)
				}
			}
		}
	}
	for _, text := range []string{
		"registry.example.org/team/service-name", "kubernetes.default.svc.cluster.local", "a/b/c/d/e", "user%20name%2Fpath", "100%", "%zz", "50%25 done",
		"abcdefgh", "UPPERCASEWORD", "x=y", "key==", "TEST PASS 12", "LOGIN failed", "AUTH not supported", "250-AUTH PLAIN LOGIN",
		"<a href='x'>value</a>", `{"name":"TZ","value":"UTC"}`, "value=12", "tokens:\n- a\n- b", `"ftp://x/<secret>" is not a valid URL`, "password: <secret>", "auth:\n  type: Bearer\n  user: bob",
	} {
		if got := redact.Text(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
