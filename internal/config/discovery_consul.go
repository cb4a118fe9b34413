//go:build consul

package config

import (
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/consul"
)

func newConsulSD() discovery.Config { return &consul.SDConfig{} }
