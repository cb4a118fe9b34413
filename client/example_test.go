package client_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/health-exporter/health_exporter/client"
)

// A program that is polled as long as it runs.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))

	registration, err := client.Register(ctx, client.App{Name: "shop", URL: client.URLOf(listener), Email: "me@example.org"})
	if err != nil {
		log.Fatal(err) // the exporter refuses it, and says why
	}
	<-ctx.Done()
	if err := registration.Stop(context.Background()); err != nil {
		log.Print(err)
	}
}

func ExampleApp_Validate() {
	app := client.App{Name: "shop", URL: "shop:8080", Healthy: 1}
	fmt.Println(app.Validate())
	// Output:
	// URL "shop:8080" is not an absolute URL, such as http://10.0.0.7:8080
	// Healthy is 1, must be between 2 and 10
}

func ExampleClient_Targets() {
	c := client.Client{Exporter: "http://localhost:10115"}
	targets, err := c.Targets(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range targets {
		fmt.Println(t.App, t.State, t.LastError)
	}
}
