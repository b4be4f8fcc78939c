package prometheus

import (
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"watchstander/bot"
)

// quantity is what a value measures, as far as the names tell: a base (one of
// bot's units, or one of the three below), how many times it was divided by
// seconds, and whether it is a hundred times too large (`100 * a / b`).
type quantity struct {
	base    string
	rate    int
	hundred bool
}

const (
	unknown  = ""         // a count, or not known
	number   = "number"   // a constant
	quotient = "quotient" // of two counts: times 100 it is a percentage
)

// unit is the quantity in bot's words.
func (q quantity) unit() string {
	switch {
	case q.hundred || q.base == number || q.base == quotient:
		return bot.UnitNone
	case q.rate == 0:
		return q.base
	case q.rate == 1 && q.base == bot.UnitBytes:
		return bot.UnitBytesPerSecond
	case q.rate == 1 && q.base == bot.UnitSeconds:
		return bot.UnitRatio // seconds of work in each second
	case q.rate == 1 && q.base == bot.UnitJoules:
		return bot.UnitWatts
	case q.rate == 1 && q.base == unknown:
		return bot.UnitPerSecond
	}
	return bot.UnitNone
}

// normal writes seconds per second as the ratio that they are.
func (q quantity) normal() quantity {
	if q.base == bot.UnitSeconds && q.rate == 1 && !q.hundred {
		return quantity{base: bot.UnitRatio}
	}
	return q
}

// measure finds what an expression measures.
func measure(e parser.Expr) quantity {
	switch e := e.(type) {
	case *parser.NumberLiteral:
		return quantity{base: number}
	case *parser.ParenExpr:
		return measure(e.Expr)
	case *parser.StepInvariantExpr:
		return measure(e.Expr)
	case *parser.UnaryExpr:
		return measure(e.Expr)
	case *parser.SubqueryExpr:
		return measure(e.Expr)
	case *parser.MatrixSelector:
		return measure(e.VectorSelector)
	case *parser.VectorSelector:
		return ofMetric(metricName(e))
	case *parser.AggregateExpr:
		switch e.Op {
		case parser.COUNT, parser.GROUP, parser.COUNT_VALUES, parser.STDVAR:
			return quantity{}
		}
		return measure(e.Expr)
	case *parser.Call:
		return ofCall(e)
	case *parser.BinaryExpr:
		return ofBinary(e)
	}
	return quantity{}
}

func metricName(v *parser.VectorSelector) string {
	if v.Name != "" {
		return v.Name
	}
	for _, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type.String() == "=" {
			return m.Value
		}
	}
	return ""
}

func ofCall(c *parser.Call) quantity {
	arg := func(i int) quantity {
		if i < len(c.Args) {
			return measure(c.Args[i])
		}
		return quantity{}
	}
	switch c.Func.Name {
	case "rate", "irate", "deriv":
		q := arg(0)
		q.rate++
		return q
	case "increase", "delta", "idelta", "predict_linear", "holt_winters", "double_exponential_smoothing",
		"avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "last_over_time", "first_over_time",
		"stddev_over_time", "mad_over_time",
		"abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max",
		"sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "label_replace", "label_join", "scalar", "vector":
		return arg(0)
	case "quantile_over_time":
		return arg(1)
	case "histogram_quantile":
		return quantity{base: arg(1).base} // of the observed values, whatever was done to their counts
	case "histogram_avg", "histogram_stddev":
		return quantity{base: arg(0).base}
	case "histogram_fraction":
		return quantity{base: bot.UnitRatio}
	case "time", "timestamp":
		return quantity{base: bot.UnitTimestamp}
	}
	return quantity{}
}

func ofBinary(b *parser.BinaryExpr) quantity {
	l, r := measure(b.LHS).normal(), measure(b.RHS).normal()
	switch b.Op {
	case parser.ADD, parser.SUB:
		return sum(l, r, b.Op == parser.SUB)
	case parser.MUL:
		if v, ok := constant(b.LHS); ok {
			return scaled(r, v)
		}
		if v, ok := constant(b.RHS); ok {
			return scaled(l, v)
		}
		if l.base == bot.UnitRatio {
			return r
		}
		if r.base == bot.UnitRatio {
			return l
		}
		return quantity{}
	case parser.DIV:
		if v, ok := constant(b.RHS); ok && v != 0 {
			return scaled(l, 1/v)
		}
		return divided(l, r)
	case parser.MOD, parser.LAND, parser.LUNLESS:
		return l
	case parser.LOR:
		if l.base == unknown || l.base == number {
			return r
		}
		return l
	}
	if b.Op.IsComparisonOperator() && !b.ReturnBool {
		if l.base == number {
			return r
		}
		return l
	}
	return quantity{}
}

func sum(l, r quantity, minus bool) quantity {
	times := l.base == bot.UnitTimestamp || r.base == bot.UnitTimestamp
	switch {
	case times && minus && l.base != number && r.base != number && r.base != bot.UnitSeconds:
		return quantity{base: bot.UnitSeconds} // how long ago, or how long until
	case times:
		return quantity{base: bot.UnitTimestamp}
	case l == r, r.base == number, r.base == unknown && r.rate == 0:
		return l
	case l.base == number, l.base == unknown && l.rate == 0:
		return r
	}
	return quantity{}
}

// scaled is a quantity times a constant. A hundredfold ratio is a percentage;
// a part of something is measured like the whole; other factors change the unit
// into one that the name does not tell (bits, milliseconds, MiB).
func scaled(q quantity, by float64) quantity {
	switch {
	case by == 1 || by == -1:
		return q
	case q.base == number:
		return q
	case by == 100 && q.rate == 0 && (q.base == bot.UnitRatio || q.base == quotient):
		return quantity{base: bot.UnitPercent}
	case by == 100:
		return quantity{q.base, q.rate, true}
	case by == 0.01 && q.base == bot.UnitPercent:
		return quantity{base: bot.UnitRatio}
	case by > 0.001 && by < 1 && by*1024 != 1, by > 1 && by <= 5:
		return q
	}
	return quantity{}
}

func divided(l, r quantity) quantity {
	if l.hundred {
		l.hundred = false
		if l == r {
			return quantity{base: bot.UnitPercent}
		}
		return quantity{}
	}
	switch {
	case l.base == number:
		return quantity{}
	case r.base == number || r.base == bot.UnitRatio:
		return l
	case l == r && l.base == unknown:
		return quantity{base: quotient}
	case l == r:
		return quantity{base: bot.UnitRatio}
	case l.base == bot.UnitRatio && r == quantity{rate: 1}:
		return quantity{base: bot.UnitSeconds} // seconds per second, by events per second
	case r.base == unknown:
		// A mean: the bytes of all requests in a second by their number.
		return quantity{base: l.base, rate: l.rate - r.rate}
	case r == quantity{base: bot.UnitSeconds}:
		return quantity{base: l.base, rate: l.rate + 1}
	}
	return quantity{}
}

// instants are metrics whose value is a time although their name does not end as
// Prometheus recommends.
var instants = map[string]bool{
	"node_time_seconds": true, "node_boot_time_seconds": true, "process_start_time_seconds": true,
	"push_time_seconds": true, "push_failure_time_seconds": true, "container_start_time_seconds": true,
	"probe_ssl_earliest_cert_expiry": true, "x509_cert_not_after": true, "x509_cert_not_before": true,
	"node_systemd_timer_last_trigger_seconds": true, "node_systemd_unit_start_time_seconds": true,
}

// amounts are metrics in bytes whose names do not say so: node_exporter takes
// them over from ZFS as they are called there.
var amounts = map[string]bool{
	"node_zfs_arc_size": true, "node_zfs_arc_c": true, "node_zfs_arc_c_min": true, "node_zfs_arc_c_max": true,
	"node_zfs_arc_arc_meta_used": true, "node_zfs_arc_l2_size": true, "node_zfs_arc_l2_asize": true,
}

// words are the last words of metrics' names that tell a unit, after
// https://prometheus.io/docs/practices/naming/.
var words = map[string]string{
	"bytes": bot.UnitBytes, "seconds": bot.UnitSeconds, "ratio": bot.UnitRatio,
	"percent": bot.UnitPercent, "percentage": bot.UnitPercent, "pct": bot.UnitPercent,
	"celsius": bot.UnitCelsius, "hertz": bot.UnitHertz, "volts": bot.UnitVolts,
	"amperes": bot.UnitAmperes, "watts": bot.UnitWatts, "joules": bot.UnitJoules,
	"timestamp": bot.UnitTimestamp, "created": bot.UnitTimestamp,
}

// ofMetric reads a metric's name.
func ofMetric(name string) quantity {
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		// A recording rule: level:metric:operations.
		if parts := strings.Split(name, ":"); len(parts) >= 3 {
			q := ofMetric(parts[len(parts)-2])
			if op := parts[len(parts)-1]; strings.HasPrefix(op, "rate") || strings.HasPrefix(op, "irate") {
				q.rate++
			}
			return q
		}
		name = name[i+1:]
	}
	if instants[name] || strings.HasSuffix(name, "_timestamp_seconds") || strings.HasSuffix(name, "_mtime_seconds") {
		return quantity{base: bot.UnitTimestamp}
	}
	if amounts[name] {
		return quantity{base: bot.UnitBytes}
	}
	for _, s := range []string{"_total", "_sum", "_bucket"} {
		name = strings.TrimSuffix(name, s)
	}
	rate := 0
	if cut, ok := strings.CutSuffix(name, "_per_second"); ok {
		name, rate = cut, 1
	}
	return quantity{base: words[name[strings.LastIndexByte(name, '_')+1:]], rate: rate}
}
