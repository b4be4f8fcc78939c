package prometheus

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"watchstander/bot"
)

// Part is one condition of an alert's expression, made ready to draw.
type Part struct {
	// Expr is what is measured, without the comparison.
	Expr string
	// Limits are expressions that it is compared with.
	Limits []string
	// Thresholds are constants that it is compared with.
	Thresholds []bot.Threshold
	// Unit is one of bot's, as far as the metrics' names tell.
	Unit string
	// Heading is what stands above the picture.
	Heading string
	// Otherwise is drawn when Expr has no series at all: absent(x) is about x, but
	// x may never have been there.
	Otherwise string
}

// promql understands more than servers enable: whether an expression may be
// asked is the server's decision, not ours.
var promql = parser.NewParser(parser.Options{
	EnableExperimentalFunctions:  true,
	ExperimentalDurationExpr:     true,
	EnableExtendedRangeSelectors: true,
	EnableBinopFillModifiers:     true,
})

// TakeApart finds what is to be drawn for an alert's expression: one part for
// each condition. What it does not understand is one part: the expression as it
// is.
func TakeApart(expr string) []Part {
	expr = strings.TrimSpace(expr)
	whole := Part{Expr: expr, Heading: expr}
	if len(expr) > maxApart {
		return []Part{whole}
	}
	e, err := promql.ParseExpr(expr)
	if err != nil {
		return []Part{whole}
	}
	t := &taker{source: expr, budget: maxReading}
	parts := merged(t.conditions(e))
	if t.budget < 0 {
		return []Part{whole}
	}
	if len(parts) == 0 {
		return []Part{t.asIs(e)}
	}
	return parts
}

// maxApart bounds, in bytes, what is taken apart: the parser's time grows with
// the square of some expressions. Longer ones are drawn as they are.
const maxApart = 4 << 10

// maxReading bounds how many bytes of source are read again to find the author's
// own writing: an expression made to be slow is drawn as it is.
const maxReading = 1 << 20

type taker struct {
	source string
	budget int
}

// conditions are the comparisons of an expression that decide whether it fires;
// none when it is not made of any.
func (t *taker) conditions(e parser.Expr) []Part {
	switch e := bare(e).(type) {
	case *parser.BinaryExpr:
		switch {
		case e.Op.IsComparisonOperator():
			return t.comparison(e)
		case e.Op == parser.LUNLESS:
			// What follows holds the alert back, and is not why it fires.
			return t.conditions(e.LHS)
		case e.Op == parser.LAND:
			// A side that only selects ("and on(instance) up") says nothing that
			// could be drawn beside the others.
			return append(t.conditions(e.LHS), t.conditions(e.RHS)...)
		case e.Op == parser.LOR:
			l, r := t.conditions(e.LHS), t.conditions(e.RHS)
			if len(l) == 0 || len(r) == 0 {
				return nil // one side fires by being there
			}
			return append(l, r...)
		}
	case *parser.Call:
		if e.Func.Name == "absent" || e.Func.Name == "absent_over_time" {
			p := t.asIs(present(e.Args[0]))
			p.Otherwise = t.text(e)
			p.Heading = p.Otherwise
			return []Part{p}
		}
	}
	return nil
}

func (t *taker) comparison(e *parser.BinaryExpr) []Part {
	left, leftOK := constant(e.LHS)
	right, rightOK := constant(e.RHS)
	switch {
	case leftOK && rightOK:
		return nil
	case rightOK:
		return t.against(e.LHS, operator(e.Op), right)
	case leftOK:
		return t.against(e.RHS, turned(operator(e.Op)), left)
	}
	p := t.asIs(e.LHS)
	p.Heading = t.text(e)
	if limit := t.text(e.RHS); limit != p.Expr {
		p.Limits = []string{limit}
	}
	if p.Unit == bot.UnitNone {
		p.Unit = measure(e.RHS).unit()
	}
	return []Part{p}
}

// against compares a side with a constant. The side may be a comparison itself:
// `1 < x < 5` lets through what lies between, `(x > bool 1) == 1` what x > 1 does.
func (t *taker) against(side parser.Expr, op bot.Comparison, value float64) []Part {
	if inner, ok := bare(side).(*parser.BinaryExpr); ok && inner.Op.IsComparisonOperator() {
		switch {
		case !inner.ReturnBool:
			if ps := t.comparison(inner); len(ps) == 1 && len(ps[0].Limits) == 0 && len(ps[0].Thresholds) > 0 {
				ps[0].Thresholds = append(ps[0].Thresholds, thresholds(op, value)...)
				return ps
			}
		case holds(1, op, value) && !holds(0, op, value):
			return t.comparison(inner)
		}
	}
	p := t.asIs(side)
	p.Thresholds = thresholds(op, value)
	return []Part{p}
}

// asIs is an expression without a condition.
func (t *taker) asIs(e parser.Expr) Part {
	s := t.text(bare(e))
	return Part{Expr: s, Heading: s, Unit: measure(e).unit()}
}

// text is a piece of the source as its author wrote it. Where that is not one
// line, or does not read back as the same, it is the parser's own writing.
func (t *taker) text(e parser.Expr) string {
	if t.budget -= len(t.source); t.budget < 0 {
		return ""
	}
	canonical := e.String()
	at := e.PositionRange()
	if at.Start < 0 || at.Start >= at.End || int(at.End) > len(t.source) {
		return canonical
	}
	s := strings.TrimSpace(t.source[at.Start:at.End])
	if strings.ContainsAny(s, "\r\n#") {
		return canonical
	}
	if back, err := promql.ParseExpr(s); err != nil || back.String() != canonical {
		return canonical
	}
	return s
}

// merged joins the parts that measure the same: `x > 1 and x < 5` is one line
// between two thresholds.
func merged(in []Part) []Part {
	var out []Part
	for _, p := range in {
		i := slices.IndexFunc(out, func(q Part) bool { return q.Expr == p.Expr })
		if i < 0 {
			out = append(out, p)
			continue
		}
		q := &out[i]
		for _, t := range p.Thresholds {
			if !slices.Contains(q.Thresholds, t) {
				q.Thresholds = append(q.Thresholds, t)
			}
		}
		for _, l := range p.Limits {
			if !slices.Contains(q.Limits, l) {
				q.Limits = append(q.Limits, l)
			}
		}
		if q.Otherwise == "" {
			q.Otherwise = p.Otherwise
		}
	}
	return out
}

func bare(e parser.Expr) parser.Expr {
	for {
		p, ok := e.(*parser.ParenExpr)
		if !ok {
			return e
		}
		e = p.Expr
	}
}

// present is what absent() looks for: of a range or subquery what it ranges over.
func present(e parser.Expr) parser.Expr {
	switch e := bare(e).(type) {
	case *parser.MatrixSelector:
		return e.VectorSelector
	case *parser.SubqueryExpr:
		return bare(e.Expr)
	default:
		return e
	}
}
