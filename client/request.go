package client

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// maxList bounds the answer to Do, which may list very many targets.
const maxList = 256 << 20

// Do makes any request of the exporter's API and decodes the answer into into, if
// that is not nil. The path, escaped and with its query, is below the exporter's
// URL, such as "api/v1/targets/web%20shop". It takes 5 s at most, or until the
// deadline that ctx has. A refusal is a *Refusal.
func (c *Client) Do(ctx context.Context, method, path string, body, into any) error {
	exporter, err := c.Locate(ctx)
	if err != nil {
		return err
	}
	path, query, _ := strings.Cut(path, "?")
	at, err := url.JoinPath(exporter, path)
	if err != nil {
		return fmt.Errorf("the exporter's URL %q: %w", exporter, err)
	}
	if query != "" {
		at += "?" + query
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	_, err = c.send(ctx, method, at, body, into, maxList)
	return err
}
