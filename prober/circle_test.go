package prober

import (
	"fmt"
	"slices"
	"testing"
)

func TestCircle(t *testing.T) {
	graph := map[string][]string{
		"nas": {"switch", "power"}, "switch": {"router", "power"}, "router": {"modem"}, "modem": {"router"},
		"a": {"b"}, "b": {"x", "c"}, "c": {"y", "a"}, "x": {"y"}, "y": nil, "self": {"self"}, "above": {"a"},
	}
	for name, want := range map[string]string{
		"nas": "", "switch": "", "power": "", "nobody": "", "above": "", "y": "",
		"router": `makes a circle: "router" depends on "modem" depends on "router"`,
		"a":      `makes a circle: "a" depends on "b" depends on "c" depends on "a"`,
		"c":      `makes a circle: "c" depends on "a" depends on "b" depends on "c"`,
		"self":   `makes a circle: "self" depends on "self"`,
	} {
		got := ""
		if c := Circle(name, func(name string) []string { return graph[name] }); c != nil {
			got = c.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestCircleOfMany: many ways to the same place are not walked again and again.
func TestCircleOfMany(t *testing.T) {
	const layers = 1000
	asked := 0
	dependsOn := func(name string) []string {
		asked++
		var layer, n int
		if _, err := fmt.Sscanf(name, "%d/%d", &layer, &n); err != nil || layer == layers {
			return nil
		}
		var next []string
		for i := range 10 {
			next = append(next, fmt.Sprintf("%d/%d", layer+1, i))
		}
		return next
	}
	if c := Circle("0/0", dependsOn); c != nil || asked > 10*layers+1 {
		t.Errorf("%v, asked %d times", c, asked)
	}
	if c := Circle("0/0", func(name string) []string {
		if name == "1000/9" {
			return []string{"0/0"}
		}
		return dependsOn(name)
	}); c == nil || len(c.Names) != layers+2 || slices.Index(c.Names[1:], "0/0") != layers {
		t.Errorf("%v", c)
	}
}
