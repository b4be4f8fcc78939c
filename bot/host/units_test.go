package host

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"watchstander/bot"
)

func TestUnitName(t *testing.T) {
	for name, want := range map[string]string{
		"nginx": "nginx.service", "nginx.service": "nginx.service", "restic-backup.timer": "restic-backup.timer",
		"getty@tty1": "getty@tty1.service", "podman-lite.llm": "podman-lite.llm.service", `dev-disk-by\x2duuid-1.swap`: `dev-disk-by\x2duuid-1.swap`,
		"a:b_c": "a:b_c.service",
	} {
		if got, err := UnitName(name); err != nil || got != want {
			t.Errorf("%q is %q, want %q: %v", name, got, want, err)
		}
	}
	for _, name := range []string{"", "-n", "--now", "ngin*", "a b", "a;b", "../x", "/etc", ".service", "@x", "nginx[0]", "nginx?", "ünit", "a\nb", "a'b",
		strings.Repeat("x", 300)} {
		got, err := UnitName(name)
		if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeInvalid {
			t.Errorf("%q is %q: %v", name, got, err)
		}
	}
}

// looker answers one look, and remembers the question.
type looker struct {
	answer any
	err    error
	asked  string
}

func (l *looker) Look(_ context.Context, host, look string, args bot.Arguments) (json.RawMessage, error) {
	l.asked = host + " " + look
	for _, n := range slices.Sorted(maps.Keys(args)) {
		l.asked += " " + n + "=" + strings.Join(args[n], ",")
	}
	if s, raw := l.answer.(string); raw {
		return json.RawMessage(s), l.err
	}
	b, err := json.Marshal(l.answer)
	if err != nil {
		return nil, err
	}
	return b, l.err
}

func TestAsking(t *testing.T) {
	two := 2 * GiB
	l := &looker{answer: Unit{Name: "nginx.service", Memory: &two}}
	u, err := UnitOf(t.Context(), l, "vulcan", "nginx")
	if err != nil || l.asked != "vulcan service unit=nginx" || *u.Memory != 2*GiB || u.MainPID != 0 {
		t.Errorf("%q gave %+v: %v", l.asked, u, err)
	}
	l.answer = Logs{Unit: "nginx.service"}
	if _, err := LogsOf(t.Context(), l, "", "nginx", 20); err != nil || l.asked != " logs lines=20 unit=nginx" {
		t.Errorf("%q: %v", l.asked, err)
	}
	if _, err := LogsOf(t.Context(), l, "", "nginx", 0); err != nil || l.asked != " logs unit=nginx" {
		t.Errorf("%q: %v", l.asked, err)
	}
	l.answer = Changes{}
	if _, err := ChangesOf(t.Context(), l, "", 24); err != nil || l.asked != " changes hours=24" {
		t.Errorf("%q: %v", l.asked, err)
	}
	l.answer = Pools{Pools: []Pool{{Name: "tank"}}}
	if p, err := PoolsOf(t.Context(), l, ""); err != nil || l.asked != " zfs.status" || len(p.Pools) != 1 || p.Pools[0].Lost != nil {
		t.Errorf("%q gave %+v: %v", l.asked, p, err)
	}
	l.answer = ARC{Size: GiB}
	if a, err := ARCOf(t.Context(), l, ""); err != nil || l.asked != " zfs.arc" || a.Size != GiB || a.Sample != nil {
		t.Errorf("%q gave %+v: %v", l.asked, a, err)
	}
}

// What cannot be read says whose fault it may be; what the agent says is kept.
func TestAskingInVain(t *testing.T) {
	l := &looker{answer: `{"name": 3}`}
	_, err := UnitOf(t.Context(), l, "", "nginx")
	if e, ok := errors.AsType[*bot.Error](err); !ok || e.Code != bot.CodeUnavailable || !strings.Contains(e.Message, "same version") {
		t.Errorf("%v", err)
	}
	l.err = bot.Errorf(bot.CodeNotFound, "There is no unit x.service.")
	if _, err := UnitOf(t.Context(), l, "", "x"); !errors.Is(err, l.err) {
		t.Errorf("%v", err)
	}
}

func TestShare(t *testing.T) {
	if r, ok := (Share{Hits: 90, IOHits: 5, Misses: 5}).Ratio(); !ok || r != 90 {
		t.Errorf("%v %v", r, ok)
	}
	if _, ok := (Share{}).Ratio(); ok {
		t.Error("of no reads there is no ratio")
	}
}
