package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the assets
	"fmt"
	"io"
	"slices"
)

var (
	//go:embed assets/style.css
	styleCSS []byte
	//go:embed assets/page.js
	pageJS []byte
)

// Asset finds a file that pages load, and its type.
func Asset(name string) (content io.ReadSeeker, mediaType string, ok bool) {
	switch name {
	case "style.css":
		return bytes.NewReader(styleCSS), "text/css; charset=utf-8", true
	case "page.js":
		return bytes.NewReader(pageJS), "text/javascript; charset=utf-8", true
	}
	return nil, "", false
}

// AssetsTag is an ETag that changes when one of the files does.
func AssetsTag() string {
	sum := sha256.Sum256(append(slices.Clip(styleCSS), pageJS...))
	return fmt.Sprintf("%q", fmt.Sprintf("%x", sum[:8]))
}

// AssetsVersion is part of the addresses of the files, so that a browser never mixes
// a page with the files of another version.
func AssetsVersion() string {
	tag := AssetsTag()
	return tag[1 : len(tag)-1]
}
