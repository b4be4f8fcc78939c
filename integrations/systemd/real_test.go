package systemd_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
	"watchstander/integrations/systemd"
)

// unitFiles are those beside this test.
func unitFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir("testdata/units")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join("testdata/units", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

// A real systemd, in which one unit has failed, one fails again and again, one ends
// well again and again, and one runs just now, as it has several times before.
func TestRealSystemd(t *testing.T) {
	d := real.StartSystemd(t, unitFiles(t), "bad.service", "loop.service", "content.service", "flaps.service")
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", d.Address)
	p := systemd.New(systemd.Options{Host: "vulcan"})
	var got map[string]bot.Reading
	for deadline := time.Now().Add(20 * time.Second); ; {
		got = map[string]bot.Reading{}
		for _, r := range p.Read(t.Context()) {
			got[r.What] = r
		}
		if got["systemd"].Value == "degraded" && got["unit loop.service"].Value != "" && got["unit flaps.service"].Value != "" {
			break
		}
		if time.Now().After(deadline) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	for what, r := range got {
		t.Logf("%s: %s %s (%s)", what, r.State, r.Value, r.Note)
	}
	if r := got["systemd"]; r.State != bot.NotOK || r.Value != "degraded" || r.Source != "systemd over D-Bus" || r.Host != "vulcan" {
		t.Errorf("the system reads %+v", r)
	}
	bad := got["unit bad.service"]
	if bad.State != bot.NotOK || !strings.HasPrefix(bad.Value, "failed: exit-code, ") || bad.Note != "Backup of nothing" {
		t.Errorf("the failed unit reads %+v", bad)
	}
	if day := time.Now().UTC().Format("Mon 2 Jan"); !strings.Contains(bad.Value, " s ago ("+day) {
		t.Errorf("since when it failed is not told: %q", bad.Value)
	}
	loop := got["unit loop.service"]
	if loop.State != bot.NotOK || !strings.HasPrefix(loop.Value, "fails and is started again") || !strings.HasSuffix(loop.Value, ": exit-code") {
		t.Errorf("the looping unit reads %+v", loop)
	}
	flaps := got["unit flaps.service"]
	if flaps.State != bot.NotOK || !strings.HasPrefix(flaps.Value, "flaps: started again by systemd ") || !strings.HasSuffix(flaps.Value, " times, last 0 s ago") {
		t.Errorf("the flapping unit reads %+v", flaps)
	}
	if len(got) != 4 {
		t.Errorf("%d readings, want the system's and those of three units", len(got))
	}
}

// What systemd would hand to a unit that does not run.
func TestRealCredentials(t *testing.T) {
	const text = "[Unit]\nDescription=Has secrets\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n"
	d := real.StartSystemd(t, map[string]string{
		"secrets.service": text + "LoadCredential=token:/etc/ws/token\nLoadCredential=stored\nLoadCredentialEncrypted=sealed:/etc/ws/sealed\n",
		"none.service":    text,
	})
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", d.Address)
	got, err := systemd.Credentials(t.Context(), "secrets")
	want := map[string]systemd.Credential{
		"token": {Path: "/etc/ws/token"}, "stored": {Path: "/etc/credstore/stored"},
		"sealed": {Path: "/run/credentials/secrets.service/sealed", Encrypted: true},
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := systemd.Credentials(t.Context(), "none.service"); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := systemd.Credentials(t.Context(), "nothing"); err == nil || err.Error() != "systemd has no unit nothing.service (it is not-found)" {
		t.Errorf("%v", err)
	}
}

// A bus without systemd.
func TestRealBusWithoutSystemd(t *testing.T) {
	daemon := real.Require(t, "dbus-daemon")
	run, err := os.MkdirTemp("/tmp", "ws")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	config := filepath.Join(run, "bus.conf")
	const text = `<busconfig><type>system</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>`
	if err := os.WriteFile(config, fmt.Appendf(nil, text, run), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, daemon, "--config-file="+config, "--nofork", "--nopidfile", "--print-address")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); cmd.Wait() })
	if _, err := out.Read(make([]byte, 256)); err != nil {
		t.Fatalf("the bus has not started: %v", err)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+run+"/bus")
	for _, r := range systemd.New(systemd.Options{}).Read(t.Context()) {
		if r.State != bot.Unknown || r.Note != "there is a bus, but no systemd on it" {
			t.Errorf("%+v", r)
		}
	}
}

// No bus at all, as in a container.
func TestNoBus(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
	if _, err := os.Stat("/run/systemd/private"); err == nil {
		t.Skip("as root, systemd of this machine would answer without a bus")
	}
	got := systemd.New(systemd.Options{Host: "vulcan"}).Read(t.Context())
	if len(got) != 3 {
		t.Fatalf("%d readings", len(got))
	}
	for _, r := range got {
		if r.State != bot.Unknown || !strings.HasPrefix(r.Note, "there is no system bus here") {
			t.Errorf("%+v", r)
		}
	}
}
