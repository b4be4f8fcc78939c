package units

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// eventful is vulcan on a day on which everything changed. It was booted at 3.
func eventful() *machine {
	m := vulcan()
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	m.files["/proc/sys/kernel/random/boot_id"] = node{text: "22222222-2222-2222-2222-222222222222\n"}
	m.files["/proc/stat"] = node{text: fmt.Sprintf("cpu 1 2 3\nbtime %d\nprocesses 9\n", ago(9*time.Hour).Unix())}
	for name, n := range map[string]node{
		"system":         {link: "system-41-link", mod: ago(30 * time.Minute)},
		"system-40-link": {mod: ago(1000 * time.Hour)},
		"system-41-link": {mod: ago(100 * time.Hour)},
		"system-42-link": {mod: ago(2 * time.Hour)},
		"per-user":       {mod: ago(time.Minute)},
		"system-x-link":  {mod: ago(time.Minute)},
	} {
		m.files["/nix/var/nix/profiles/"+name] = n
	}
	m.files["/run/current-system"] = node{link: "/nix/store/abc-nixos-system-vulcan-25.11", mod: ago(29 * time.Minute)}
	m.files["/nix/store/abc-nixos-system-vulcan-25.11"] = node{}
	m.files[bin+"podman"] = node{}
	m.add(sys.Unit{Name: "redis.service", Type: "simple", MainPID: 5, Invocation: "d0d0", Started: ago(time.Hour)})
	m.add(sys.Unit{Name: "early.service", Type: "simple", MainPID: 6, Invocation: "e0e0", Started: ago(9*time.Hour - time.Minute)})
	m.add(sys.Unit{Name: "backup.service", Type: "oneshot", Invocation: "f0f0"})
	m.units["backup.service"].Active, m.units["backup.service"].Sub = "inactive", "dead"
	micros := func(d time.Duration) int64 { return ago(d).UnixMicro() }
	m.programs[askBoots] = sys.Output{Stdout: fmt.Appendf(nil,
		`[{"index":-1,"boot_id":"11111111111111111111111111111111","first_entry":%d,"last_entry":%d},{"index":0,"boot_id":"22222222222222222222222222222222","first_entry":%d,"last_entry":%d}]`,
		micros(90*time.Hour), micros(9*time.Hour+4*time.Minute), micros(9*time.Hour-time.Second), micros(0))}
	start := func(d time.Duration, id, unit, invocation string) string {
		return fmt.Sprintf(`{"MESSAGE_ID":"%s","UNIT":"%s","INVOCATION_ID":"%s","__REALTIME_TIMESTAMP":"%d"}`, id, unit, invocation, micros(d))
	}
	m.programs[fmt.Sprintf(askStarts, ago(24*time.Hour).Unix())] = backwards(
		start(9*time.Hour-time.Minute, unitStarted, "early.service", "e0e0"),
		start(5*time.Hour, unitStarted, "redis.service", "c0c0"),
		start(4*time.Hour, unitStarted, "backup.service", "b0b0"),
		start(4*time.Hour, unitStarted, "transient.service", "a0a0"),
		start(time.Hour+time.Second, restartPlanned, "redis.service", "c0c0"),
		start(time.Hour, unitStarted, "redis.service", "d0d0"),
	)
	m.programs[askPulls] = backwards(
		pulled(ago(40*24*time.Hour), "0", "quay.io/x:1", "aaa"),
		pulled(ago(6*time.Hour), "0", "docker.io/library/nginx:latest", "bbb"),
		pulled(ago(3*time.Hour), "0", "quay.io/x:1", "ccc"),
		pulled(ago(2*time.Hour), "0", "quay.io/x:1", "ccc"), // another container of it
	)
	return m
}

func told(c host.Changes) string {
	var b strings.Builder
	for _, x := range c.Changes {
		fmt.Fprintf(&b, "%s %s %s | %s\n", x.At.Format("15:04"), x.Kind, x.Text, x.ID)
	}
	for _, u := range c.Unknown {
		fmt.Fprintf(&b, "? %s\n", u)
	}
	return b.String()
}

func TestChanges(t *testing.T) {
	at(t, func(t *testing.T) {
		m := eventful()
		k := m.keeper(t, Options{})
		c, err := look[host.Changes](t, k, host.LookChanges, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := `11:31 switch switched to nixos-system-vulcan-25.11 | switch abc 1768390260
11:30 switch the profile was set to generation 41 | profile 41 1768390200
11:00 restart redis.service was started again by systemd | start redis.service d0d0
10:00 switch generation 42 was made | generation 42 1768384800
09:00 image podman took image quay.io/x:1: another one than before | pull 0 quay.io/x:1 1768381200000000
07:00 restart redis.service was started | start redis.service c0c0
06:00 image podman took image docker.io/library/nginx:latest: pulled, or there already | pull 0 docker.io/library/nginx:latest 1768370400000000
03:00 reboot rebooted (down for 4 min) | boot 22222222-2222-2222-2222-222222222222
? images of other users' containers: known only where their podman writes to the journal
`
		if got := told(c); got != want {
			t.Errorf("got\n%s", got)
		}
		for _, x := range c.Changes {
			if x.Host != "vulcan" {
				t.Errorf("%+v", x)
			}
		}
		again, err := k.Changes(t.Context(), 24*time.Hour)
		if err != nil || told(again) != want {
			t.Errorf("told again: %v\n%s", err, told(again))
		}
		short, err := look[host.Changes](t, k, host.LookChanges, bot.Arguments{"hours": {"1"}})
		if err != nil || len(short.Changes) != 3 || !short.From.Equal(noon.Add(-time.Hour)) {
			t.Errorf("%v\n%s", err, told(short))
		}
		_, err = look[host.Changes](t, k, host.LookChanges, bot.Arguments{"hours": {"169"}})
		wantError(t, err, bot.CodeInvalid, "from 1 to 168")
	})
}

// The agent tells of the same switch with its news, and of a boot as one.
func TestLastSwitch(t *testing.T) {
	at(t, func(t *testing.T) {
		m := eventful()
		tells := func() string {
			x := m.keeper(t, Options{}).LastSwitch()
			if x == nil {
				return "nothing"
			}
			return fmt.Sprintf("%s %s %s %s | %s", x.Host, x.At.Format("15:04"), x.Kind, x.Text, x.ID)
		}
		const want = "vulcan 11:31 switch switched to nixos-system-vulcan-25.11 | switch abc 1768390260"
		if got := tells(); got != want {
			t.Error(got)
		}
		m.files["/run/booted-system"] = node{link: "/nix/store/abc-nixos-system-vulcan-25.11", mod: noon.Add(-9 * time.Hour)}
		if got := tells(); got != want {
			t.Errorf("long after a boot: %s", got)
		}
		m.files["/run/booted-system"] = node{link: "/nix/store/abc-nixos-system-vulcan-25.11", mod: noon.Add(-29*time.Minute - 2*time.Second)}
		if got := tells(); got != "vulcan 11:31 reboot switched to nixos-system-vulcan-25.11 | switch abc 1768390260" {
			t.Errorf("after a boot: %s", got)
		}
		delete(m.files, "/nix/store/abc-nixos-system-vulcan-25.11")
		if got := tells(); got != "nothing" {
			t.Errorf("where the link leads nowhere: %s", got)
		}
		delete(m.files, "/run/current-system")
		if got := tells(); got != "nothing" {
			t.Errorf("without the link: %s", got)
		}
	})
}

// A source that does not answer takes nothing from the others.
func TestChangesBlind(t *testing.T) {
	at(t, func(t *testing.T) {
		m := eventful()
		clear(m.programs)
		m.mute = errors.New("no bus")
		delete(m.files, "/run/current-system")
		c, err := m.keeper(t, Options{}).Changes(t.Context(), 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		want := `11:30 switch the profile was set to generation 41 | profile 41 1768390200
10:00 switch generation 42 was made | generation 42 1768384800
03:00 reboot rebooted | boot 22222222-2222-2222-2222-222222222222
? earlier reboots: There is no /run/current-system/sw/bin/journalctl on vulcan.
? the last start of each service: systemd does not answer on vulcan.
? earlier starts of services: There is no /run/current-system/sw/bin/journalctl on vulcan.
? images of containers: There is no /run/current-system/sw/bin/journalctl on vulcan.
`
		// /run has no current-system, so it is not there to be listed either.
		got := strings.Replace(told(c), "? switches of the system: When vulcan was switched last, and to what, is unknown.\n", "", 1)
		if got != want {
			t.Errorf("got\n%s", got)
		}
	})
}

// A journal that is younger than what is asked about tells nothing of the time before,
// which is not the same as that nothing was.
func TestChangesYoungJournal(t *testing.T) {
	at(t, func(t *testing.T) {
		m := eventful()
		m.programs[askBoots] = sys.Output{Stdout: fmt.Appendf(nil, `[{"index":0,"boot_id":"22222222222222222222222222222222","first_entry":%d,"last_entry":%d}]`,
			noon.Add(-3*time.Hour).UnixMicro(), noon.UnixMicro())}
		const want = "? reboots, starts and images before: the journal on vulcan goes back 3 h only\n"
		c, err := m.keeper(t, Options{}).Changes(t.Context(), 24*time.Hour)
		if err != nil || !strings.Contains(told(c), want) {
			t.Errorf("%v\n%s", err, told(c))
		}
		c, err = m.keeper(t, Options{}).Changes(t.Context(), 2*time.Hour)
		if err != nil || strings.Contains(told(c), "goes back") {
			t.Errorf("%v\n%s", err, told(c))
		}
	})
}

func TestChangesElsewhere(t *testing.T) {
	at(t, func(t *testing.T) {
		c, err := vulcan().keeper(t, Options{}).Changes(t.Context(), time.Hour)
		if err != nil || len(c.Changes) != 0 || !strings.Contains(told(c), "switches of the system: /nix/var/nix/profiles does not exist on vulcan.") {
			t.Errorf("%v\n%s", err, told(c))
		}
	})
}

// So many starts that they are not told one by one.
func TestChangesMany(t *testing.T) {
	at(t, func(t *testing.T) {
		m := eventful()
		var b strings.Builder
		for i := range mostStarts {
			fmt.Fprintf(&b, `{"MESSAGE_ID":"%s","UNIT":"redis.service","INVOCATION_ID":"%x","__REALTIME_TIMESTAMP":"%d"}`+"\n", unitStarted, i, noon.Add(-time.Duration(i)*time.Second).UnixMicro())
		}
		m.programs[fmt.Sprintf(askStarts, noon.Add(-24*time.Hour).Unix())] = sys.Output{Stdout: []byte(b.String())}
		c, err := m.keeper(t, Options{}).Changes(t.Context(), 24*time.Hour)
		if err != nil || len(c.Changes) != mostChanges || c.More != mostStarts+7-mostChanges {
			t.Errorf("%d changes, %d more: %v", len(c.Changes), c.More, err)
		}
		if !strings.Contains(strings.Join(c.Unknown, "\n"), "there were more than the 1000 that were read") {
			t.Errorf("%q", c.Unknown)
		}
	})
}

func TestBootList(t *testing.T) {
	got, err := bootList([]byte(`[{"boot_id":"22222222222222222222222222222222","first_entry":2000000,"last_entry":3000000},{"boot_id":"x","first_entry":1},{"boot_id":"11111111111111111111111111111111","first_entry":1000000}]`))
	if err != nil || len(got) != 2 || got[0].id != "11111111-1111-1111-1111-111111111111" || got[1].began.Unix() != 2 || got[1].last.Unix() != 3 {
		t.Errorf("%+v: %v", got, err)
	}
	if _, err := bootList([]byte(" -1 abc Mon 2026-01-12 …")); err == nil {
		t.Error("a table is taken for JSON")
	}
}
