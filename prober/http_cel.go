package prober

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// interruptMatches makes the function matches of an expression end with the evaluation.
// The library's own goes on until it is done.
func interruptMatches(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := node.(interpreter.InterpretableCall)
	if !ok || call.Function() != "matches" || len(call.Args()) != 2 {
		return node, nil
	}
	m := &celMatch{InterpretableCall: call}
	if constant, ok := call.Args()[1].(interpreter.InterpretableConst); ok {
		if text, ok := constant.Value().(types.String); ok {
			if err := m.constant.UnmarshalText([]byte(text)); err != nil {
				return node, nil // which fails when it is evaluated
			}
		}
	}
	return m, nil
}

// celMatch is a call of matches.
type celMatch struct {
	interpreter.InterpretableCall
	constant Regexp // empty if the expression is not known before
}

// Eval matches without an interruption.
func (m *celMatch) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, m.Exec)
}

// Exec matches, and looks for an interruption on the way.
func (m *celMatch) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := [2]ref.Val{}
	for i, arg := range m.Args() {
		if args[i] = arg.Exec(frame); types.IsUnknownOrError(args[i]) {
			return args[i]
		}
	}
	result := m.match(frame, args[0], args[1])
	if costs := frame.CostTracker(); costs != nil {
		costs.EvalVarArgs(frame, m.ID(), m, args[:], result)
	}
	return result
}

func (m *celMatch) match(frame *interpreter.ExecutionFrame, text, expression ref.Val) ref.Val {
	in, isText := text.(types.String)
	pattern, isPattern := expression.(types.String)
	if !isText || !isPattern {
		return types.MaybeNoSuchOverloadErr(text)
	}
	r := m.constant
	if r.Regexp == nil {
		if err := r.UnmarshalText([]byte(pattern)); err != nil {
			return types.NewErrWithNodeID(m.ID(), "%s", err)
		}
	}
	found, stopped := r.matchesUnless(interrupted(frame), []byte(in))
	if stopped {
		return types.NewErrWithNodeID(m.ID(), "operation interrupted")
	}
	return types.Bool(found)
}

// interrupted asks a frame often enough for it to look: it does so at each hundredth call.
func interrupted(frame *interpreter.ExecutionFrame) func() bool {
	return func() bool {
		for range interruptFrequency {
			if frame.CheckInterrupt() {
				return true
			}
		}
		return false
	}
}
