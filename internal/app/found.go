package app

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
	"github.com/health-exporter/health_exporter/prober"
)

const (
	// foundFile keeps what was found on the network, so that a restart is not taken for
	// the end of it all.
	foundFile = "zeroconf.json"
	// rememberEvery is how often it is written, if there is anything new.
	rememberEvery = 10 * time.Second
)

// recallFound makes targets of what was found before the restart.
func (a *App) recallFound(cfg *config.Config) {
	if a.opts.StoragePath == "" || cfg.Discovery.MDNS == nil {
		return
	}
	text, err := os.ReadFile(filepath.Join(a.opts.StoragePath, foundFile))
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	var known []zeroconf.Entry
	if err == nil {
		known, err = zeroconf.Recall(text)
	}
	if err != nil {
		a.log.Warn("what was found on the network before the restart is lost", "err", err)
		return
	}
	a.multicast.mu.Lock()
	defer a.multicast.mu.Unlock()
	a.multicast.recalled = known
	a.newBrowser(cfg, known).Prepare()
}

// rememberLoop keeps what is found.
func (a *App) rememberLoop(ctx context.Context) {
	if a.opts.StoragePath == "" {
		return
	}
	tick := time.NewTicker(rememberEvery)
	defer tick.Stop()
	var written []byte
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-tick.C:
		}
		written = a.rememberFound(written)
	}
}

// rememberFound writes what is known if it differs from what was written before.
func (a *App) rememberFound(before []byte) (written []byte) {
	browser, ok := a.multicast.browser.running()
	if !ok {
		return before
	}
	text, err := zeroconf.Remember(browser.Entries())
	if err == nil && bytes.Equal(text, before) {
		return before
	}
	file := filepath.Join(a.opts.StoragePath, foundFile)
	if err == nil {
		err = durable.WriteFile(file, text, 0o600)
	}
	if err != nil {
		a.log.Warn("what was found on the network cannot be kept", "err", err)
		return before
	}
	return text
}

// moduleForFound finds the module of a target that was found on the network. Those
// that the operator has not named for this purpose are the built-in ones: what he has
// put into his own, such as passwords, is not for strangers.
func (a *App) moduleForFound(cfg *config.Config, name string) *prober.Module {
	m := cfg.Discovery.MDNS
	switch {
	case m == nil:
		return nil // it is about to go
	case slices.Contains(m.Modules, name):
		return (*a.modules.Load())[name]
	}
	return m.Builtin[name]
}

// networkForFound lets a target that was found be probed at its address and nowhere
// else, wherever it redirects to.
func networkForFound(cfg *config.Config, t *prober.Target) *prober.NetworkPolicy {
	policy := &prober.NetworkPolicy{Deny: cfg.Network.Deny}
	host := t.Address
	if u, err := url.Parse(t.URL); err == nil && t.URL != "" {
		host = u.Host
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		at, err := netip.ParseAddrPort(host)
		if err != nil {
			return &prober.NetworkPolicy{Deny: []prober.NetworkRule{{}}} // everything
		}
		addr = at.Addr()
	}
	policy.Allow = []prober.NetworkRule{{Prefix: netip.PrefixFrom(addr, addr.BitLen())}}
	return policy
}
