package prober

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxPeerLabel is how many characters of what a peer wrote a label takes.
	maxPeerLabel = 128
	// maxLoggedReads is how much of what a peer wrote is logged, in lines
	// or segments. A peer that talks without end shall not make us write as much.
	maxLoggedReads = 50
)

// expectLine reads up to the first line that matches.
func (t *dialogueRun) expectLine(ctx context.Context, want Regexp) (line []byte, match []int, err error) {
	for {
		line, err := t.reader.line()
		if errors.Is(err, io.EOF) {
			t.phase, t.regexFailed = PhaseCheck, true
			return nil, nil, because(ReasonBody, fmt.Errorf("connection closed before a line that matches %q", want))
		}
		if err != nil {
			t.phase = t.reader.phase()
			return nil, nil, err
		}
		match, err := want.find(ctx, line)
		if err != nil {
			t.phase = PhaseCheck
			return nil, nil, err
		}
		if t.logsRead() {
			t.req.Debug("read line", "line", oneLine(string(line)), "matches", match != nil)
		}
		if match != nil {
			return line, match, nil
		}
	}
}

// expectBytes reads as many bytes as it wants, in however many segments they
// come, and stops at the first that differs.
func (t *dialogueRun) expectBytes(want string) error {
	for rest := want; rest != ""; {
		got, err := t.reader.some(len(rest))
		if errors.Is(err, io.EOF) {
			t.phase = PhaseCheck
			return because(ReasonBody, fmt.Errorf("connection closed after %d of %d bytes expected", len(want)-len(rest), len(want)))
		}
		if err != nil {
			t.phase = t.reader.phase()
			return err
		}
		if t.logsRead() { // with a sign that more may follow
			t.req.Debug("read bytes", "bytes", strconv.Quote(strings.TrimSuffix(shortened(string(got)), "…")+"…"))
		}
		if !strings.HasPrefix(rest, string(got)) {
			t.phase, t.bytesFailed = PhaseCheck, true
			return because(ReasonBody, fmt.Errorf("answer is not the %d bytes expected", len(want)))
		}
		rest = rest[len(got):]
	}
	return nil
}

// logsRead reports whether to log what was just read.
func (t *dialogueRun) logsRead() bool {
	return t.reader.reads <= maxLoggedReads && t.logs()
}

// keep adds a series, unless there is the same one already.
func (t *dialogueRun) keep(info Sample) {
	if !slices.ContainsFunc(t.infos, func(s Sample) bool { return slices.Equal(s.Labels, info.Labels) }) {
		t.infos = append(t.infos, info)
	}
}

// expectInfo is the series of a line that matched. Of labels with the same name
// the first counts.
func expectInfo(step *QueryResponse, line []byte, match []int) Sample {
	labels := make([]Label, 0, len(step.Labels))
	for _, l := range step.Labels {
		if slices.ContainsFunc(labels, func(have Label) bool { return have.Name == l.clean }) {
			continue
		}
		labels = append(labels, Label{l.clean, peerLabel(step.Expect.Expand(nil, []byte(l.Value), line, match))})
	}
	return gauge("probe_expect_info", "Explicit content matched", 1, labels...)
}

// peerLabel makes what a peer wrote fit for the value of a label.
func peerLabel(text []byte) string {
	end, runes := 0, 0
	for end < len(text) && runes < maxPeerLabel {
		_, size := utf8.DecodeRune(text[end:])
		end += size
		runes++
	}
	return validText(string(text[:end]))
}
