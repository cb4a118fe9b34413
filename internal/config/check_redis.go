package config

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/checks"
)

// redisCheck pings a Redis server.
type redisCheck struct {
	checks.Redis `yaml:",inline"`
	PasswordFile string            `yaml:"password_file"`
	PasswordEnv  string            `yaml:"password_env"`
	UseTLS       bool              `yaml:"tls"`
	TLSConfig    *config.TLSConfig `yaml:"tls_config"`
}

func (c *redisCheck) check() error {
	r := c.Redis
	if c.PasswordFile != "" || c.PasswordEnv != "" {
		r.Password = "given"
	}
	return errors.Join(secret{c.PasswordFile, c.PasswordEnv}.given("Password", false), r.Check())
}

func (c *redisCheck) open(OtherCheck) (OpenCheck, error) {
	return OpenCheck{Run: func(ctx context.Context) (err error) {
		r := c.Redis
		if r.Password, err = (secret{c.PasswordFile, c.PasswordEnv}).read(); err != nil { // each time: passwords rotate
			return fmt.Errorf("reading the password: %w", err)
		}
		if r.TLS, err = tlsOf(c.UseTLS, c.TLSConfig); err != nil {
			return err
		}
		return r.Run(ctx)
	}}, nil
}

// tlsOf is how to speak TLS; nil if not at all.
func tlsOf(on bool, options *config.TLSConfig) (*tls.Config, error) {
	if !on && options == nil {
		return nil, nil
	}
	if options == nil {
		options = &config.TLSConfig{}
	}
	made, err := config.NewTLSConfig(options)
	if err != nil {
		return nil, fmt.Errorf("reading TLS options: %w", err)
	}
	return made, nil
}
