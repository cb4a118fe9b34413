package redact_test

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

func ExampleText() {
	fmt.Println(redact.Text("dialing postgres://app:hunter2@db/app: refused"))
	fmt.Println(redact.Text(`{"user":"bob","password":"hunter2"}`))
	fmt.Println(redact.Text("GET /items?page=2&access_token=abc"))
	fmt.Println(redact.Text("connection refused"))
	// Output:
	// dialing postgres://********@db/app: refused
	// {"user":"bob","password":"********"}
	// GET /items?page=2&access_token=********
	// connection refused
}

func ExampleName() {
	for _, name := range []string{"API_KEY", "MONKEY", "authToken", "AUTHOR", "password_file"} {
		fmt.Println(name, redact.Name(name))
	}
	// Output:
	// API_KEY true
	// MONKEY false
	// authToken true
	// AUTHOR false
	// password_file false
}

func ExampleArgs() {
	fmt.Println(redact.Args([]string{"app", "--port=80", "--auth-token", "abc"}))
	// Output: [app --port=80 --auth-token ********]
}

func ExampleLog() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	log := slog.New(redact.Log(handler))
	log.Info("connected", "dsn", "app:hunter2@tcp(db)/app", "user", "app")
	// Output: level=INFO msg=connected dsn=******** user=app
}
