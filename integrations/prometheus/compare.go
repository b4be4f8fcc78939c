package prometheus

import (
	"math"

	"github.com/prometheus/prometheus/promql/parser"

	"watchstander/bot"
)

// constant evaluates what does not depend on any series.
func constant(e parser.Expr) (float64, bool) {
	switch e := bare(e).(type) {
	case *parser.NumberLiteral:
		return e.Val, true
	case *parser.UnaryExpr:
		v, ok := constant(e.Expr)
		if e.Op == parser.SUB {
			v = -v
		}
		return v, ok
	case *parser.Call:
		if e.Func.Name == "vector" && len(e.Args) == 1 {
			return constant(e.Args[0])
		}
	case *parser.BinaryExpr:
		l, ok1 := constant(e.LHS)
		r, ok2 := constant(e.RHS)
		if !ok1 || !ok2 {
			return 0, false
		}
		switch e.Op {
		case parser.ADD:
			return l + r, true
		case parser.SUB:
			return l - r, true
		case parser.MUL:
			return l * r, true
		case parser.DIV:
			return l / r, true
		case parser.MOD:
			return math.Mod(l, r), true
		case parser.POW:
			return math.Pow(l, r), true
		}
	}
	return 0, false
}

// thresholds: only a finite one can be drawn.
func thresholds(op bot.Comparison, v float64) []bot.Threshold {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return []bot.Threshold{{Op: op, Value: v}}
}

func operator(op parser.ItemType) bot.Comparison {
	switch op {
	case parser.GTR:
		return bot.Above
	case parser.GTE:
		return bot.AtLeast
	case parser.LSS:
		return bot.Below
	case parser.LTE:
		return bot.AtMost
	case parser.NEQ:
		return bot.Other
	}
	return bot.Equal
}

// turned is the comparison read from its right side.
func turned(op bot.Comparison) bot.Comparison {
	switch op {
	case bot.Above:
		return bot.Below
	case bot.AtLeast:
		return bot.AtMost
	case bot.Below:
		return bot.Above
	case bot.AtMost:
		return bot.AtLeast
	}
	return op
}

func holds(v float64, op bot.Comparison, than float64) bool {
	switch op {
	case bot.Above:
		return v > than
	case bot.AtLeast:
		return v >= than
	case bot.Below:
		return v < than
	case bot.AtMost:
		return v <= than
	case bot.Other:
		return v != than
	}
	return v == than
}
