package prober

import (
	"context"
	"time"
)

// FuncModule is a module that calls a function, for checks that run inside this
// program. The key distinguishes such modules, as options do for those of a file.
func FuncModule(key string, timeout time.Duration, probe func(context.Context) Result) *Module {
	return &Module{kind: "func", timeout: timeout, spec: funcProbe(probe), fingerprint: "func " + key}
}

type funcProbe func(context.Context) Result

func (f funcProbe) validate() error { return nil }

func (f funcProbe) probe(ctx context.Context, _ Request) Result { return f(ctx) }
