package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxBody is how many bytes of JSON a request may have.
const maxBody = 64 << 10

// readBody reads the body of a request. One that says that it is too long is not waited
// for.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	tooLong := &problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body must have at most %d bytes", maxBody)}
	if r.ContentLength > maxBody {
		tooLong.Detail += fmt.Sprintf(", not %d", r.ContentLength)
		w.Header().Set("Connection", "close")
		return nil, tooLong
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, tooLong
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf("the body ends after %d bytes, and Content-Length says %d", len(body), r.ContentLength)}
	case err != nil:
		return nil, &problem{Status: http.StatusBadRequest, Detail: "reading the request: " + err.Error()}
	}
	return body, nil
}
