package config

// Discovery says where targets come from besides the file and registrations.
type Discovery struct {
	// MDNS is what to browse the local network for; nil for nothing.
	MDNS *MDNS
}

type discoverySection struct {
	MDNS *mdnsSection `yaml:"mdns"`
}

func (doc *document) discovery(d *decoder, c *Config) Discovery {
	s := &doc.Discovery
	return Discovery{MDNS: s.MDNS.build(d.faults, c)}
}
