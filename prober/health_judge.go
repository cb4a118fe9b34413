package prober

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/health"
)

// judge makes a result of an answer: the code first, then the body, which may
// only make it worse.
func (p *healthProbe) judge(answer *httpAnswer, codes StatusCodes) Result {
	res := Result{Outcome: health.Pass, StatusCode: answer.code, CertExpiry: answer.expiry}
	if len(codes) == 0 {
		codes = p.ValidStatusCodes
	}
	var unread error
	if !p.IgnoreBody {
		unread = res.readAnswer(answer)
	}
	says := ""
	if res.Report != nil {
		says = res.Report.Output
	}
	switch {
	case !codes.Contain(answer.code):
		res.Outcome, res.Reason, res.Phase = health.Fail, ReasonStatus, PhaseCheck
		res.Error = withDetail(wrongStatus(answer.code, codes), says)
	case errors.Is(unread, errReportCut): // whatever it says can only be worse
		res.Outcome, res.Error = health.Warn, unread.Error()
	case unread != nil:
		res.Outcome, res.Reason, res.Phase = health.Fail, ReasonBody, PhaseCheck
		res.Error = oneLine(unread.Error())
	case res.Report == nil:
	case res.Report.Status == health.Fail:
		res.Outcome, res.Reason, res.Phase = health.Fail, ReasonBody, PhaseCheck
		res.Error = withDetail("the target says it fails", says)
	case res.Report.Status == health.Warn:
		res.Outcome = health.Warn
		res.Error = withDetail("the target warns", says)
	}
	return res
}

func withDetail(text, detail string) string {
	if detail == "" {
		return text
	}
	return text + ": " + oneLine(detail)
}

var errReportCut = fmt.Errorf("body is larger than %d KiB: what it says of its health was not read", health.MaxReportSize>>10)

// readAnswer decodes the body, and reads what it says. It is an error if that cannot be
// known although it may matter.
func (r *Result) readAnswer(answer *httpAnswer) error {
	body, cut := answer.body, answer.cut
	if coding := answer.header.Get("Content-Encoding"); coding != "" && len(body) > 0 {
		var err error
		if body, cut, err = decodeBody(coding, body, cut); err != nil {
			return err
		}
	}
	contentType := answer.header.Get("Content-Type")
	if !cut {
		r.readBody(contentType, skipByteOrderMark(body))
		return nil
	}
	if isJSON, isReport := jsonType(contentType); isJSON {
		r.BodyError = isReport
		return errReportCut
	}
	return nil
}

// readBody keeps the body if it is JSON, and reads it as a report if its type
// says that it may be one.
func (r *Result) readBody(contentType string, body []byte) {
	isJSON, isReport := jsonType(contentType)
	if word, ok := health.ParseWord(body); ok && !isJSON {
		r.Report = &health.Report{Status: word}
		return
	}
	if valid := looksLikeJSON(body, isJSON) && json.Valid(body); valid {
		r.Response = slices.Clone(body)
	} else if !isReport {
		return
	}
	if !isJSON {
		return
	}
	report, err := health.ParseReport(body)
	switch {
	case err != nil:
		r.BodyError = isReport
	case isReport || report.Status != health.Reset:
		r.Report = report
	}
}

// looksLikeJSON spares most bodies the parser. Without a type that says so only
// objects and arrays are taken for JSON: "1" and "null" are more likely text.
func looksLikeJSON(body []byte, typed bool) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 {
		return false
	}
	return typed || body[0] == '{' || body[0] == '['
}

// jsonType reads a media type: is it JSON, and is it health+json?
func jsonType(contentType string) (isJSON, isReport bool) {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.TrimSpace(mediaType)
	isReport = strings.EqualFold(mediaType, health.MediaType)
	isJSON = isReport || strings.EqualFold(mediaType, "application/json") ||
		len(mediaType) > 5 && strings.EqualFold(mediaType[len(mediaType)-5:], "+json")
	return isJSON, isReport
}
