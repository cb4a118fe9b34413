package oracle

import (
	"net/url"
	"strings"
)

func (l *listeners) httpCases() []oracleCase {
	echo := l.http + "/echo"
	local := "http://localhost:" + port(l.http)
	to := func(code, at string) string { return l.http + "/to/" + code + "?at=" + url.QueryEscape(at) }
	cases := []oracleCase{
		{name: "http ok", module: "http_2xx", target: echo},
		{name: "http without scheme", module: "http_2xx", target: strings.TrimPrefix(echo, "http://")},
		{name: "http upper-case scheme", module: "http_2xx", target: "HTTP" + strings.TrimPrefix(echo, "http"), since: 29},
		{name: "http other scheme", module: "http_2xx", target: "ftp://127.0.0.1/"},
		{name: "http no URL", module: "http_2xx", target: "http://127.0.0.1:a/"},
		{name: "http bad escape in the URL", module: "http_2xx", target: l.http + "/%zz"},
		{name: "http escapes in the URL", module: "http_2xx", target: l.http + "/echo?a=%20&b=%2F#part"},
		{name: "http without path", module: "http_404", target: l.http},
		{name: "http query without path", module: "http_404", target: l.http + "?a=b"},
		{name: "http dots in the path", module: "http_2xx", target: l.http + "/a/../echo"},
		{name: "http user in the URL", module: "http_2xx", target: "http://ann:secret@" + strings.TrimPrefix(echo, "http://")},
		{name: "http empty port", module: "http_short", target: "http://127.0.0.1:/"},
		{name: "http port 0", module: "http_short", target: "http://127.0.0.1:0/"},
		{name: "http port too high", module: "http_short", target: "http://127.0.0.1:70000/"},
		{name: "http name", module: "http_ip4", target: local + "/echo"},
		{name: "http IPv6", module: "http_2xx", target: l.http6 + "/echo"},
		{name: "http IPv4 only", module: "http_ip4_only", target: echo},
		{name: "http IPv4 only, IPv6 target", module: "http_ip4_only", target: l.http6 + "/echo"},
		{name: "http IPv6 only, IPv4 target", module: "http_ip6_only", target: echo},
		{name: "http IPv6 only, IPv6 target", module: "http_ip6_only", target: l.http6 + "/echo"},
		{name: "http IPv4 preferred, IPv6 target", module: "http_ip4", target: l.http6 + "/echo"},
		{name: "http odd protocol", module: "http_odd_protocol", target: echo},
		{name: "http no such host", module: "http_2xx", target: "http://none..invalid/"},
		{name: "http no such host, IPv4 only", module: "http_ip4_only", target: "http://none..invalid/"},
		{name: "http refused", module: "http_2xx", target: "http://" + l.closed + "/"},
		{name: "http silent", module: "http_short", target: "http://" + l.silent + "/"},
		{name: "http hanging", module: "http_short", target: l.http + "/hang"},
		{name: "http stuck in the body", module: "http_short", target: l.http + "/stuck"},
		{name: "http chunked", module: "http_2xx", target: l.http + "/chunked"},
		{name: "http post", module: "http_post", target: echo},
		{name: "http delete", module: "http_delete", target: echo},
		{name: "http head", module: "http_head", target: echo},
		{name: "http head of a size", module: "http_head", target: l.http + "/size/100"},
		{name: "http odd method", module: "http_odd_method", target: echo},
		{name: "http lower-case method", module: "http_lower_method", target: echo},
		{name: "http headers", module: "http_headers", target: echo},
		{name: "http user agent", module: "http_user_agent", target: echo},
		{name: "http basic auth", module: "http_basic", target: echo},
		{name: "http basic auth from a file", module: "http_basic_file", target: echo},
		{name: "http basic auth from a missing file", module: "http_basic_no_file", target: echo},
		{name: "http bearer token", module: "http_bearer", target: echo},
		{name: "http bearer token from a file", module: "http_bearer_file", target: echo},
		{name: "http authorization", module: "http_authorization", target: echo},
		{name: "http oauth2", module: "http_oauth2", target: echo},
		{name: "http oauth2 refused", module: "http_oauth2_refused", target: echo},
		{name: "http body from a file", module: "http_body_file", target: echo, since: 28},
		{name: "http more headers", module: "http_more_headers", target: echo, since: 28},
		{name: "http other blocks", module: "http_other_blocks", target: echo},
		{name: "http hostname", module: "http_2xx", target: echo, query: "hostname=shop.example.org"},
		{name: "http hostname as configured", module: "http_headers", target: echo, query: "hostname=shop.example.org"},

		{name: "redirect relative", module: "http_2xx", target: to("302", "/echo")},
		{name: "redirect relative to the path", module: "http_2xx", target: to("302", "../echo?a=b")},
		{name: "redirect without scheme", module: "http_2xx", target: to("302", "//HOST/echo")},
		{name: "redirect absolute", module: "http_2xx", target: to("302", "http://HOST/echo")},
		{name: "redirect absolute, by name", module: "http_ip4", target: local + "/to/302?at=http://HOST/echo"},
		{name: "redirect to a name", module: "http_ip4", target: to("302", local+"/echo")},
		{name: "redirect empty location", module: "http_2xx", target: to("302", "")},
		{name: "redirect 301", module: "http_post", target: to("301", "/echo")},
		{name: "redirect 303 of a post", module: "http_post", target: to("303", "/echo")},
		{name: "redirect 307 of a post", module: "http_post", target: to("307", "/echo")},
		{name: "redirect 308 of a post", module: "http_post", target: to("308", "/echo")},
		{name: "redirect 307 of a file", module: "http_body_file", target: to("307", "/echo"), since: 28},
		{name: "redirect 300", module: "http_2xx", target: to("300", "/echo")},
		{name: "redirect 304", module: "http_2xx", target: to("304", "/echo")},
		{name: "redirect 305", module: "http_2xx", target: to("305", "/echo")},
		{name: "redirect loop", module: "http_2xx", target: l.http + "/hops/100"},
		{name: "redirect ten times", module: "http_2xx", target: l.http + "/hops/10"},
		{name: "redirect eleven times", module: "http_2xx", target: l.http + "/hops/11"},
		{name: "redirect to nobody", module: "http_2xx", target: to("302", "http://"+l.closed+"/")},
		{name: "redirect to no such host", module: "http_2xx", target: to("302", "http://none..invalid/")},
		{name: "redirect to a hanging page", module: "http_short", target: to("302", "/hang")},
		{name: "redirect to https", module: "https", target: to("302", l.https+"/echo")},
		{name: "redirect to https of another name", module: "https_name", target: to("302", "https://localhost:"+port(l.https)+"/echo")},
		{name: "redirect to http", module: "https", target: l.https + "/to/302?at=" + l.http + "/echo"},
		{name: "redirect with credentials, relative", module: "http_basic", target: to("302", "/echo")},
		{name: "redirect with credentials, same address", module: "http_basic", target: to("302", "http://HOST/echo")},
		{name: "redirect with credentials, same name", module: "http_basic", target: local + "/to/302?at=http://HOST/echo"},
		{name: "redirect with credentials, other name", module: "http_basic", target: to("302", local+"/echo")},
		{name: "redirect with headers", module: "http_headers", target: to("302", "/echo")},
		{name: "redirect with headers, absolute", module: "http_headers", target: to("302", l.http+"/echo")},
		{name: "redirect with hostname", module: "http_2xx", target: to("302", "/echo"), query: "hostname=shop.example.org"},
		{name: "redirect unfollowed", module: "http_no_follow", target: to("302", "/echo")},
		{name: "redirect unfollowed by the old key", module: "http_no_follow_old", target: to("302", "/echo")},
		{name: "redirect unfollowed and wanted", module: "http_302", target: to("302", "/echo")},
		{name: "redirect unfollowed and wanted, no location", module: "http_302", target: to("302", "")},
		{name: "redirect unfollowed, body", module: "http_no_follow_regexp", target: to("302", "/echo")},
		{name: "redirect unfollowed, header", module: "http_no_follow_header", target: to("302", "/echo")},
		{name: "redirect unfollowed, other header", module: "http_no_follow_header", target: to("302", "/other")},
		{name: "redirect unfollowed, gzip", module: "http_no_follow_gzip", target: to("302", "/echo")},
		{name: "redirect unfollowed, limit", module: "http_no_follow_limit", target: to("302", "/echo")},
		{name: "redirect unfollowed, https", module: "https_no_follow", target: l.https + "/to/302?at=/echo"},
	}
	for _, code := range []string{"200", "201", "204", "206", "299", "302", "304", "400", "401", "404", "407", "410", "500", "503"} {
		cases = append(cases,
			oracleCase{name: "status " + code, module: "http_2xx", target: l.http + "/status/" + code},
			oracleCase{name: "status " + code + " of 404 and 410", module: "http_404", target: l.http + "/status/" + code})
	}
	for name, address := range l.raw {
		cases = append(cases, oracleCase{name: "raw " + name, module: "http_2xx", target: "http://" + address + "/"})
	}
	return cases
}

func (l *listeners) httpMatchCases() []oracleCase {
	var cases []oracleCase
	for _, module := range []string{
		"http_body_matches", "http_body_not_matches", "http_body_regexps_pass",
		"http_header_matches", "http_header_matches_other", "http_header_matches_missing", "http_header_matches_may_miss",
		"http_header_not_matches", "http_header_not_matches_one", "http_header_not_matches_missing", "http_header_fails_body_passes",
	} {
		cases = append(cases,
			oracleCase{name: module + " of a page", module: module, target: l.http + "/many"},
			oracleCase{name: module + " of an error", module: module, target: l.http + "/status/500"},
			oracleCase{name: module + " of a truncated page", module: module, target: "http://" + l.raw["truncated"]})
	}
	for _, module := range []string{
		"http_2xx", "http_gzip", "http_gzip_upper", "http_br", "http_deflate", "http_identity", "http_regexp_raw", "http_gzip_limit",
	} {
		for _, coding := range []string{"gzip", "br", "deflate", "zlib", "plain"} {
			cases = append(cases, oracleCase{name: module + " of " + coding, module: module, target: l.http + "/packed/" + coding})
		}
		cases = append(cases, oracleCase{name: module + " of nothing", module: module, target: l.http + "/status/204"})
	}
	for _, module := range []string{"http_limit", "http_limit_regexp", "http_limit_negative"} {
		for _, size := range []string{"0", "1023", "1024", "1025", "5000"} {
			cases = append(cases, oracleCase{name: module + " of " + size, module: module, target: l.http + "/size/" + size})
		}
	}
	return cases
}

func (l *listeners) jsonCases() []oracleCase {
	var cases []oracleCase
	for _, module := range []string{"http_json", "http_json_fails", "http_json_missing", "http_json_no_bool", "http_json_regexp", "http_json_gzip"} {
		for _, text := range []string{`{"a":1}`, `{"a":2}`, `{"a":"1"}`, `{}`, `[]`, `null`, `{"a":1`, `text`} {
			cases = append(cases, oracleCase{
				name: module + " of " + text, module: module, target: l.http + "/json/" + url.PathEscape(text), since: 28,
			})
		}
		cases = append(cases, oracleCase{name: module + " of an error", module: module, target: l.http + "/status/500", since: 28})
	}
	return cases
}

func (l *listeners) websocketCases() []oracleCase {
	var cases []oracleCase
	plain, secure := "ws"+strings.TrimPrefix(l.http, "http"), "wss"+strings.TrimPrefix(l.tls1only, "https")
	for _, module := range []string{"websocket", "websocket_dialogue", "websocket_no_match"} {
		for _, target := range []struct{ name, url string }{
			{"a server", plain + "/socket"},
			{"a TLS server", secure + "/socket"},
			{"an untrusted name", "wss://localhost:" + port(l.tlsName) + "/socket"},
			{"no websocket", plain + "/echo"},
			{"a redirect", plain + "/to/302?at=/socket"},
			{"an error", plain + "/status/503"},
			{"a web page", l.http + "/socket"},
			{"no URL", strings.TrimPrefix(l.http, "http://")},
			{"nobody", "ws://" + l.closed + "/"},
			{"no such host", "ws://none..invalid/"},
			{"garbage", "ws://" + l.raw["garbage"] + "/"},
			{"nothing", "ws://" + l.raw["nothing"] + "/"},
			{"another upgrade", "ws://" + l.raw["upgrade"] + "/"},
		} {
			cases = append(cases, oracleCase{name: module + " of " + target.name, module: module, target: target.url, since: 29})
		}
	}
	return cases
}

func (l *listeners) httpsCases() []oracleCase {
	byName := "https://localhost:" + port(l.https) + "/echo"
	cases := []oracleCase{
		{name: "https by name", module: "https", target: byName},
		{name: "https hostname", module: "https", target: l.https + "/echo", query: "hostname=good.example.org"},
		{name: "https wrong hostname", module: "https", target: l.https + "/echo", query: "hostname=other.example.org"},
		{name: "https hostname and server name", module: "https_name", target: l.https + "/echo", query: "hostname=shop.example.org"},
		{name: "https of a plain server", module: "https", target: "https" + strings.TrimPrefix(l.http, "http")},
		{name: "https of a silent server", module: "http_short", target: "https://" + l.silent},
		{name: "https refused", module: "https", target: "https://" + l.closed},
		{name: "https without scheme", module: "https", target: strings.TrimPrefix(l.https, "https://")},
		{name: "https hanging", module: "https_short", target: l.https + "/hang"},
		{name: "https of an error", module: "https", target: l.https + "/status/500"},
	}
	servers := []struct{ name, url string }{
		{"a good server", l.https},
		{"an HTTP/1.1 server", l.tls1only},
		{"a TLS 1.2 server", l.tlsOld},
		{"an expired certificate", l.tlsExpired},
		{"another name's certificate", l.tlsName},
		{"a server that wants certificates", l.tlsWant},
	}
	for _, module := range []string{
		"http_2xx", "https", "https_insecure", "https_insecure_ca", "https_name", "https_host", "https_other_host", "https_client",
		"https_tls12", "https_tls13", "https_missing_ca", "https_basic", "http_2", "http_2_short_name", "http_1_1",
		"http_without_2", "http_fail_if_ssl", "http_fail_if_not_ssl",
	} {
		for _, server := range servers {
			cases = append(cases, oracleCase{name: module + " of " + server.name, module: module, target: server.url + "/echo"})
		}
	}
	for _, module := range []string{"http_fail_if_ssl", "http_fail_if_not_ssl", "http_1_1", "http_2"} {
		cases = append(cases, oracleCase{name: module + " of plain HTTP", module: module, target: l.http + "/echo"})
	}
	return append(cases, oracleCase{name: "http_1_1 of HTTP/1.0", module: "http_1_1", target: "http://" + l.raw["HTTP/1.0"]})
}

func (l *listeners) proxyCases() []oracleCase {
	local := "://localhost:" + port(l.http) + "/echo"
	var cases []oracleCase
	for _, module := range []string{"http_proxy", "http_proxy_tls", "http_proxy_auth", "http_proxy_down", "http_proxy_skip", "http_proxy_skip_tls"} {
		cases = append(cases,
			oracleCase{name: module + " to http", module: module, target: "http" + local},
			oracleCase{name: module + " to https", module: module, target: "https" + local},
			oracleCase{name: module + " to an address", module: module, target: l.http + "/echo"},
			oracleCase{name: module + " to https of an address", module: module, target: l.https + "/echo"},
			oracleCase{name: module + " to nowhere", module: module, target: "http://none..invalid/"},
			oracleCase{name: module + " with hostname", module: module, target: "http" + local, query: "hostname=shop.example.org"})
	}
	// These names are left to the proxy, nobody else looks them up.
	for _, module := range []string{"http_proxy_skip", "http_proxy_skip_tls"} {
		cases = append(cases,
			oracleCase{name: module + " to a name", module: module, target: "http://good.example.org/echo"},
			oracleCase{name: module + " to a name by https", module: module, target: "https://good.example.org/echo"},
			oracleCase{name: module + " to a blocked host", module: module, target: "https://blocked.example.org/"})
	}
	return append(cases, oracleCase{name: "http_skip_without_proxy", module: "http_skip_without_proxy", target: l.http + "/echo"})
}
