package prometheus

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"watchstander/bot"
)

// maxSpan is the longest time range that is asked for.
const maxSpan = 400 * 24 * time.Hour

// seriesAtServer bounds what the server collects; servers before Prometheus 3
// do not know this limit, and there the size of the body bounds it.
const seriesAtServer = 2000

// Ranged is what an expression gave over a span of time.
type Ranged struct {
	Series []Stream
	// Step is the distance between points.
	Step time.Duration
	// Omitted counts the series beyond Config.MaxSeries.
	Omitted int
	// Cut: the server has more series than it told.
	Cut bool
}

// Stream is one series, the name of its metric under "__name__".
type Stream struct {
	Labels bot.Labels
	Points []bot.Point
}

// Value is one answer to an instant query.
type Value struct {
	Labels bot.Labels
	Value  float64
	At     time.Time
}

// call bounds one call in time, and tells its failure.
func (c *Client) call(ctx context.Context, f func(context.Context) error) error {
	ctx, stop := context.WithTimeoutCause(ctx, c.cfg.Timeout, ErrTimeout)
	defer stop()
	return explain(ctx, f(ctx), c.cfg.Timeout)
}

// step is the distance between points such that a span has no more than most of
// them: whole seconds, because Prometheus' own page and recording rules count in
// them.
func step(span time.Duration, most int) time.Duration {
	s := (span/time.Duration(most-1) + time.Second - 1).Truncate(time.Second)
	return max(s, time.Second)
}

// Range evaluates an expression from start to end. keep decides which series are
// kept first when there are too many; it may be nil. An expression without
// series is not an error.
func (c *Client) Range(ctx context.Context, expr string, start, end time.Time, keep func(bot.Labels) bool) (Ranged, error) {
	span := end.Sub(start)
	if span <= 0 || span > maxSpan {
		return Ranged{}, bot.Errorf(bot.CodeInvalid, "The time range must be longer than nothing and at most 400 days.")
	}
	out := Ranged{Step: step(span, c.cfg.MaxPoints)}
	err := c.call(ctx, func(ctx context.Context) error {
		value, warnings, _, err := c.api.QueryRange(ctx, expr,
			v1.Range{Start: start, End: end, Step: out.Step}, v1.WithTimeout(c.cfg.Timeout), v1.WithLimit(seriesAtServer))
		if err != nil {
			return err
		}
		matrix, ok := value.(model.Matrix)
		if !ok {
			return fmt.Errorf("a range query gave %T", value)
		}
		out.Cut = len(warnings) > 0 && len(matrix) >= seriesAtServer
		var all []Stream
		for _, s := range matrix {
			if s != nil && len(s.Values) > 0 { // native histograms have no line
				all = append(all, Stream{Labels: labels(s.Metric), Points: points(s.Values, c.cfg.MaxPoints)})
			}
		}
		// The server's order (by labels) stays unless some must go.
		if over := len(all) - c.cfg.MaxSeries; over > 0 {
			if keep != nil {
				slices.SortStableFunc(all, func(a, b Stream) int {
					return rank(keep(a.Labels)) - rank(keep(b.Labels))
				})
			}
			out.Omitted, all = over, all[:c.cfg.MaxSeries]
		}
		out.Series = all
		return nil
	})
	if err != nil {
		return Ranged{}, err
	}
	return out, nil
}

// Instant evaluates an expression at one time; a zero time means the server's
// now. At most Config.MaxSeries values are given.
func (c *Client) Instant(ctx context.Context, expr string, at time.Time) ([]Value, error) {
	var out []Value
	err := c.call(ctx, func(ctx context.Context) error {
		value, _, _, err := c.api.Query(ctx, expr, at, v1.WithTimeout(c.cfg.Timeout), v1.WithLimit(uint64(c.cfg.MaxSeries)))
		if err != nil {
			return err
		}
		switch v := value.(type) {
		case model.Vector:
			for _, s := range v {
				if s == nil || s.Histogram != nil {
					continue
				}
				out = append(out, Value{labels(s.Metric), float64(s.Value), s.Timestamp.Time()})
			}
		case *model.Scalar:
			out = append(out, Value{bot.Labels{}, float64(v.Value), v.Timestamp.Time()})
		default:
			return &v1.Error{Type: v1.ErrBadData, Msg: "the expression gives " + value.Type().String() + ", not numbers"}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out[:min(len(out), c.cfg.MaxSeries)], nil
}

// Ready tells whether the server can be used, and its version ("" where it does
// not say). It asks the server whether it is ready, and then a real question,
// because only that proves that the credentials may query.
func (c *Client) Ready(ctx context.Context) (version string, err error) {
	err = c.call(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.raw.URL("/-/ready", nil).String(), nil)
		if err != nil {
			return err
		}
		resp, body, err := c.raw.Do(ctx, req) //nolint:bodyclose // Do has read and closed it
		if err != nil {
			return err
		}
		// A proxy may let through the API alone: then the question below decides.
		if resp.StatusCode >= 500 {
			return fmt.Errorf("not ready: %s: %s", resp.Status, body[:min(len(body), 200)])
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	values, err := c.Instant(ctx, "vector(1)", time.Time{})
	if err != nil {
		return "", err
	}
	if len(values) != 1 || values[0].Value != 1 {
		return "", bot.Errorf(bot.CodeUnavailable, "The configured address answers, but not like Prometheus.").
			Because(fmt.Errorf("%w: vector(1) gave %d values", ErrUnavailable, len(values)))
	}
	_ = c.call(ctx, func(ctx context.Context) error {
		info, err := c.api.Buildinfo(ctx)
		version = oneLine(info.Version)
		return err // a server without this question works all the same
	})
	return version, nil
}

// Close lets go of idle connections.
func (c *Client) Close() error {
	if t, ok := c.cfg.Transport.(io.Closer); ok {
		return t.Close()
	}
	if i, ok := c.raw.(interface{ CloseIdleConnections() }); ok {
		i.CloseIdleConnections()
	}
	return nil
}

func rank(kept bool) int {
	if kept {
		return 0
	}
	return 1
}

func labels(m model.Metric) bot.Labels {
	out := make(bot.Labels, len(m))
	for k, v := range m {
		out[string(k)] = string(v)
	}
	return out
}

func points(in []model.SamplePair, most int) []bot.Point {
	// A server that gives more than it was asked for is not believed further.
	in = in[:min(len(in), most+1)]
	out := make([]bot.Point, len(in))
	for i, p := range in {
		out[i] = bot.Point{At: p.Timestamp.Time().UTC(), Value: float64(p.Value)}
	}
	return out
}
