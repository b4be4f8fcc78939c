package agent

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
)

// What an agent measured goes out whole, but for what its texts must not tell: a reading
// has no field that is lost on the way.
func TestHideReadings(t *testing.T) {
	r := bot.Reading{Host: "h secret", What: "w secret", Value: "v secret", Note: "n secret", Source: "s secret", At: time.Unix(1, 0), State: bot.NotOK, Figure: 7, Unit: "%", Blank: true}
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Fatalf("%s is not tried here", v.Type().Field(i).Name)
		}
	}
	got := hideReadings([]bot.Reading{r}, func(s string) string { return strings.ReplaceAll(s, "secret", "x") }, 80)[0]
	want := bot.Reading{Host: "h x", What: "w x", Value: "v x", Note: "n x", Source: "s x", At: r.At, State: r.State, Figure: 7, Unit: "%", Blank: true}
	if got != want {
		t.Errorf("got %+v", got)
	}
}
