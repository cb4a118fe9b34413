package config

import (
	"encoding"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/prober"
)

// key is one key that a kind's options may have.
type key struct {
	// path is where it stands below the kind's block, as in tls_config.ca_file.
	path string
	// of is the struct that has it: kinds share most of them.
	of reflect.Type
}

func (k key) name() string { return k.path[strings.LastIndexByte(k.path, '.')+1:] }

// same tells one key from another, wherever it stands.
func (k key) same() string { return k.of.String() + "." + k.name() }

// typeOfKind is the struct that a kind's block is decoded into.
func typeOfKind(t *testing.T, kind string) reflect.Type {
	t.Helper()
	var found reflect.Type
	_, _ = prober.NewModule(prober.ModuleSource{Kind: prober.Kind(kind), Decode: func(into any) error {
		found = reflect.TypeOf(into).Elem()
		return nil
	}})
	if found == nil || found.Kind() != reflect.Struct {
		t.Fatalf("kind %s is decoded into %v, which is not a struct", kind, found)
	}
	return found
}

// keysOf lists the keys of a struct and of all below it.
func keysOf(in reflect.Type, prefix string) (keys []key) {
	if in = element(in); in.Kind() != reflect.Struct {
		return nil
	}
	for f := range in.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Map:
			keys = append(keys, keysOf(f.Type.Elem(), prefix)...) // whoever writes the file names these
		case strings.Contains(options, "inline"):
			keys = append(keys, keysOf(f.Type, prefix)...)
		case strings.HasSuffix(name, "_ref"): // needs a secret manager, and is refused
		default:
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			keys = append(keys, key{prefix + name, in})
			keys = append(keys, keysOf(f.Type, prefix+name+".")...)
		}
	}
	return keys
}

// element looks through pointers and lists. What decodes itself from a text has
// no keys.
func element(in reflect.Type) reflect.Type {
	for {
		if reflect.PointerTo(in).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			return reflect.TypeFor[string]()
		}
		switch in.Kind() {
		case reflect.Pointer, reflect.Slice:
			in = in.Elem()
		case reflect.Struct:
			if in.PkgPath() == "net/url" || in.String() == "config.URL" {
				return reflect.TypeFor[string]()
			}
			return in
		default:
			return in
		}
	}
}

// keysGiven lists the paths of the keys that a block has. Keys that whoever
// writes the file names, such as a header's, are left out of the paths.
func keysGiven(block any, in reflect.Type, prefix string, found map[string]bool) {
	in = element(in)
	switch block := block.(type) {
	case []any:
		for _, each := range block {
			keysGiven(each, in, prefix, found)
		}
	case map[string]any:
		known := map[string]reflect.Type{}
		free := fieldTypes(in, known)
		for name, value := range block {
			switch below, ok := known[name]; {
			case ok:
				found[prefix+name] = true
				keysGiven(value, below, prefix+name+".", found)
			case free != nil:
				keysGiven(value, free, prefix, found)
			}
		}
	}
}

// fieldTypes finds the types of a struct's keys, and that of the others if it
// takes any.
func fieldTypes(in reflect.Type, known map[string]reflect.Type) (free reflect.Type) {
	if in.Kind() != reflect.Struct {
		return nil
	}
	for f := range in.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Map:
			free = f.Type.Elem()
		case strings.Contains(options, "inline"):
			if below := fieldTypes(f.Type, known); below != nil {
				free = below
			}
		case f.IsExported() && name != "-" && name != "":
			known[name] = f.Type
		}
	}
	return free
}

// given lists the keys of all modules in a file, as kind.path.
func given(t *testing.T, text string) map[string]bool {
	t.Helper()
	var file struct {
		Modules map[string]map[string]any `yaml:"modules"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, module := range file.Modules {
		kind, _ := module["prober"].(string)
		keysGiven(module[kind], typeOfKind(t, kind), kind+".", found)
	}
	return found
}

// TestKeysAreFound keeps the two walks above from finding nothing, which would
// make the tests that use them pass always.
func TestKeysAreFound(t *testing.T) {
	all := map[string]bool{}
	for _, kind := range prober.Kinds() {
		for _, k := range keysOf(typeOfKind(t, kind), kind+".") {
			all[k.path] = true
		}
	}
	for _, want := range []string{
		"health.ignore_body", "http.fail_if_header_matches.allow_missing", "http.oauth2.tls_config.min_version",
		"http.http_headers.secrets", "http.proxy_connect_header", "tcp.query_response.labels.name", "unix.tls_config.ca",
		"dns.validate_answer_rrs.fail_if_matches_regexp", "icmp.max_loss", "grpc.metadata", "websocket.headers.files",
		"websocket.http_config.basic_auth.password_file",
	} {
		if !all[want] {
			t.Errorf("the key %s is not found among %s", want, slices.Sorted(maps.Keys(all)))
		}
	}
	for path := range all {
		if strings.HasSuffix(path, "_ref") || strings.Contains(path, ".proxy_url.") || strings.Contains(path, "valid_status_codes.") {
			t.Errorf("%s is not a key", path)
		}
	}
	found := given(t, `
modules:
  a:
    prober: tcp
    tcp: {query_response: [{expect: x, labels: [{name: a, value: b}]}], tls_config: &tls {server_name: x}, http: ignored}
  b:
    prober: websocket
    websocket: {headers: {X-A: {values: [x]}}, http_config: {tls_config: {<<: *tls, ca_file: y}}}
`)
	want := []string{
		"tcp.query_response", "tcp.query_response.expect", "tcp.query_response.labels", "tcp.query_response.labels.name",
		"tcp.query_response.labels.value", "tcp.tls_config", "tcp.tls_config.server_name", "websocket.headers",
		"websocket.headers.values", "websocket.http_config", "websocket.http_config.tls_config",
		"websocket.http_config.tls_config.ca_file", "websocket.http_config.tls_config.server_name",
	}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, want) {
		t.Errorf("keys given:\n got %s\nwant %s", got, want)
	}
}
