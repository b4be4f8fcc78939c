package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// stormGroups is how many groups fire at once.
const stormGroups = 200

// TestStormWithRealParts fires 200 groups in a minute through a pair of real
// Alertmanagers, into a room of a real homeserver that takes one message a
// second. No alert is lost, no root comes twice, the worst is visible first, and
// within seconds the storm message names every group while the threads appear at
// the room's pace. It takes as long as the pace asks: five minutes.
func TestStormWithRealParts(t *testing.T) {
	if testing.Short() || os.Getenv(real.RequireEnv) != "1" && os.Getenv("WATCHSTANDER_STORM") == "" {
		t.Skip("it takes five minutes; set WATCHSTANDER_STORM=1")
	}
	t.Parallel()
	w := newWhole(t)
	w.pace = "per_second: 1, burst: 5"
	proxy := real.StartProxy(t, w.hs.URL)
	proxy.Limit(1, 5)
	config := strings.ReplaceAll(realAlertmanagerConfig(w.url, w.token), "group_by: [alertname]", "group_by: [alertname, host]")
	ams := real.StartAlertmanagers(t, 2, real.AlertmanagerOptions{Config: config, Args: []string{"--cluster.peer-timeout=1s"}})
	w.start(t, proxy.URL, fmt.Sprintf(`
alertmanagers:
  - {name: main, urls: [%q, %q], receivers: [watchstander], poll: 5s}
routes:
  - {rooms: [ops]}
`, ams[0].URL, ams[1].URL))

	began := time.Now()
	want := map[string]bool{}
	for i := range stormGroups {
		name, severity := "Flood", "warning"
		switch {
		case i%50 == 49:
			name, severity = "Outage", "critical"
		case i%10 == 0:
			name, severity = "Chatter", "info"
		}
		host := fmt.Sprintf("web%03d", i)
		want[host] = true
		for _, am := range ams { // Prometheus sends to every peer
			am.Post(t, real.Alert{Labels: map[string]string{"alertname": name, "severity": severity, "host": host}, StartsAt: began, EndsAt: began.Add(time.Hour)})
		}
	}
	t.Logf("%d groups posted to both peers in %s", stormGroups, time.Since(began).Round(time.Millisecond))

	first := w.await(t, 30*time.Second, "", "STORM")
	t.Logf("the storm message after %s", time.Since(began).Round(100*time.Millisecond))
	// The storm message, which is edited in place, and the threads name every group.
	real.Eventually(t, 30*time.Second, "every group is named", func() error {
		if missing := w.unnamed(t, want); len(missing) > 0 {
			return fmt.Errorf("%d are not, such as %s", len(missing), missing[0])
		}
		return nil
	})
	t.Logf("every group named after %s", time.Since(began).Round(100*time.Millisecond))

	real.Eventually(t, 8*time.Minute, "every group has its thread", func() error {
		if n := len(w.threads(t)); n < stormGroups {
			return fmt.Errorf("%d of %d", n, stormGroups)
		}
		return nil
	})
	took := time.Since(began)
	var order []string
	seen := map[string]int{}
	for _, th := range w.threads(t) {
		order = append(order, th.severity)
		seen[th.host]++
	}
	for host := range want {
		if seen[host] != 1 {
			t.Errorf("%s has %d threads", host, seen[host])
		}
	}
	lastCritical := 0
	for i, s := range order {
		if s == "critical" {
			lastCritical = i
		}
	}
	// The groups arrive over a few seconds, so some warnings go before the last
	// critical one; every fourth slot belongs to who waited longest.
	if lastCritical > 25 {
		t.Errorf("the last critical thread came as number %d", lastCritical+1)
	}
	real.Eventually(t, time.Minute, "the storm is over", func() error {
		for _, s := range w.seen(t) {
			if s.ID == first.ID && strings.Contains(s.Body, "STORM OVER") {
				return nil
			}
		}
		return fmt.Errorf("it is not")
	})
	sent := proxy.Count("send")
	t.Logf("%d threads in %s, the last critical one as number %d; %d messages, of which the homeserver turned %d away",
		len(order), took.Round(time.Second), lastCritical+1, sent, refused(proxy))
	w.Stop(t)
}

func refused(p *real.Proxy) (n int) {
	for _, r := range p.Requests("send") {
		if r.Returned == 429 {
			n++
		}
	}
	return n
}

// unnamed are the hosts that neither a root nor the storm message names now.
func (w *whole) unnamed(t *testing.T, want map[string]bool) []string {
	t.Helper()
	var all strings.Builder
	for _, s := range w.seen(t) {
		all.WriteString(s.Body)
	}
	text := all.String()
	var out []string
	for host := range want {
		if !strings.Contains(text, host) {
			out = append(out, host)
		}
	}
	return out
}

type stormThread struct{ host, severity string }

var rootTitle = regexp.MustCompile(`(?:CRITICAL|FIRING|ACKED) (?:\S* ?)?(Flood|Outage|Chatter) \(host=(web\d+)\)`)

// threads are the roots that stand in the room, in their order.
func (w *whole) threads(t *testing.T) []stormThread {
	t.Helper()
	severity := map[string]string{"Flood": "warning", "Outage": "critical", "Chatter": "info"}
	var out []stormThread
	for _, s := range w.seen(t) {
		if m := rootTitle.FindStringSubmatch(firstLine(s.Body)); m != nil && s.Thread == "" {
			out = append(out, stormThread{m[2], severity[m[1]]})
		}
	}
	return out
}
