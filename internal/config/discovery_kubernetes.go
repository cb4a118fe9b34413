//go:build kubernetes

package config

import (
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/kubernetes"
)

// newKubernetesSD weighs 38 MB, which is why few programs have it.
func newKubernetesSD() discovery.Config { return &kubernetes.SDConfig{} }
