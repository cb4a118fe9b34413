package envinfo_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

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
