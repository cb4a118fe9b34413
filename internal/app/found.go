package app

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
)

const (
	// foundFile stores what was found on the network, so that a restart is not taken for
	// its disappearance.
	foundFile = "zeroconf.json"
	// rememberEvery is how often it is written, if there is anything new.
	rememberEvery = 10 * time.Second
)

// recall makes targets of what was found before the restart; mu is held.
func (m *multicast) recall(cfg *config.Config) {
	if m.path == "" || cfg.Discovery.MDNS == nil {
		return
	}
	text, err := os.ReadFile(filepath.Join(m.path, foundFile))
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	var known []zeroconf.Entry
	if err == nil {
		known, err = zeroconf.Recall(text)
	}
	if err != nil {
		m.log.Warn("what was found on the network before the restart is lost", "err", err)
		return
	}
	m.recalled = known
	m.newBrowser(cfg, known).Prepare()
}

// rememberLoop keeps what is found, until ctx is done.
func (m *multicast) rememberLoop(ctx context.Context) {
	if m.path == "" {
		<-ctx.Done()
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
		written = m.remember(written)
	}
}

// remember writes what is known if it differs from what was written before.
func (m *multicast) remember(before []byte) (written []byte) {
	browser, ok := m.browser.running()
	if !ok {
		return before
	}
	text, err := zeroconf.Remember(browser.Entries())
	if err == nil && bytes.Equal(text, before) {
		return before
	}
	file := filepath.Join(m.path, foundFile)
	if err == nil {
		err = durable.WriteFile(file, text, 0o600)
	}
	if err != nil {
		m.log.Warn("what was found on the network cannot be kept", "err", err)
		return before
	}
	return text
}
