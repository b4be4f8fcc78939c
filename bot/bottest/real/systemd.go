package real

import (
	_ "embed"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Systemd is a real one with a real bus, in namespaces of its own: it is the first
// process of its world, and knows no units but those that the test gives it. It
// sees this machine's files.
type Systemd struct {
	*Process
	// Address is its system bus: "unix:path=/…".
	Address string
	// Bus is the unit of the bus' daemon, which may be killed.
	Bus string
}

//go:embed systemd_boot.sh
var boot string

// busUnits make the bus. Its socket is held by systemd, and outlives its daemon.
var busUnits = map[string]string{
	"dbus.socket": "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
	"dbus.service": "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\n" +
		"ExecStart=dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only\n",
}

// StartSystemd starts one with units, each by its name with its text, and starts
// those that are named in start. They should have DefaultDependencies=no, since
// there is nothing that they could depend on. It returns when the bus is there.
//
// It needs root. Where this machine does not let a systemd start in namespaces, the
// test is skipped.
func StartSystemd(t testing.TB, units map[string]string, start ...string) *Systemd {
	t.Helper()
	unshare := Require(t, "unshare")
	Require(t, "systemd")
	Require(t, "dbus-daemon")
	if os.Geteuid() != 0 {
		t.Skip("only root may make the namespaces in which a systemd can be tried")
	}
	// Not t.TempDir: the path of a socket must be short.
	dir, err := os.MkdirTemp("/tmp", "ws")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	run, group := filepath.Join(dir, "run"), filepath.Base(dir)
	all := maps.Clone(busUnits)
	maps.Copy(all, units)
	all["test.target"] = "[Unit]\nDescription=What the test starts\nDefaultDependencies=no\nWants=" +
		strings.Join(slices.Concat(start, []string{"dbus.socket", "dbus.service"}), " ") + "\n"
	for _, d := range []string{run, filepath.Join(dir, "units")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range all {
		writeFile(t, filepath.Join(dir, "units", name), text)
	}
	writeFile(t, filepath.Join(dir, "boot.sh"), boot)

	s := &Systemd{Address: "unix:path=" + run + "/dbus/system_bus_socket", Bus: "dbus.service"}
	s.Process = newProcess(t, Command{
		Name: "systemd",
		Path: unshare,
		Args: []string{"--pid", "--fork", "--mount", "--uts", "--ipc", "--net", "--mount-proc", "--kill-child",
			"sh", filepath.Join(dir, "boot.sh"), run, filepath.Join(dir, "units"), group},
	})
	t.Cleanup(func() {
		// unshare is killed, and the kernel kills its child, and with that the whole of
		// its process namespace.
		s.Kill(t)
		removeGroup(t, unshare, group)
	})
	r, err := launch(s.command, s.log)
	if err != nil {
		t.Fatalf("systemd does not start: %v", err)
	}
	s.run = r
	Eventually(t, startTime, "systemd opens the bus", func() error {
		select {
		case <-r.ended:
			t.Skipf("this machine does not let a systemd start in namespaces (%v): %s", r.err, s.LogTail(2000))
		default:
		}
		if _, err := os.Stat(run + "/dbus/system_bus_socket"); err != nil {
			return errors.New("it has not opened the bus")
		}
		return nil
	})
	return s
}

// removeGroup removes the control groups that a systemd leaves, once the kernel
// has buried what lived in them.
func removeGroup(t testing.TB, unshare, group string) {
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
