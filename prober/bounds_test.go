package prober

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// A meter gives the error of what it bounds, whatever was read through it before.
func TestMeter(t *testing.T) {
	headerOver, bodyOver := errors.New("header"), errors.New("body")
	m := &meter{from: strings.NewReader("headerbodymore"), left: 6, over: headerOver}
	if got, err := io.ReadAll(m); string(got) != "header" || !errors.Is(err, headerOver) {
		t.Errorf("%q, %v", got, err)
	}
	m.left, m.over = 4, bodyOver
	if got, err := io.ReadAll(m); string(got) != "body" || !errors.Is(err, bodyOver) || m.read != 10 {
		t.Errorf("%q, %v after %d bytes", got, err, m.read)
	}
	m.left = 100
	if got, err := io.ReadAll(m); string(got) != "more" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
