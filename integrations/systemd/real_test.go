package systemd_test

import (
	"bytes"
	"context"
	"fmt"
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

// startSystemd runs a real systemd with a real bus in namespaces of its own, and
// sets the environment so that the bus is the system's. It needs root.
func startSystemd(t *testing.T) {
	unshare := real.Require(t, "unshare")
	real.Require(t, "systemd")
	real.Require(t, "dbus-daemon")
	if os.Geteuid() != 0 {
		t.Skip("only root may make the namespaces in which a systemd can be tried")
	}
	// Not t.TempDir: the path of a socket must be short.
	run, err := os.MkdirTemp("/tmp", "ws")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(run) })
	here, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	group := filepath.Base(run)

	var log bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, unshare, "--pid", "--fork", "--mount", "--uts", "--ipc", "--net", "--mount-proc",
		"--kill-child", "sh", filepath.Join(here, "boot.sh"), run, filepath.Join(here, "units"), group)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		// unshare is killed, and the kernel kills its child, and with that the
		// whole of its process namespace.
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("systemd said:\n%s", log.String())
		}
		removeGroup(t, unshare, group)
	})

	socket := filepath.Join(run, "dbus", "system_bus_socket")
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+socket)
	deadline := time.Now().Add(20 * time.Second)
	for {
		select {
		case err := <-ended:
			ended <- err
			t.Skipf("this machine does not let a systemd start in namespaces (%v): %s", err, log.String())
		case <-time.After(50 * time.Millisecond):
		}
		if _, err := os.Stat(socket); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("systemd has opened no bus after 20 s")
		}
	}
}

// removeGroup removes the control groups that a systemd leaves, once the kernel
// has buried what lived in them.
func removeGroup(t *testing.T, unshare, group string) {
	const script = `umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 0
for i in 1 2 3 4 5 6 7 8 9 10; do
	find "/sys/fs/cgroup/$0" -depth -type d -exec rmdir {} + 2>/dev/null
	[ -d "/sys/fs/cgroup/$0" ] || exit 0
	sleep 0.2
done
exit 1`
	if out, err := exec.Command(unshare, "--mount", "sh", "-c", script, group).CombinedOutput(); err != nil {
		t.Logf("the control group %s stays behind: %v %s", group, err, out)
	}
}

// A real systemd, in which one unit has failed, one fails again and again, and
// one ends well again and again.
func TestRealSystemd(t *testing.T) {
	startSystemd(t)
	p := systemd.New(systemd.Options{Host: "vulcan"})
	var got map[string]bot.Reading
	for deadline := time.Now().Add(20 * time.Second); ; {
		got = map[string]bot.Reading{}
		for _, r := range p.Read(t.Context()) {
			got[r.What] = r
		}
		if got["systemd"].Value == "degraded" && got["unit loop.service"].Value != "" {
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
	if len(got) != 3 {
		t.Errorf("%d readings, want the system's and those of two units", len(got))
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
	if len(got) != 2 {
		t.Fatalf("%d readings", len(got))
	}
	for _, r := range got {
		if r.State != bot.Unknown || !strings.HasPrefix(r.Note, "there is no system bus here") {
			t.Errorf("%+v", r)
		}
	}
}
