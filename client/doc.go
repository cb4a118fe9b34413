// Package client registers a program with a health_exporter, which polls it from
// then on, and unregisters it when it ends.
//
//	reg, err := client.Register(ctx, client.App{Name: "shop", URL: "http://10.0.0.7:8080"})
//	if err != nil {
//		return err // the exporter refuses it, and says why
//	}
//	defer reg.Stop(context.Background())
//
// An exporter that cannot be reached is not an error: the registration is tried again
// until it succeeds, and made anew when the exporter has lost it. Where the exporter
// is comes from the Client, from the environment variable HEALTH_EXPORTER_URL, or
// else from the local network: exporters announce themselves by multicast DNS, and
// Discover finds them. Another Finder may replace it.
//
// It is meant to be linked into other people's programs, so besides the standard
// library it imports golang.org/x/net only (and golang.org/x/sys with it).
package client
