package envinfo_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/health-exporter/health_exporter/envinfo"
)

func Example() {
	env := &envinfo.Environment{WithoutOS: true, WithoutGo: true, WithoutProcess: true, WithoutLimits: true}
	if err := env.AddValue("application", map[string]any{"version": "1.4.2", "api_key": "swordfish"}); err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	env.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/environment", nil))
	fmt.Print(w.Body)
	// Output:
	// {
	//   "application": {
	//     "api_key": "********",
	//     "version": "1.4.2"
	//   }
	// }
}

func ExampleEnvironment_AddSection() {
	var env envinfo.Environment
	queue := make(chan string, 10)
	err := env.AddSection("queue", func(context.Context) (any, error) {
		return map[string]any{"length": len(queue), "capacity": cap(queue)}, nil
	})
	fmt.Println(err)
	fmt.Println(env.AddValue("os", "mine"))
	queue <- "work"
	fmt.Println(env.Dump(context.Background(), "queue"))
	// Output:
	// <nil>
	// the name "os" is already taken
	// map[queue:map[capacity:10 length:1]]
}

func ExampleRedact() {
	fmt.Println(envinfo.Redact("dialing postgres://app:hunter2@db/app: refused"))
	fmt.Println(envinfo.Redact(`{"user":"bob","password":"hunter2"}`))
	fmt.Println(envinfo.Redact("GET /items?page=2&access_token=abc"))
	fmt.Println(envinfo.Redact("connection refused"))
	// Output:
	// dialing postgres://********@db/app: refused
	// {"user":"bob","password":"********"}
	// GET /items?page=2&access_token=********
	// connection refused
}

func ExampleRedactName() {
	for _, name := range []string{"API_KEY", "MONKEY", "authToken", "AUTHOR", "password_file"} {
		fmt.Println(name, envinfo.RedactName(name))
	}
	// Output:
	// API_KEY true
	// MONKEY false
	// authToken true
	// AUTHOR false
	// password_file false
}

func ExampleRedactArgs() {
	fmt.Println(envinfo.RedactArgs([]string{"app", "--port=80", "--auth-token", "abc"}))
	// Output: [app --port=80 --auth-token ********]
}

func ExampleRedactLog() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	log := slog.New(envinfo.RedactLog(handler))
	log.Info("connected", "dsn", "app:hunter2@tcp(db)/app", "user", "app")
	// Output: level=INFO msg=connected dsn=******** user=app
}
