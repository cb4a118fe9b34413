package prober

import (
	"context"
	"fmt"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// CheckModule is a module that runs one check of a Checker, whatever it is asked to
// probe.
func CheckModule(checker *health.Checker, name string, timeout time.Duration) *Module {
	// A check has its own timeout, and what hangs beyond it is handled there:
	// so a little more is allowed here.
	return FuncModule(fmt.Sprintf("check %s of %p", name, checker), timeout+time.Second, func(ctx context.Context) Result {
		began := time.Now()
		status, ok := checker.RunNow(ctx, name)
		switch {
		case !ok:
			return Failure(ReasonInternal, errNoCheck)
		case status.Result.Time.Before(began) && !status.Hung: // what was known before
			return cancelled("the check was ended before it had a result")
		}
		return CheckResult(&status.Result)
	})
}

var errNoCheck = &FieldError{"check", "unknown check"}

// CheckResult is the result of a check as that of a probe. One that says nothing
// about the thing itself (it was not run, or is not over) is inconclusive.
func CheckResult(r *health.Result) Result {
	res := Result{
		Outcome: r.Outcome, Reason: CheckReason(r.Reason), Report: CheckReport(r),
		Inconclusive: r.Outcome == health.Reset,
	}
	if res.Inconclusive {
		res.Outcome, res.Reason = health.Fail, ReasonInternal
	}
	if r.Outcome == health.Pass || r.Outcome == health.Warn {
		res.Reason = ReasonNone
	}
	if r.Outcome != health.Pass {
		res.Error = oneLine(r.Text())
	}
	return res
}

// CheckReason is the reason of a check that did not pass, in the words of probes.
func CheckReason(r health.FailReason) Reason {
	switch r {
	case health.FailNone:
		return ReasonNone
	case health.FailTimeout:
		return ReasonTimeout
	case health.FailError:
		return ReasonCheck
	}
	return ReasonInternal
}

// CheckReport has what a check has observed; nil if that is nothing.
func CheckReport(r *health.Result) *health.Report {
	if len(r.Observations) == 0 {
		return nil
	}
	report := &health.Report{Status: r.Outcome}
	for _, o := range r.Observations {
		report.Observe("", ":"+o.Name, o.Measurement)
	}
	return report
}
