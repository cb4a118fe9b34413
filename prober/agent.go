package prober

// identified is a spec that says who we are.
type identified interface{ identify(agent string) }

func (p *httpProbe) identify(agent string) {
	own := false
	for name := range p.Headers {
		own = own || canonical(name) == "User-Agent"
	}
	if !own {
		p.header.Set("User-Agent", agent)
	}
	p.creds.identify(agent)
}

func (p *healthProbe) identify(agent string) {
	p.agent = agent
	p.creds.identify(agent)
}

func (p *websocketProbe) identify(agent string) { p.agent = agent }

func (p *grpcProbe) identify(agent string) { p.agent = agent }

func (p *dnsProbe) identify(agent string) { p.agent = agent }

// identify adds the user agent to requests for a token.
func (c *credentials) identify(agent string) {
	if c.oauth != nil {
		c.oauth.agent = agent
	}
}
