package prober

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Limits on what an expression over a body may cost, whoever wrote the one or
// the other. A JSON body takes many times its size in memory once it is decoded.
const (
	maxJSONBody       = 2 << 20
	maxExpressionCost = 1_000_000
	// interruptFrequency is after how many steps an evaluation checks the deadline.
	interruptFrequency = 100
)

// Expression is a condition in the Common Expression Language over a body in
// JSON, the variable body. It is compiled when it is decoded.
type Expression struct {
	source  string
	program cel.Program
	output  *cel.Type
}

// UnmarshalText compiles the expression.
func (e *Expression) UnmarshalText(text []byte) error {
	env, err := cel.NewEnv(cel.Variable("body", cel.DynType))
	if err != nil {
		return err
	}
	ast, issues := env.Compile(string(text))
	if err := issues.Err(); err != nil {
		first, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "ERROR: <input>:"), "\n")
		return fmt.Errorf("%q is not a valid CEL expression: %s", text, oneLine(first))
	}
	e.program, err = env.Program(ast,
		cel.InterruptCheckFrequency(interruptFrequency), cel.CostLimit(maxExpressionCost),
		cel.CustomDecoratorV2(interruptMatches))
	if err != nil {
		return err
	}
	e.source, e.output = string(text), ast.OutputType()
	return nil
}

// MarshalText is the expression's source.
func (e Expression) MarshalText() ([]byte, error) { return []byte(e.source), nil }

func (e *Expression) String() string { return e.source }

// mayBeBool reports whether the expression can be true or false at all.
func (e *Expression) mayBeBool() bool {
	return e.output.IsExactType(cel.BoolType) || e.output.IsExactType(cel.DynType)
}

// holds evaluates the expression. It ends with the context.
func (e *Expression) holds(ctx context.Context, body any) (bool, error) {
	value, _, err := e.program.ContextEval(ctx, map[string]any{"body": body})
	switch {
	case ctx.Err() != nil:
		return false, &slowMatch{e.source, ctx.Err()}
	case err != nil:
		return false, fmt.Errorf("evaluating %q: %w", e.source, err)
	}
	result, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("%q is neither true nor false but a %s", e.source, value.Type().TypeName())
	}
	return bool(result), nil
}

// matchesJSON reports whether there are conditions on the body as JSON.
func (p *httpProbe) matchesJSON() bool {
	return p.FailIfBodyJSONMatches != nil || p.FailIfBodyJSONNotMatches != nil
}

// jsonLimit is the largest body that is decoded. Modules that allow larger bodies on
// purpose get them.
func (p *httpProbe) jsonLimit() int {
	if p.BodySizeLimit <= 0 {
		return maxJSONBody
	}
	return max(maxJSONBody, p.matchLimit())
}

// matchJSON checks the body as JSON against the conditions.
func (p *httpProbe) matchJSON(ctx context.Context, text []byte, cut bool) error {
	if !p.matchesJSON() {
		return nil
	}
	if limit := p.jsonLimit(); cut || len(text) > limit {
		size, _ := Size(limit).MarshalText()
		return fmt.Errorf("body is larger than %s, too large for an expression", size)
	}
	var body any
	if err := json.Unmarshal(skipByteOrderMark(text), &body); err != nil {
		return errors.New("body is not valid JSON")
	}
	if e := p.FailIfBodyJSONMatches; e != nil {
		if holds, err := e.holds(ctx, body); err != nil {
			return err
		} else if holds {
			return fmt.Errorf("body matches %q", e)
		}
	}
	if e := p.FailIfBodyJSONNotMatches; e != nil {
		if holds, err := e.holds(ctx, body); err != nil {
			return err
		} else if !holds {
			return fmt.Errorf("body does not match %q", e)
		}
	}
	return nil
}
