package bot

import (
	"slices"
	"testing"
	"time"
)

func TestIntervals(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2025, 11, 1, h, 0, 0, 0, time.UTC) }
	of := func(hours ...int) (out []Interval) {
		for i := 0; i < len(hours); i += 2 {
			out = append(out, Interval{at(hours[i]), at(hours[i+1])})
		}
		return out
	}
	if got := JoinIntervals(of(5, 7, 1, 2, 2, 3, 6, 6)); !slices.Equal(got, of(1, 3, 5, 7)) {
		t.Errorf("joined: %v", got)
	}
	for _, x := range []struct {
		others, left []Interval
	}{
		{nil, of(4, 10)},
		{of(1, 4, 10, 12), of(4, 10)},
		{of(1, 5, 9, 12), of(5, 9)},
		{of(7, 8, 5, 6, 5, 7), of(4, 5, 8, 10)},
		{of(6, 6), of(4, 6, 6, 10)},
		{of(4, 10), nil},
		{of(1, 20), nil},
	} {
		if got := of(4, 10)[0].Without(x.others); !slices.Equal(got, x.left) {
			t.Errorf("without %v: %v, not %v", x.others, got, x.left)
		}
	}
	if d := TotalOf(of(1, 3, 5, 6)); d != 3*time.Hour {
		t.Errorf("in all %v", d)
	}
	if part, ok := of(1, 5)[0].Within(of(3, 9)[0]); !ok || part != of(3, 5)[0] {
		t.Errorf("within: %v, %t", part, ok)
	}
	if _, ok := of(1, 3)[0].Within(of(3, 9)[0]); ok {
		t.Error("what only touches is within")
	}
}
