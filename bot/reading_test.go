package bot

import (
	"encoding/json"
	"math"
	"testing"
)

// What JSON could not carry is no figure.
func TestFigures(t *testing.T) {
	r := Reading{What: "disk /", State: OK}
	if got := r.With(61.5, FigurePercent); got.Figure != 61.5 || got.Unit != "%" || got.What != "disk /" {
		t.Errorf("%+v", got)
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got := r.With(f, FigureBytes); got != r {
			t.Errorf("%+v", got)
		}
	}
	// Nothing was kept, or signed, that had no figure and now has.
	if b, err := json.Marshal(r); err != nil || string(b) != `{"Host":"","What":"disk /","Value":"","Note":"","Source":"","At":"0001-01-01T00:00:00Z","State":"ok"}` {
		t.Errorf("%s %v", b, err)
	}
}

func TestCountStates(t *testing.T) {
	same := func(s ReadingState) ReadingState { return s }
	if got := CountStates([]ReadingState{Unknown, OK, NotOK, OK}, same); got != "2 ok, 1 not ok, 1 unknown" {
		t.Errorf("four are %q", got)
	}
	if got := CountStates(nil, same); got != "" {
		t.Errorf("none is %q", got)
	}
}
