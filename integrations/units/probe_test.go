package units_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
	"watchstander/integrations/units"
)

func readings(t *testing.T, k *units.Keeper) string {
	t.Helper()
	var b strings.Builder
	for _, r := range k.Probe().Read(t.Context()) {
		if r.Host != "vulcan" || r.Source == "" || !r.At.Equal(time.Now().Truncate(time.Millisecond)) {
			t.Errorf("%+v", r)
		}
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", r.State, r.What, r.Value, r.Note)
		if counts := strings.HasSuffix(r.What, " units") && r.State != bot.Unknown; counts != (r.Unit == bot.FigureCount) {
			t.Errorf("%+v", r)
		}
		if r.Value == "4 more" && r.Figure != 14 || r.Value == "none" && r.Figure != 0 {
			t.Errorf("%+v", r)
		}
	}
	return b.String()
}

func TestProbe(t *testing.T) {
	on(t, func(t *testing.T, h *simulated.Host, k *units.Keeper) {
		time.Sleep(3 * time.Hour)
		got := readings(t, k)
		if !strings.HasPrefix(got, "ok | failed units | none | \nok | flapping units | none | \nok | unit nginx.service | active (running), main process ") || strings.Count(got, "\n") != 3 {
			t.Error(got)
		}
		h.Flap("nginx.service", 10*time.Minute)
		time.Sleep(11 * time.Minute)
		if got := readings(t, k); !strings.Contains(got, "ok | unit nginx.service | active (running)") {
			t.Errorf("once is no flapping:\n%s", got)
		}
		time.Sleep(20 * time.Minute)
		got = readings(t, k)
		if !strings.Contains(got, "ok | failed units | none") || !strings.Contains(got, "not ok | unit nginx.service | flaps: started again by systemd 3 times, last 1 min ago | ") || strings.Contains(got, "flapping units") {
			t.Error(got)
		}
		time.Sleep(6 * time.Minute) // it waits to be started again
		got = readings(t, k)
		if !strings.Contains(got, "not ok | unit nginx.service | fails and is started again (3 times so far): exit-code | ") || !strings.Contains(got, "ok | failed units | none") || strings.Contains(got, "flapping units") {
			t.Error(got)
		}
		h.Mend("nginx.service")
		time.Sleep(2 * time.Hour)
		if got := readings(t, k); !strings.Contains(got, "ok | unit nginx.service | active (running)") || strings.Contains(got, "flaps") {
			t.Errorf("it has settled:\n%s", got)
		}
		h.Set("nginx.service", func(u *sys.Unit) { u.Active, u.Sub, u.MainPID = "inactive", "dead", 0 })
		if got := readings(t, k); !strings.Contains(got, "not ok | unit nginx.service | inactive (dead)") {
			t.Errorf("it was stopped:\n%s", got)
		}
		h.RemoveUnit("nginx.service")
		if got := readings(t, k); !strings.Contains(got, "unknown | unit nginx.service |  | There is no unit nginx.service on vulcan.") {
			t.Error(got)
		}
		for i := range 14 {
			u := simulated.Service(fmt.Sprintf("u%02d.service", i), "One of many")
			u.Active, u.Sub, u.Result, u.Since = "failed", "failed", "exit-code", time.Now().Add(-time.Duration(i)*time.Minute)
			h.SetUnit(u)
		}
		got = readings(t, k)
		if !strings.HasPrefix(got, "not ok | unit u00.service | failed: exit-code, 0 s ago | One of many\n") || !strings.Contains(got, "u09") || strings.Contains(got, "u10") ||
			!strings.Contains(got, "not ok | failed units | 4 more | 14 in all, the newest are named") {
			t.Error(got)
		}
		if name := k.Probe().Name(); name != "units vulcan" {
			t.Error(name)
		}
	})
}

// Nobody who cannot be asked says that nothing has failed.
func TestProbeWithoutSystemd(t *testing.T) {
	on(t, func(t *testing.T, h *simulated.Host, k *units.Keeper) {
		h.Close()
		for _, r := range k.Probe().Read(t.Context()) {
			if r.State != bot.Unknown || r.Note != "systemd does not answer" {
				t.Errorf("%+v", r)
			}
		}
	})
}
