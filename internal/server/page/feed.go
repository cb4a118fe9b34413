package page

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

// Feed are the last changes of state as an Atom feed (RFC 4287).
type Feed struct {
	// Site is the absolute URL of the overview.
	Site    string
	Title   string
	Updated time.Time
	Changes []Change
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
	Summary string   `xml:"summary,omitempty"`
}

// Write writes the feed.
func (f *Feed) Write(w io.Writer) error {
	feed := atomFeed{
		ID: f.Site, Title: f.Title, Updated: f.Updated.UTC().Format(time.RFC3339), Author: "health_exporter",
		Links: []atomLink{{"self", f.Site + "feed.atom"}, {"alternate", f.Site}},
	}
	for _, c := range f.Changes {
		entry := atomEntry{
			ID:      fmt.Sprintf("%s%s?at=%d", f.Site, c.Link, c.Time.UnixNano()),
			Title:   fmt.Sprintf("%s is %s (was %s)", printable(c.Name), c.To, c.From),
			Updated: c.Time.UTC().Format(time.RFC3339), Link: atomLink{Href: f.Site + c.Link},
			Summary: printable(c.Reason),
		}
		feed.Entries = append(feed.Entries, entry)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	return xml.NewEncoder(w).Encode(feed)
}

// printable is valid UTF-8: XML has no place for anything else.
func printable(s string) string { return string([]rune(s)) }
