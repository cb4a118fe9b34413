package redact_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

type account struct {
	User     string `json:"user"`
	Password string `json:"password"`
	DSN      *string
	Inner    []map[string]any
}

type angry struct{}

func (angry) MarshalJSON() ([]byte, error) { panic("password=hunter2") }
func (angry) String() string               { panic("password=hunter2") }

func TestValue(t *testing.T) {
	dsn := "swordfish"
	deep := any("bottom")
	for range 100 {
		deep = map[string]any{"in": deep}
	}
	for _, test := range []struct {
		name  string
		value any
		want  string
	}{
		{"text", "token=abc", `"token=********"`},
		{"numbers", []any{1, 2.5, uint8(3), int64(math.MaxInt64)}, `[1,2.5,3,9223372036854775807]`},
		{"map", map[string]any{"api_key": "x", "port": 1}, `{"api_key":"********","port":1}`},
		{"typed map", map[string]string{"api_key": "x", "url": "http://a:b@c"}, `{"api_key":"********","url":"http://********@c"}`},
		{"everything under a secret name", map[string]any{"auth": map[string]any{"user": "bob"}, "token": 7}, `{"auth":"********","token":"********"}`},
		{"no secrets", map[string]any{"auth": true, "token": nil}, `{"auth":true,"token":null}`},
		{
			"struct",
			account{"bob", "hunter2", &dsn, []map[string]any{{"secret": "x"}}},
			`{"DSN":"********","Inner":[{"secret":"********"}],"password":"********","user":"bob"}`,
		},
		{
			"name and value",
			[]any{map[string]any{"name": "DB_PASSWORD", "value": "x"}, map[string]any{"name": "TZ", "value": "UTC"}},
			`[{"name":"DB_PASSWORD","value":"********"},{"name":"TZ","value":"UTC"}]`,
		},
		{"texts", []string{"a", "token=b"}, `["a","token=********"]`},
		{"key", map[string]any{"http://a:b@c": 1}, `{"http://********@c":1}`},
		{"error", errors.New("password=x"), `"password=********"`},
		{"no number", math.NaN(), `"NaN"`},
		{"one that is no JSON", map[string]any{"a": math.Inf(1), "b": 2}, `{"a":"+Inf","b":2}`},
		{"raw", json.RawMessage(`{"pass":"x"}`), `{"pass":"********"}`},
	} {
		got, err := json.Marshal(redact.Value(test.value))
		if err != nil || string(got) != test.want {
			t.Errorf("%s: got %s (%v), want %s", test.name, got, err, test.want)
		}
	}
	if got := fmt.Sprint(redact.Value(deep)); strings.Contains(got, "bottom") || !strings.Contains(got, redact.Mask) {
		t.Errorf("deep: got %s", got)
	}
	for _, value := range []any{angry{}, make(chan int), func() {}, complex(1, 2)} {
		got := fmt.Sprint(redact.Value(value))
		if got == "" || strings.Contains(got, "hunter2") {
			t.Errorf("%T: got %q", value, got)
		}
	}
}

func TestValueLeavesTheValueAlone(t *testing.T) {
	value := map[string]any{"password": "x", "list": []any{"token=y"}}
	redact.Value(value)
	if got := fmt.Sprint(value); got != "map[list:[token=y] password:x]" {
		t.Errorf("it became %s", got)
	}
}

type valuer struct{ text string }

func (v valuer) LogValue() slog.Value { return slog.StringValue(v.text) }

func TestLog(t *testing.T) {
	for _, test := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"message", func(l *slog.Logger) { l.Info("got token=abc") }, `"msg":"got token=********"`},
		{"text", func(l *slog.Logger) { l.Info("m", "url", "http://a:b@c") }, `"url":"http://********@c"`},
		{"name", func(l *slog.Logger) { l.Info("m", "apiKey", "swordfish") }, `"apiKey":"********"`},
		{"number", func(l *slog.Logger) { l.Info("m", "pin", 1234, "n", 7) }, `"pin":"********","n":7`},
		{"switch", func(l *slog.Logger) { l.Info("m", "auth", true) }, `"auth":true`},
		{"error", func(l *slog.Logger) { l.Info("m", "err", errors.New("password=x y")) }, `"err":"password=******** y"`},
		{"any", func(l *slog.Logger) { l.Info("m", "a", account{Password: "hunter2"}) }, `"password":"********"`},
		{"bytes", func(l *slog.Logger) { l.Info("m", "body", []byte(`{"pass":"x"}`)) }, `"body":"{\"pass\":\"********\"}"`},
		{"group", func(l *slog.Logger) {
			l.Info("m", slog.Group("g", "pass", "x", "k", slog.GroupValue(slog.String("token", "y"))))
		}, `"g":{"pass":"********","k":{"token":"********"}}`},
		{"secret group", func(l *slog.Logger) { l.Info("m", slog.Group("auth", "user", "bob")) }, `"auth":"********"`},
		{"valuer", func(l *slog.Logger) { l.Info("m", "v", valuer{"token=x"}) }, `"v":"token=********"`},
		{"with", func(l *slog.Logger) { l.With("token", "x", "n", 1).WithGroup("g").Info("m", "pass", "y") }, `"token":"********","n":1,"g":{"pass":"********"}`},
		{"nil", func(l *slog.Logger) { l.Info("m", "err", nil) }, `"err":null`},
		{"angry", func(l *slog.Logger) { l.Info("m", "a", angry{}) }, `"a":"`},
	} {
		var b bytes.Buffer
		test.log(slog.New(redact.Log(slog.NewJSONHandler(&b, nil))))
		if !strings.Contains(b.String(), test.want) || strings.Contains(b.String(), "hunter2") {
			t.Errorf("%s: got %s want %s", test.name, b.String(), test.want)
		}
	}
	var b bytes.Buffer
	h := redact.Log(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if h.Enabled(context.Background(), slog.LevelInfo) || !h.Enabled(context.Background(), slog.LevelError) {
		t.Error("the level is not that of the next handler")
	}
}

func TestNamed(t *testing.T) {
	for _, test := range []struct {
		name        string
		value, want any
	}{
		{"db.password", "swordfish", redact.Mask},
		{"db.password", []string{"a", "b"}, redact.Mask},
		{"db.password", nil, nil},
		{"auth", true, true},
		{"port", 80, 80},
		{"url", "http://a:b@c", "http://" + redact.Mask + "@c"},
	} {
		if got := redact.Named(test.name, test.value); got != test.want {
			t.Errorf("%s: %v is shown as %v, want %v", test.name, test.value, got, test.want)
		}
	}
}

func TestPrinted(t *testing.T) {
	for want, value := range map[string]any{
		"password=" + redact.Mask: errors.New("password=x"),
		"7":                       7,
	} {
		if got := redact.Printed(value); got != want {
			t.Errorf("%v is printed as %q, want %q", value, got, want)
		}
	}
	if got := redact.Printed(angry{}); strings.Contains(got, "hunter2") {
		t.Errorf("a panic tells %q", got)
	}
}
