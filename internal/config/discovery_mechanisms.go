package config

import (
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/dns"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/http"
)

func newFileSD() discovery.Config { return &file.SDConfig{} }

func newHTTPSD() discovery.Config { return &http.SDConfig{} }

func newDNSSD() discovery.Config { return &dns.SDConfig{} }
