package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/health-exporter/health_exporter/client"
)

// Discover lists what is found on the local network.
type Discover struct {
	// Types of services to look for; none means discoverTypes.
	Types []string
	// Timeout is how long to look.
	Timeout time.Duration
	// JSON asks for a machine's form.
	JSON bool
}

// discoverTypes are exporters, what wants to be polled, and what has metrics.
var discoverTypes = []string{client.ExporterType, "_health-check._tcp", "_prometheus-http._tcp"}

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
	command.Flag("timeout", "How long to look.").Default("2s").SetValue(Duration{Flag: "timeout", Into: &d.Timeout})
	command.Flag("json", "Print JSON.").BoolVar(&d.JSON)
}

// Run looks, and prints what it has found. The exit code is 1 if that is nothing, and
// 2 if the types are none.
func (d *Discover) Run(ctx context.Context, out, complaints io.Writer) int {
	types := d.Types
	if len(types) == 0 {
		types = discoverTypes
	}
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	found, err := client.Browse(ctx, types...)
	if err != nil {
		fmt.Fprintf(complaints, "health_exporter: error: %s\n", err)
		return 2
	}
	d.print(out, found)
	if len(found) == 0 {
		fmt.Fprint(complaints, nothingFound)
		return 1
	}
	return 0
}

func (d *Discover) print(out io.Writer, found []client.Service) {
	if d.JSON {
		writeServices(out, found)
		return
	}
	if len(found) == 0 {
		return
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tTYPE\tADDRESS\tPORT\tPATH")
	for _, s := range found {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n",
			printable(s.Name), s.Type, s.Address, strconv.Itoa(int(s.Port)), printable(s.Text["path"]))
	}
	_ = table.Flush() // a terminal that is gone cannot be told
}

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

func writeServices(out io.Writer, found []client.Service) {
	list := make([]serviceJSON, len(found))
	for i, s := range found {
		list[i] = serviceJSON{s.Name, s.Type, s.Host, s.Address.String(), s.Port, s.Text["path"], s.URL(), s.Text}
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	_ = e.Encode(list) // a terminal that is gone cannot be told
}
