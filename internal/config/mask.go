package config

import (
	"net/url"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// masked stands in the place of a secret.
const masked = "<secret>"

// Text is the file as it is in force, with every secret masked; comments are
// omitted, since nobody can tell what stands in them.
func (c *Config) Text() string {
	root, _ := strictyaml.Parse(c.source, &strictyaml.Faults{}) // it was parsed before; what that made takes twenty times the room
	return maskedText(root)
}

// ModuleText is one module as it is written, with every secret masked.
func (c *Config) ModuleText(name string) string {
	if n, ok := c.moduleNodes[name]; ok {
		return maskedText(&n)
	}
	return c.builtin[name]
}

func maskedText(n *yaml.Node) string {
	if n == nil {
		return "{}\n"
	}
	text, err := yaml.Marshal(maskNode(n, "", 0))
	if err != nil {
		return "# the configuration cannot be shown: " + err.Error() + "\n"
	}
	return string(text)
}

// maxMaskDepth is deeper than any sensible file; what is below is not shown.
const maxMaskDepth = 32

// maskNode copies a node without secrets, comments, anchors and aliases.
func maskNode(n *yaml.Node, key string, depth int) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if depth > maxMaskDepth {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: "…"}
	}
	to := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style &^ yaml.TaggedStyle}
	switch n.Kind {
	case yaml.ScalarNode:
		if secret := maskValue(key, n.Value); secret != n.Value {
			return &yaml.Node{Kind: yaml.ScalarNode, Value: secret}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			below := n.Content[i].Value
			if depth == 1 && key == "modules" {
				below = "" // a module's name, such as http_basic_auth, says nothing of its keys
			} else if secretKey.MatchString(key) && !publicKey.MatchString(key) {
				below = key // everything below a secret is one
			}
			name := &yaml.Node{Kind: yaml.ScalarNode, Tag: n.Content[i].Tag, Value: n.Content[i].Value}
			to.Content = append(to.Content, name, maskNode(n.Content[i+1], below, depth+1))
		}
	case yaml.SequenceNode:
		for _, each := range n.Content {
			to.Content = append(to.Content, maskNode(each, key, depth+1))
		}
	}
	return to
}

var (
	// secretKey knows the names of keys and headers whose values are secrets.
	secretKey = regexp.MustCompile(`(?i)pass|secret|token|credential|cookie|auth|api-?_?key|(?:^|_)key$|private|session|bearer|signature`)
	// publicKey are names that only look so.
	publicKey = regexp.MustCompile(`(?i)_file$|_url$|^authorization$|^oauth2$|^basic_auth$|^tokens$|_ref$|^validate_authority_rrs$|_algorithm$`)
	// secretSpeech knows lines of a dialogue that give a password away.
	secretSpeech = regexp.MustCompile(`(?i)\b(auth|pass|login|identify|token)\b.*`)
)

// maskValue hides a value that is a secret by its key, or that contains one.
func maskValue(key, value string) string {
	switch {
	case value == "":
		return value
	case secretKey.MatchString(key) && !publicKey.MatchString(key):
		return masked
	case strings.EqualFold(key, "authorization"): // a header; the section is a mapping
		return masked
	case key == "send":
		return secretSpeech.ReplaceAllString(value, "$1 "+masked)
	case strings.Contains(value, "://") && strings.Contains(value, "@"):
		return withoutUserinfo(value)
	}
	return value
}

func withoutUserinfo(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return masked
	}
	if u.User != nil {
		u.User = url.User("xxxxx")
	}
	return u.String()
}
