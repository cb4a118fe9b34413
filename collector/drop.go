package collector

import (
	"slices"
)

// TargetFamilies are the names of the families of targets and of checks, sorted: those
// that a Page can leave out.
func TargetFamilies() []string {
	var names []string
	for _, f := range slices.Concat(families, checkFamilies()) {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return names
}

// Drop has the page leave out the families of targets and checks of which drop says so. It
// is asked at each scrape, so that the answer may change. Call Drop before the first one.
func (p *Page) Drop(drop func(family string) bool) {
	may := map[string]bool{}
	for _, name := range TargetFamilies() {
		may[name] = true
	}
	p.drop = func(family string) bool { return may[family] && drop(family) }
}

// drops reports whether a family is left out.
func (p *Page) drops(family string) bool { return p.drop != nil && p.drop(family) }
