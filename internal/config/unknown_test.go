package config

import (
	"strings"
	"testing"
)

// TestNamesThatNothingHas are told, with the line and the name that may be meant.
func TestNamesThatNothingHas(t *testing.T) {
	const text = `
targets:
  - {app: router, address: 10.0.0.1, module: icmp, group: home}
  - app: nas
    url: http://nas.example
    depends_on:
      - ruter
      - router
      - disk
      - elsewhere
      - exporter-storage
checks:
  - {name: disk, kind: disk, path: /}
discovery:
  jobs:
    - {name: lan, static_configs: [{targets: [a]}], depends_on: [rooter], group: lan}
  mdns: {group: tv}
public:
  targets:
    - nas
    - "n[a]s"
    - nsa
    - disk
  groups: [home, lan, tv, hoem, "l*", "x*"]
  checks: [disk, dsik, "*", router]
maintenance:
  - name: weekly
    from: "02:00"
    to: "03:00"
    targets: [router, disk, rotuer, "web-*"]
    groups: [ham]
`
	c, err := parse("c.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	const later = " (what is registered or discovered later is not known yet)"
	want := strings.Join([]string{
		`line 7: targets[1].depends_on[0]: no target or check in this file has the name "ruter"; did you mean "router"?`,
		`line 10: targets[1].depends_on[3]: no target or check in this file has the name "elsewhere"`,
		`line 16: discovery.jobs[0].depends_on[0]: no target or check in this file has the name "rooter"; did you mean "router"?`,
		`line 22: public.targets[2]: no target in this file has the name "nsa"; did you mean "nas"?`,
		`line 23: public.targets[3]: no target in this file has the name "disk"`,
		`line 24: public.groups[3]: no group in this file has the name "hoem"; did you mean "home"?`,
		`line 24: public.groups[5]: no group in this file fits "x*"`,
		`line 25: public.checks[1]: no check in this file has the name "dsik"; did you mean "disk"?`,
		`line 25: public.checks[3]: no check in this file has the name "router"`,
		`line 30: maintenance[0].targets[2]: no target or check in this file has the name "rotuer"; did you mean "router"?`,
		`line 30: maintenance[0].targets[3]: no target or check in this file fits "web-*"`,
		`line 31: maintenance[0].groups[0]: no group in this file has the name "ham"; did you mean "home"?`,
	}, "\n") + "\n"
	want = strings.TrimSuffix(strings.ReplaceAll(want, "\n", later+"\n"), "\n")
	want = strings.ReplaceAll(want, `"disk"?`+later, `"disk"?`) // no check is registered
	want = strings.ReplaceAll(want, `no check in this file has the name "router"`+later, `no check in this file has the name "router"`)
	said := func(known Known) string {
		var lines []string
		for _, w := range c.Warnings(known) {
			lines = append(lines, w.String())
		}
		return strings.Join(lines, "\n")
	}
	if got := said(Known{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := said(Known{Targets: []string{"elsewhere", "web-1", "nsa", "rooter", "rotuer", "ruter", "disk"}, Groups: []string{"ham", "hoem", "x"}}); strings.Count(got, "\n") != 1 || strings.Count(got, "public.checks") != 2 {
		t.Errorf("of what has been registered: %s", got)
	}
}
