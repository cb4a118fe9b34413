package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/health-exporter/health_exporter/client"
	"github.com/health-exporter/health_exporter/internal/dnssd"
)

// Discover lists what is found on the local network.
type Discover struct {
	Terminal
	// Types of services to look for; none means discoverTypes.
	Types []string
	// Timeout is how long to look.
	Timeout time.Duration
}

// discoverTypes are exporters, what wants to be polled, and what has metrics.
var discoverTypes = []string{dnssd.HealthExporter, dnssd.HealthCheck, dnssd.Prometheus}

// nothingFound says what to look at.
const nothingFound = `Nothing was found. See whether
  - an exporter runs, listens on more than loopback, and was started with --zeroconf and without --test
  - both are in the same network: multicast does not pass routers, nor the networks of containers (use the host's)
  - a firewall lets UDP port 5353 through, and the access point multicast between its clients
  - something else is of another type: --type=_http._tcp
`

// Flags adds those of the command.
func (d *Discover) Flags(command *kingpin.CmdClause) {
	command.Flag("type", "Type of service to look for, such as _http._tcp; may be given more than once. "+
		"Without it: "+strings.Join(discoverTypes, ", ")+".").StringsVar(&d.Types)
	command.Flag("timeout", "How long to look.").Default("2s").SetValue(Duration{Into: &d.Timeout})
	command.Flag("json", "Print JSON.").BoolVar(&d.JSON)
}

// Run looks, and prints what it has found. The exit code is 1 if that is nothing, and
// 2 if the types are none.
func (d *Discover) Run(ctx context.Context) int {
	types := d.Types
	if len(types) == 0 {
		types = discoverTypes
	}
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	found, err := client.Browse(ctx, types...)
	if err != nil {
		d.fail(err)
		return ExitUsage
	}
	code := d.show(found)
	if len(found) == 0 {
		fmt.Fprint(d.Err, nothingFound)
		return ExitFailed
	}
	return code
}

func (d *Discover) show(found []client.Service) int {
	if d.JSON {
		list := make([]serviceJSON, len(found))
		for i, s := range found {
			list[i] = serviceJSON{s.Name, s.Type, s.Host, s.Address.String(), s.Port, s.Text["path"], s.URL(), s.Text}
		}
		return d.writeJSON(list)
	}
	rows := make([][]string, 0, len(found))
	for _, s := range found {
		rows = append(rows, []string{s.Name, s.Type, s.Address.String(), strconv.Itoa(int(s.Port)), s.Text["path"]})
	}
	if len(rows) > 0 {
		d.table([]string{"NAME", "TYPE", "ADDRESS", "PORT", "PATH"}, rows)
	}
	return ExitOK
}

// serviceJSON is a service in a machine's form.
type serviceJSON struct {
	Name    string            `json:"name"`
	Type    string            `json:"type"`
	Host    string            `json:"host"`
	Address string            `json:"address"`
	Port    uint16            `json:"port"`
	Path    string            `json:"path,omitempty"`
	URL     string            `json:"url"`
	Text    map[string]string `json:"txt"`
}
