package units

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

func unit(name string) bot.Arguments { return bot.Arguments{host.UnitArgument: {name}} }

func TestService(t *testing.T) {
	at(t, func(t *testing.T) {
		m := vulcan()
		m.programs[fmt.Sprintf(askLog, "nginx.service", 5)] = sys.Output{Stdout: []byte(
			`{"MESSAGE":"started","PRIORITY":"6","SYSLOG_IDENTIFIER":"nginx","_PID":"812","__REALTIME_TIMESTAMP":"1768305600000000"}` + "\n")}
		k := m.keeper(t, Options{})
		u, err := look[host.Unit](t, k, host.LookService, unit("nginx"))
		if err != nil {
			t.Fatal(err)
		}
		if u.Name != "nginx.service" || u.Description != "Nginx Web Server" || !u.Fine || u.MainPID != 812 || *u.Memory != 50*host.MiB || !u.Restartable || u.Stale ||
			!u.Since.Equal(noon.Add(-48*time.Hour)) || len(u.Unknown) != 0 {
			t.Errorf("%+v", u)
		}
		// php.service requires it back, which leads nowhere new; gone.service does not run.
		if !slices.Equal(u.Follow, []string{"php.service"}) || !slices.Equal(u.TriggeredBy, []string{"nginx.socket"}) || len(u.Triggers) != 0 {
			t.Errorf("%+v", u)
		}
		if len(u.Log) != 1 || u.Log[0].Text != "started" || u.Log[0].From != "nginx[812]" || u.Log[0].Priority != 6 || !u.Log[0].At.Equal(noon.Add(-24*time.Hour)) {
			t.Errorf("%+v", u.Log)
		}
	})
}

// Of a unit that is on no list the state is told, and no log; without systemctl
// what it is tied to is unknown.
func TestServiceUnlisted(t *testing.T) {
	m := vulcan()
	delete(m.programs, askShow+"php.service")
	u, err := look[host.Unit](t, m.keeper(t, Options{}), host.LookService, unit("php"))
	if err != nil || u.Memory != nil || u.Restartable || u.Log != nil || len(u.Unknown) != 1 || !strings.Contains(u.Unknown[0], "There is no "+bin+"systemctl on vulcan.") {
		t.Errorf("%+v: %v", u, err)
	}
	for _, ran := range m.ran {
		if strings.Contains(ran, "journalctl") {
			t.Errorf("%q was run", ran)
		}
	}
}

func TestServiceErrors(t *testing.T) {
	m := vulcan()
	m.units["nginx-proxy.service"] = &sys.Unit{Name: "nginx-proxy.service", Load: "loaded"}
	k := m.keeper(t, Options{})
	_, err := look[host.Unit](t, k, host.LookService, unit("ngin"))
	wantError(t, err, bot.CodeNotFound, "There is no unit ngin.service on vulcan. There is: nginx-proxy.service, nginx.service.")
	_, err = look[host.Unit](t, k, host.LookService, unit("x"))
	wantError(t, err, bot.CodeNotFound, "There is no unit x.service on vulcan.")
	for _, args := range []bot.Arguments{nil, {"unit": {"a", "b"}}, {"unit": {"nginx"}, "host": {"x"}}, unit("ngin*"), unit("--all"), unit("a b")} {
		_, err := look[host.Unit](t, k, host.LookService, args)
		wantError(t, err, bot.CodeInvalid)
	}
	m.mute = errors.New("no bus")
	_, err = look[host.Unit](t, k, host.LookService, unit("nginx"))
	wantError(t, err, bot.CodeUnavailable, "systemd does not answer on vulcan")
}

func TestLists(t *testing.T) {
	for _, o := range []Options{{Restartable: []string{"ngin*"}}, {Logged: []string{""}}, {Restartable: []string{"dbus"}}, {Restartable: []string{"boot.mount"}}, {Restartable: []string{"multi-user.target"}}} {
		if _, err := New(sys.Host{}, o); err == nil {
			t.Errorf("%+v passes", o)
		}
	}
	if _, err := New(sys.Host{}, Options{Restartable: []string{"a", "b.timer"}, Logged: []string{"c@1"}}); err != nil {
		t.Error(err)
	}
}

func TestLogs(t *testing.T) {
	at(t, func(t *testing.T) {
		m := vulcan()
		lines := []string{
			`{"MESSAGE":"a\nb\u001b[31m","PRIORITY":"3","_COMM":"nginx","__REALTIME_TIMESTAMP":"1768305600123456"}`,
			`{"MESSAGE":[104,105,255,0],"PRIORITY":"x","SYSLOG_IDENTIFIER":"w","_PID":"7"}`,
			`{"MESSAGE":null}`, `{"MESSAGE":["x","y"]}`, `{"MESSAGE":{"odd":1}}`, `{}`,
			`{"MESSAGE":"` + strings.Repeat("z", 600) + `"}`,
		}
		m.programs[fmt.Sprintf(askLog, "nginx.service", 30)] = backwards(lines...)
		k := m.keeper(t, Options{})
		l, err := look[host.Logs](t, k, host.LookLogs, unit("nginx"))
		if err != nil {
			t.Fatal(err)
		}
		want := []host.LogLine{
			{At: time.UnixMicro(1768305600123456).UTC(), From: "nginx", Priority: 3, Text: "a␤b␛[31m"},
			{From: "w[7]", Priority: -1, Text: "hi\uFFFD␀"},
			{Priority: -1, Text: "(too long to be shown here)"}, {Priority: -1, Text: "x y"}, {Priority: -1, Text: "\uFFFD"}, {Priority: -1},
			{Priority: -1, Text: strings.Repeat("z", 500) + "…"},
		}
		if l.Unit != "nginx.service" || l.Cut || !l.Since.IsZero() || !slices.Equal(l.Lines, want) {
			t.Errorf("%+v", l)
		}
		// Much text: the newest lines win.
		long := `{"MESSAGE":"` + strings.Repeat("y", 400) + `"}`
		m.programs[fmt.Sprintf(askLog, "nginx.service", 200)+fmt.Sprintf(" --since=@%d", noon.Add(-2*time.Hour).Unix())] = backwards(append(slices.Repeat([]string{long}, 199), `{"MESSAGE":"last"}`)...)
		l, err = look[host.Logs](t, k, host.LookLogs, bot.Arguments{"unit": {"nginx"}, "lines": {"200"}, "hours": {"2"}})
		if err != nil || !l.Cut || len(l.Lines) > 130 || l.Lines[len(l.Lines)-1].Text != "last" || !l.Since.Equal(noon.Add(-2*time.Hour)) {
			t.Errorf("%d lines, cut %v, since %s: %v", len(l.Lines), l.Cut, l.Since, err)
		}
	})
}

func TestLogsRefused(t *testing.T) {
	m := vulcan()
	k := m.keeper(t, Options{Logged: []string{"nginx", "restic-backup.timer"}})
	_, err := look[host.Logs](t, k, host.LookLogs, unit("sshd"))
	wantError(t, err, bot.CodeForbidden, "does not show the log of sshd.service. It shows: nginx, restic-backup.timer.")
	_, err = look[host.Logs](t, m.keeper(t, Options{Logged: []string{}}), host.LookLogs, unit("nginx"))
	wantError(t, err, bot.CodeForbidden, "its list is empty")
	for _, args := range []bot.Arguments{
		{"unit": {"nginx"}, "lines": {"0"}}, {"unit": {"nginx"}, "lines": {"201"}}, {"unit": {"nginx"}, "lines": {"-1"}}, {"unit": {"nginx"}, "lines": {"x"}},
		{"unit": {"nginx"}, "lines": {"1", "2"}}, {"unit": {"nginx"}, "hours": {"169"}}, {"unit": {"nginx"}, "grep": {"x"}},
	} {
		_, err := look[host.Logs](t, k, host.LookLogs, args)
		wantError(t, err, bot.CodeInvalid)
	}
	if len(m.ran) != 0 {
		t.Errorf("%q", m.ran)
	}
	_, err = look[host.Logs](t, k, host.LookLogs, unit("nginx"))
	wantError(t, err, bot.CodeNotFound, "There is no "+bin+"journalctl on vulcan.")
	ask := fmt.Sprintf(askLog, "nginx.service", 30)
	m.programs[ask] = sys.Output{Exit: 1, Stderr: []byte("No journal files were found.\n")}
	_, err = look[host.Logs](t, k, host.LookLogs, unit("nginx"))
	wantError(t, err, bot.CodeUnavailable, "journalctl failed on vulcan (exit 1): No journal files were found.")
	m.programs[ask] = sys.Output{Stdout: []byte("-- no entries --\n")}
	_, err = look[host.Logs](t, k, host.LookLogs, unit("nginx"))
	wantError(t, err, bot.CodeUnavailable, "cannot be understood")
	m.programs[ask] = sys.Output{Stdout: []byte(`{"MESSAGE":"whole"}` + "\n" + `{"MESSAGE":"hal`), Cut: true}
	l, err := look[host.Logs](t, k, host.LookLogs, unit("nginx"))
	if err != nil || len(l.Lines) != 1 || !l.Cut {
		t.Errorf("%+v: %v", l, err)
	}
}

func FuzzEntry(f *testing.F) {
	f.Add(`{"MESSAGE":"a","PRIORITY":"3"}`)
	f.Add(`{"MESSAGE":[1,2,300]}` + "\n" + `{"UNIT":null}`)
	f.Add(`[{"boot_id":"11111111111111111111111111111111","first_entry":1,"last_entry":2}]`)
	f.Add(`{"Name":"x","Status":"pull","time":12,"timeNano":9}`)
	f.Fuzz(func(t *testing.T, text string) {
		m := vulcan()
		m.programs[fmt.Sprintf(askLog, "nginx.service", 30)] = sys.Output{Stdout: []byte(text)}
		k, err := New(sys.Host{Name: "vulcan", Files: m, Run: m}, Options{Logged: []string{"nginx"}})
		if err != nil {
			t.Fatal(err)
		}
		l, err := k.Logs(t.Context(), "nginx.service", 30, 0)
		for _, x := range l.Lines {
			if strings.ContainsAny(x.Text+x.From, "\n\x00\x1b") || len([]rune(x.Text)) > longestLine+1 {
				t.Errorf("%+v", x)
			}
		}
		if _, ok := errors.AsType[*bot.Error](err); err != nil && !ok {
			t.Errorf("%T", err)
		}
		_, _ = bootList([]byte(text))
		m.files[podmanFile] = node{text: text}
		g := &gathering{seen: map[string]bool{}}
		pulls, _, err := k.filedPulls(g)
		if _, ok := errors.AsType[*bot.Error](err); err != nil && !ok {
			t.Errorf("%T", err)
		}
		k.arrivals(g, pulls)
	})
}
