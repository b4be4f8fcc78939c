package checks

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// ofModules evaluates a host and gives its services' settings, as systemd gets them.
const ofModules = `
let
  config = (import ./. { }).tools.evaluate [ {
    watchstander.textfile.directory = "/mnt";
    watchstander.alerts.runbooks = "https://git.example.org/runbooks";
    watchstander.units.web.check = { command = [ "/bin/sh" "-c" "test ! -e /srv/bad" ]; failures = 2; restart = { enable = true; count = 1; }; };
    watchstander.units.crash.restart = { policy = "on-failure"; delay = 1; maxDelay = 1; burst = 3; interval = 30; };
    watchstander.incident.enable = true;
    watchstander.updates = { enable = true; vm.enable = false; };
  } ];
in
builtins.mapAttrs (_: u: { Unit = u.unitConfig; Service = u.serviceConfig; }) config.systemd.services`

// ourScripts are the scripts' names in the simulated store.
var ourScripts = regexp.MustCompile(`"?/nix/store/0{32}-watchstander-([a-z-]+)/bin/watchstander-[a-z-]+"?`)

// unitOf is a service of the modules' as a systemd of this machine can start it: the
// scripts lie in /srv.
func unitOf(unit map[string]map[string]any) string {
	text := "[Unit]\nDefaultDependencies=no\n" + section(unit["Unit"]) + "[Service]\n" + section(unit["Service"])
	text = findutils.ReplaceAllString(text, "/usr/bin/find")
	return newer.ReplaceAllString(ourScripts.ReplaceAllString(text, "/bin/bash /srv/$1.sh"), "")
}

var findutils = regexp.MustCompile(`/nix/store/[^" ]*findutils[^" ]*/bin/find`)

func section(settings map[string]any) (text string) {
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		values, isList := settings[key].([]any)
		if !isList {
			values = []any{settings[key]}
		}
		if isList && len(values) == 0 {
			text += key + "=\n"
		}
		for _, v := range values {
			if n, isNumber := v.(float64); isNumber {
				v = int(n)
			}
			text += fmt.Sprintf("%s=%v\n", key, v)
		}
	}
	return text
}

// TestExposureOfTheRest: what systemd says of how much the units beside the bot could do
// (systemd 252, in tenths). What collects evidence and what asks Podman are root's, and look
// at what is others'.
func TestExposureOfTheRest(t *testing.T) {
	analyze := real.Require(t, "systemd-analyze")
	dir, _ := writeUnits(t)
	for unit, threshold := range map[string]string{
		"watchstander-health-nginx": "17", "watchstander-health-forget": "17", "watchstander-update-figures": "30", "watchstander-updates": "35",
		"watchstander-vulnix": "30", "nixos-config-build": "35", "watchstander-evidence@": "67", "watchstander-image-scan": "75",
	} {
		cmd := exec.CommandContext(t.Context(), analyze, "security", "--offline=yes", "--no-pager", "--threshold="+threshold, filepath.Join(dir, unit+".service"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
}

// TestConfinedScripts runs the scripts under a real systemd, with everything that the
// modules take from them: what they need they still have.
func TestConfinedScripts(t *testing.T) {
	real.Require(t, "jq")
	var all map[string]map[string]map[string]any
	if err := json.Unmarshal(instantiate(t, "--eval", "--strict", "--json", "-E", ofModules), &all); err != nil {
		t.Fatal(err)
	}
	srv, figures, state := t.TempDir(), t.TempDir(), t.TempDir()
	for _, script := range filesOf(t, "scripts", ".sh") {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(srv, filepath.Base(script)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := real.StartSystemdWith(t, real.SystemdOptions{
		Units: map[string]string{
			"web.service":                         "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep infinity\n",
			"crash.service":                       unitOf(all["crash"]) + "ExecStart=/bin/false\n",
			"watchstander-health-web.service":     unitOf(all["watchstander-health-web"]),
			"watchstander-health-forget.service":  unitOf(all["watchstander-health-forget"]),
			"watchstander-evidence@.service":      unitOf(all["watchstander-evidence@"]),
			"watchstander-update-figures.service": unitOf(all["watchstander-update-figures"]),
		},
		Start:  []string{"web.service"},
		Mounts: []real.Mount{{Dir: srv, At: "/srv"}, {Dir: figures, At: "/mnt"}, {Dir: state, At: "/var/lib"}},
	})
	run := func(unit string) {
		t.Helper()
		if said, err := d.Do(t.Context(), "systemctl", "start", unit); err != nil {
			log, _ := d.Do(t.Context(), "systemctl", "status", "--no-pager", "--full", unit)
			t.Fatalf("%v\n%s\n%s\n%s", err, said, log, d.LogTail(3000))
		}
	}
	started := func() string {
		t.Helper()
		said, err := d.Do(t.Context(), "systemctl", "show", "--property=InvocationID", "--value", "web.service")
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	figure := func(file, line string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(figures, file))
		if err != nil || !strings.Contains(string(text), line+"\n") {
			t.Errorf("%s lacks %q (%v):\n%s", file, line, err, text)
		}
	}

	run("watchstander-health-web.service")
	figure("health-web.prom", `watchstander_health_check{service="web",outcome="ok"} 1`)
	if err := os.WriteFile(filepath.Join(srv, "bad"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first := started()
	run("watchstander-health-web.service")
	figure("health-web.prom", `watchstander_health_check_failures{service="web"} 1`)
	if started() != first {
		t.Error("it was restarted after one failure")
	}
	run("watchstander-health-web.service")
	figure("health-web.prom", `watchstander_health_check_restarts{service="web"} 1`)
	real.Eventually(t, 10*time.Second, "web is restarted", func() error {
		if started() == first {
			return fmt.Errorf("it still is %s", first)
		}
		return nil
	})
	second := started()
	for range 3 {
		run("watchstander-health-web.service")
	}
	if figure("health-web.prom", `watchstander_health_check_failures{service="web"} 3`); started() != second {
		t.Error("it was restarted beyond its budget")
	}

	// What there is no more has no figures, and others' stay.
	for _, name := range []string{"health-gone.prom", "own.prom"} {
		if err := os.WriteFile(filepath.Join(figures, name), []byte("x 1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run("watchstander-health-forget.service")
	if left, err := filepath.Glob(filepath.Join(figures, "*")); err != nil || len(left) != 2 || filepath.Base(left[0]) != "health-web.prom" || filepath.Base(left[1]) != "own.prom" {
		t.Errorf("left are %q, %v", left, err)
	}

	// What crashes at once is started three times, and then no more.
	if _, err := d.Do(t.Context(), "systemctl", "start", "--no-block", "crash.service"); err != nil {
		t.Fatal(err)
	}
	const asked = "systemctl show --property=Result,NRestarts,ActiveState crash.service"
	real.Eventually(t, 20*time.Second, "systemd gives up", func() error {
		said, err := d.Do(t.Context(), strings.Fields(asked)...)
		if err == nil && (!strings.Contains(said, "NRestarts=3") || !strings.Contains(said, "ActiveState=failed")) {
			err = fmt.Errorf("it says %q", said)
		}
		return err
	})

	run("watchstander-evidence@suspicion.service")
	if found, err := filepath.Glob(filepath.Join(state, "watchstander-evidence/*.tar.gz")); err != nil || len(found) != 1 {
		t.Errorf("the evidence: %v, %v", found, err)
	}

	if err := os.MkdirAll(filepath.Join(state, "watchstander-updates"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "watchstander-updates/status.json"), []byte(`{"outcome": "none", "at": 1764378000}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run("watchstander-update-figures.service")
	figure("updates.prom", `watchstander_update_proposed 0`)
}
