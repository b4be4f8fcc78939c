package alertmanager_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/integrations/alertmanager"
)

const alertJSON = `{"status":"firing","labels":{"alertname":"A"},"annotations":{},"startsAt":"2026-03-01T10:00:00.123456789+02:00","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/","fingerprint":"00000000000000aa"}`

// body is a payload with these alerts and, after them, other keys.
func body(alerts string, more ...string) string {
	return `{"version":"4","receiver":"bot","alerts":[` + alerts + `]` + strings.Join(append([]string{""}, more...), ",") + `}`
}

func with(field, value string) string {
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(alertJSON), &m); err != nil {
		panic(err)
	}
	m[field] = json.RawMessage(value)
	if value == "" {
		delete(m, field)
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestDecode(t *testing.T) {
	start := time.Date(2026, 3, 1, 8, 0, 0, 123e6, time.UTC) // cut, in UTC
	plain := bot.Alert{
		Fingerprint: "00000000000000aa", Labels: bot.Labels{"alertname": "A"}, Annotations: bot.Labels{},
		StartsAt: start, GeneratorURL: "http://p/",
	}
	group := func(alerts ...bot.Alert) bot.Group {
		return bot.Group{Receiver: "bot", Labels: bot.Labels{}, Alerts: alerts}
	}
	changed := func(change func(*bot.Alert)) bot.Alert {
		a := plain
		change(&a)
		return a
	}
	for _, tt := range []struct {
		name, body string
		want       bot.Group
	}{
		{"plain", body(alertJSON), group(plain)},
		{
			"all keys, and unknown ones",
			body(alertJSON, `"receiver":"ops\\.chat","groupKey":"{}:{}","groupLabels":{"a":"1"},"externalURL":"http://am","truncatedAlerts":7,"routeLabels":{},"notification_reason":3`),
			bot.Group{Receiver: "ops.chat", GroupKey: "{}:{}", Labels: bot.Labels{"a": "1"}, ExternalURL: "http://am", Truncated: 7, Alerts: []bot.Alert{plain}},
		},
		{"no fingerprint", body(with("fingerprint", "")), group(changed(func(a *bot.Alert) { a.Fingerprint = alertmanager.Fingerprint(a.Labels) }))},
		{"no annotations", body(with("annotations", "")), group(plain)},
		{"null annotations", body(with("annotations", "null")), group(plain)},
		{
			"empty and null annotations",
			body(with("annotations", `{"summary":"","description":null}`)),
			group(changed(func(a *bot.Alert) { a.Annotations = bot.Labels{"summary": "", "description": ""} })),
		},
		{"a firing alert's end is only a guess", body(with("endsAt", `"2026-03-01T11:00:00Z"`)), group(plain)},
		{"an empty label is none", body(with("labels", `{"alertname":"A","x":""}`)), group(plain)},
		{
			"labels may hold any UTF-8",
			body(with("labels", `{"ä.b \"c\"":"🚢"}`)),
			group(changed(func(a *bot.Alert) { a.Labels = bot.Labels{`ä.b "c"`: "🚢"} })),
		},
		{
			"invalid UTF-8 and NUL are replaced",
			body(with("labels", "{\"alertname\":\"A\xff\",\"n\\u0000\":\"\\u0000\"}")),
			group(changed(func(a *bot.Alert) { a.Labels = bot.Labels{"alertname": "A\uFFFD", "n\uFFFD": "\uFFFD"} })),
		},
		{"twice the same", body(alertJSON + "," + alertJSON), group(plain)},
		{
			"firing and resolved: it fires",
			body(alertJSON + "," + strings.Replace(with("status", `"resolved"`), "0001-01-01", "2026-03-02", 1)),
			group(plain),
		},
		{
			"two episodes of one alert",
			body(alertJSON + "," + with("startsAt", `"2026-03-01T09:00:00Z"`)),
			group(plain, changed(func(a *bot.Alert) { a.StartsAt = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) })),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := alertmanager.Decode([]byte(tt.body))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", ``, "the body is not JSON (at byte 0)"},
		{"not JSON", `{"version":`, "the body is not JSON (at byte 11)"},
		{"more than JSON", body(alertJSON) + `{}`, "the body is not JSON (at byte 249)"},
		{"no object", `[]`, "the body is not a JSON object"},
		{"an empty object", `{}`, "version: is missing"},
		{"another version", `{"version":"5"}`, `version: is not "4"`},
		{"a number for a version", `{"version":4}`, "version: is not a string"},
		{"no receiver", `{"version":"4"}`, "receiver: is missing"},
		{"no alerts", `{"version":"4","receiver":"bot"}`, "alerts: is missing"},
		{"null alerts", `{"version":"4","receiver":"bot","alerts":null}`, "alerts: is missing"},
		{"empty alerts", body(""), "alerts: is empty"},
		{"alerts are no list", `{"version":"4","receiver":"bot","alerts":{}}`, "alerts: is not a list"},
		{"an alert is no object", body(alertJSON + `,"secret"`), "alerts[1]: is not an object"},
		{"no labels", body(with("labels", "")), "alerts[0].labels: is missing or empty"},
		{"empty labels", body(with("labels", `{"a":""}`)), "alerts[0].labels: is missing or empty"},
		{"labels are no object", body(with("labels", `["secret"]`)), "alerts[0].labels: is not an object"},
		{"a label is a number", body(alertJSON + "," + with("labels", `{"secret":5}`)), "alerts[1].labels: holds a value that is not a string"},
		{"a label is null", body(with("labels", `{"a":"b","secret":null}`)), "alerts[0].labels: holds a value that is not a string"},
		{"an annotation is a list", body(with("annotations", `{"secret":[]}`)), "alerts[0].annotations: holds a value that is not a string"},
		{"a group label is null", body(alertJSON, `"groupLabels":{"secret":null}`), "groupLabels: holds a value that is not a string"},
		{"group labels are no object", body(alertJSON, `"groupLabels":7`), "groupLabels: is not an object"},
		{"no status", body(with("status", "")), "alerts[0].status: is missing"},
		{"another status", body(with("status", `"secret"`)), `alerts[0].status: is neither "firing" nor "resolved"`},
		{"a status of another kind", body(with("status", `1`)), "alerts[0].status: is not a string"},
		{"no start", body(with("startsAt", "")), "alerts[0].startsAt: is missing"},
		{"a start that is none", body(with("startsAt", `"secret"`)), "alerts[0].startsAt: is not a time (RFC 3339)"},
		{"a start beyond time", body(with("startsAt", `"9999-12-31T23:59:59-23:59"`)), "alerts[0].startsAt: is no time of this era"},
		{"resolved without an end", body(with("status", `"resolved"`)), "alerts[0].endsAt: is missing, but the alert is resolved"},
		{"a fingerprint of another kind", body(with("fingerprint", `12`)), "alerts[0].fingerprint: is not a string"},
		{"a count below zero", body(alertJSON, `"truncatedAlerts":-1`), "truncatedAlerts: is not a number that counts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := alertmanager.Decode([]byte(tt.body))
			e, ok := errors.AsType[*bot.Error](err)
			if !ok || e.Code != bot.CodeInvalid || e.Message != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes the body: %v", err)
			}
		})
	}
}

// The expected values were read off a running Alertmanager 0.25.
func TestFingerprint(t *testing.T) {
	for want, l := range map[string]bot.Labels{
		"9c3ca54ebcf27cec": {"alertname": "DiskFull", "instance": "vulcan"},
		"086024f64d5de79f": {"alertname": "Ünicode 🚢", "severity": "info"},
	} {
		if got := alertmanager.Fingerprint(l); got != want {
			t.Errorf("%v: %s, want %s", l, got, want)
		}
	}
}

// encode writes a group as Alertmanager would.
func encode(g bot.Group) []byte {
	alerts := make([]map[string]any, len(g.Alerts))
	for i, a := range g.Alerts {
		status := "firing"
		if a.Resolved {
			status = "resolved"
		}
		alerts[i] = map[string]any{
			"status": status, "labels": a.Labels, "annotations": a.Annotations, "startsAt": a.StartsAt,
			"endsAt": a.EndsAt, "generatorURL": a.GeneratorURL, "fingerprint": a.Fingerprint,
		}
	}
	b, err := json.Marshal(map[string]any{
		"version": "4", "receiver": regexp.QuoteMeta(g.Receiver), "groupKey": g.GroupKey, "groupLabels": g.Labels,
		"externalURL": g.ExternalURL, "truncatedAlerts": g.Truncated, "alerts": alerts,
	})
	if err != nil {
		panic(err)
	}
	return b
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(body(alertJSON)))
	f.Add([]byte(body(with("status", `"resolved"`))))
	f.Add([]byte(body(with("labels", "{\"a\":\"\\u0000\xff\"}"), `"receiver":"a\\.b\\","groupLabels":{"x":null}`)))
	f.Add([]byte(body(with("startsAt", `"9999-12-31T23:59:59-23:59"`))))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := alertmanager.Decode(b)
		if err != nil {
			if _, ok := errors.AsType[*bot.Error](err); !ok {
				t.Fatalf("an error that is none of ours: %v", err)
			}
			return
		}
		again, err := alertmanager.Decode(encode(first))
		if err != nil || !reflect.DeepEqual(first, again) {
			t.Fatalf("first %+v\nagain %+v, %v", first, again, err)
		}
	})
}

func BenchmarkDecode10000(b *testing.B) {
	start := time.Now()
	g := bot.Group{Receiver: "bot", Labels: bot.Labels{"alertname": "Storm"}}
	for i := range 10_000 {
		l := bot.Labels{
			"alertname": "Storm", "instance": fmt.Sprintf("host%d:9100", i), "job": "node", "severity": "warning",
			"device": "/dev/sda1", "mountpoint": "/var/lib/something", "cluster": "home", "prometheus": "main",
		}
		g.Alerts = append(g.Alerts, bot.Alert{
			Fingerprint: alertmanager.Fingerprint(l), Labels: l, StartsAt: start,
			Annotations: bot.Labels{
				"summary": "The disk is almost full", "description": strings.Repeat("It has little left. ", 12),
				"runbook_url": "https://runbooks.example.org/storm",
			},
			GeneratorURL: "http://prometheus:9090/graph?g0.expr=" + strings.Repeat("x", 120),
		})
	}
	body := encode(g)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := alertmanager.Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}
