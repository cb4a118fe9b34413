package prober

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

func rsaKey(t testing.TB) config.Secret {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return config.Secret(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// A grant by a signed assertion: the claims are as configured, and signed.
func TestOAuth2JWTBearer(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan url.Values, 8)
	endpoint := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked <- r.PostForm
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"signed","expires_in":3600}`)
	})
	target, got := serveAuthorization(t)
	file := filepath.Join(t.TempDir(), "key.pem")
	writePEM(t, file, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	tests := []struct {
		name   string
		set    func(o *config.OAuth2)
		hash   crypto.Hash
		header map[string]any
		claims map[string]any
	}{
		{
			"defaults", func(*config.OAuth2) {}, crypto.SHA256,
			map[string]any{"alg": "RS256", "typ": "JWT"},
			map[string]any{"iss": "me", "sub": "me", "aud": endpoint},
		},
		{
			"all", func(o *config.OAuth2) {
				o.SignatureAlgorithm, o.ClientCertificateKeyID, o.Iss, o.Audience = "RS512", "k1", "issuer", "them"
				o.Claims, o.Scopes = map[string]any{"extra": "x"}, []string{"a", "b"}
			}, crypto.SHA512,
			map[string]any{"alg": "RS512", "typ": "JWT", "kid": "k1"},
			map[string]any{"iss": "issuer", "sub": "me", "aud": "them", "extra": "x", "scope": "a b"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := &config.OAuth2{ClientID: "me", TokenURL: endpoint, GrantType: grantJWTBearer, ClientCertificateKeyFile: file}
			test.set(o)
			res := probeWithin(t, oauthModules(t, o)["http"], 5*time.Second, Request{Target: target})
			if res.Outcome != health.Pass {
				t.Fatal(res.Error)
			}
			if got := <-got; got != "Bearer signed" {
				t.Errorf("Authorization is %q", got)
			}
			parts := strings.Split((<-asked).Get("assertion"), ".")
			if len(parts) != 3 {
				t.Fatalf("the assertion has %d parts", len(parts))
			}
			signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
			if err := rsa.VerifyPKCS1v15(&key.PublicKey, test.hash, hashOf(test.hash, parts[0]+"."+parts[1]), signature); err != nil {
				t.Error(err)
			}
			claims := decodeJWT(t, parts[1])
			for _, changing := range []string{"jti", "iat", "exp"} {
				if claims[changing] == nil {
					t.Errorf("no claim %s", changing)
				}
				delete(claims, changing)
			}
			if diff := cmp.Diff([]map[string]any{test.header, test.claims}, []map[string]any{decodeJWT(t, parts[0]), claims}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func hashOf(hash crypto.Hash, text string) []byte {
	if hash == crypto.SHA256 {
		sum := sha256.Sum256([]byte(text))
		return sum[:]
	}
	sum := sha512.Sum512([]byte(text))
	return sum[:]
}

func decodeJWT(t *testing.T, part string) (decoded map[string]any) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(text, &decoded)
	}
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}
