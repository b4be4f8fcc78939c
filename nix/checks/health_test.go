package checks

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// looks runs health checks of one service, with a systemd of the test's.
type looks struct {
	*bench
	state string // what systemd says of the unit
}

func newLooks(t *testing.T) *looks {
	l := &looks{bench: newBench(t), state: "active"}
	l.mkdir("state")
	l.mkdir("figures")
	l.program("systemctl", `case $1 in
show) cat "`+l.path("unit")+`" ;;
*) echo "$@" >>"`+l.path("asked")+`" ;;
esac`)
	return l
}

// look makes one, whose budget is 2 restarts an hour after 3 failures.
func (l *looks) look(program ...string) map[string]float64 {
	l.t.Helper()
	l.write("unit", l.state+"\n")
	said, ok := l.run("health-check.sh", append([]string{"web", "nginx.service", "3", "2", "3600", "2", "60", l.path("state"), l.path("figures"), "--"}, program...)...)
	if !ok {
		l.t.Fatalf("it failed:\n%s", said)
	}
	return l.figures("figures/health-web.prom")
}

// restarts is how often systemd was asked for one.
func (l *looks) restarts() int {
	l.t.Helper()
	text, err := os.ReadFile(l.path("asked"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if line != "try-restart --no-block nginx.service\n" {
			l.t.Errorf("systemd was asked for %q", line)
		}
	}
	return strings.Count(string(text), "\n")
}

const (
	failuresInARow = `watchstander_health_check_failures{service="web"}`
	restartsSoFar  = `watchstander_health_check_restarts{service="web"}`
	outcomeOf      = `watchstander_health_check{service="web",outcome="`
)

// TestHealthCheckBudget: a service that no restart mends is restarted twice, and then
// left to people, however often it is looked at; an hour later it may be restarted again.
func TestHealthCheckBudget(t *testing.T) {
	l := newLooks(t)
	bad := []string{"/bin/false"}
	for i, want := range []struct{ failures, restarts float64 }{{1, 0}, {2, 0}, {0, 1}, {1, 1}, {2, 1}, {0, 2}, {1, 2}, {2, 2}, {3, 2}, {4, 2}, {5, 2}} {
		got := l.look(bad...)
		if got[failuresInARow] != want.failures || got[restartsSoFar] != want.restarts || l.restarts() != int(want.restarts) || got[outcomeOf+`failed"}`] != 1 {
			t.Errorf("look %d: %v failures, %v restarts told, %d asked for", i+1, got[failuresInARow], got[restartsSoFar], l.restarts())
		}
	}
	// It answers, and then no more: the budget holds across episodes.
	l.look("/bin/true")
	for range 5 {
		l.look(bad...)
	}
	if l.restarts() != 2 {
		t.Errorf("an episode of its own brought a new budget: %d restarts", l.restarts())
	}
	l.write("state/restarts", "1\n2\nnot a moment\n99999999999\n")
	if got := l.look(bad...); got[restartsSoFar] != 1 || l.restarts() != 3 {
		t.Errorf("old restarts, and those of a wrong clock, still count: %v, %d", got[restartsSoFar], l.restarts())
	}
}

// TestHealthCheckOutcomes: what is told of a unit that is not there to answer, that
// hangs, that is well.
func TestHealthCheckOutcomes(t *testing.T) {
	for state, want := range map[string]string{"active": "ok", "activating": "changing", "inactive": "inactive", "failed": "inactive"} {
		l := newLooks(t)
		l.state = state
		got := l.look("/bin/true")
		for _, outcome := range []string{"ok", "failed", "inactive", "changing"} {
			if is := got[outcomeOf+outcome+`"}`] == 1; is != (outcome == want) {
				t.Errorf("%s: %s is %v", state, outcome, is)
			}
		}
		if l.restarts() != 0 {
			t.Errorf("%s: it was restarted", state)
		}
	}
	l := newLooks(t)
	from := time.Now()
	if got := l.look("/bin/sleep", "60"); got[failuresInARow] != 1 || time.Since(from) > 30*time.Second {
		t.Errorf("what hangs: %v failures after %v", got[failuresInARow], time.Since(from))
	}
	// A start that takes its time is no success.
	l.state = "activating"
	if got := l.look("/bin/true"); got[failuresInARow] != 1 {
		t.Errorf("the failures before were forgotten: %v", got[failuresInARow])
	}
	if info, err := os.Stat(l.path("figures/health-web.prom")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the figures are not everybody's to read: %v, %v", info.Mode(), err)
	}
	l.recorded("health-check", l.figures("figures/health-web.prom"))
}

// TestHealthCheckAsksOverHTTP: with the words that the module gives to curl.
func TestHealthCheckAsksOverHTTP(t *testing.T) {
	curl := real.Require(t, "curl")
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	unit := evaluate[map[string]string](t, "rendered")["watchstander-health-nginx.service"]
	_, exec, ok := strings.Cut(unit, `"--" "`)
	if !ok {
		t.Fatalf("vulcan's nginx has no check:\n%s", unit)
	}
	line, _, _ := strings.Cut(exec, "\n")
	words := strings.Split(strings.Trim(line, `"`), `" "`)
	words[0], words[len(words)-1] = curl, server.URL
	for i, w := range words {
		words[i] = strings.NewReplacer("%%", "%", "$$", "$").Replace(w)
	}
	l := newLooks(t)
	for code, want := range map[int]float64{200: 0, 302: 0, 404: 1, 503: 1} {
		status = code
		l.look("/bin/true")
		if got := l.look(words...); got[failuresInARow] != want {
			t.Errorf("%d: %v failures", code, got[failuresInARow])
		}
	}
	server.Close()
	if got := l.look(words...); got[failuresInARow] == 0 {
		t.Error("nobody answers, and that is no failure")
	}
}
