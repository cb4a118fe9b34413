package prober

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/health-exporter/health_exporter/health"
)

// maxCodings is how many codings on top of each other are undone.
const maxCodings = 3

// decodeBody undoes what a Content-Encoding header names. We ask for none, but some
// servers have only compressed answers. cut reports whether there is more than the largest
// report can have.
func decodeBody(header string, body []byte, cut bool) (decoded []byte, isCut bool, err error) {
	codings := strings.FieldsFunc(strings.ToLower(header), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	if len(codings) > maxCodings {
		return nil, false, fmt.Errorf("body in more than %d Content-Encodings", maxCodings)
	}
	for _, coding := range slices.Backward(codings) {
		if coding == "identity" {
			continue
		}
		r, err := decoder(coding, body)
		if err != nil {
			return nil, false, err
		}
		var whole bool
		decoded, whole, err := readUpTo(nil, r, health.MaxReportSize)
		if closer, ok := r.(io.Closer); ok {
			closer.Close()
		}
		switch {
		case err != nil && cut: // in the middle, by ourselves
		case err != nil:
			return nil, false, fmt.Errorf("body is not %s, as its Content-Encoding says", oneLine(coding))
		default:
			cut = cut || !whole
		}
		body = decoded
	}
	return body, cut, nil
}

// decoder decodes a coding.
func decoder(coding string, body []byte) (io.Reader, error) {
	r := bytes.NewReader(body)
	switch coding {
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("body is not gzip, as its Content-Encoding says")
		}
		return z, nil
	case "deflate": // with the wrapping of zlib, as it should be, or without
		if z, err := zlib.NewReader(r); err == nil {
			return z, nil
		}
		return flate.NewReader(bytes.NewReader(body)), nil
	case "br":
		return brotli.NewReader(r), nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("body in Content-Encoding %q, which was not asked for", oneLine(coding))
}

// skipByteOrderMark is the text without the mark that some editors put before it, and
// that is not part of JSON.
func skipByteOrderMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) }
