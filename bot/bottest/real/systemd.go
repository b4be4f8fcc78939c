package real

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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

	dir string
}

// Path is where this machine has what its /run has.
func (s *Systemd) Path(run string) string { return filepath.Join(s.dir, run) }

// WriteUnit writes a unit, or a drop-in; a systemd that runs must be told to read it
// (daemon-reload).
func (s *Systemd) WriteUnit(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, "run/test-units", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, text)
}

// Do runs a program in its world, as its root, and gives what it said.
func (s *Systemd) Do(ctx context.Context, argv ...string) (string, error) {
	return s.DoAs(ctx, 0, "", argv...)
}

// DoAs is Do as another user, with something to read.
func (s *Systemd) DoAs(ctx context.Context, uid int, stdin string, argv ...string) (string, error) {
	nsenter, err := Find("nsenter")
	if err != nil {
		return "", err
	}
	// The child of unshare is the first process in there.
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.current().process.Pid))
	if err != nil {
		return "", err
	}
	pid := strings.TrimSpace(string(children))
	args := []string{"--target", pid, "--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup"}
	if uid != 0 {
		args = append(args, "--setuid", strconv.Itoa(uid), "--setgid", strconv.Itoa(uid))
	}
	cmd := exec.CommandContext(ctx, nsenter, slices.Concat(args, []string{"--"}, argv)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(string(out)), err
}

//go:embed systemd_boot.sh
var boot string

// busUnits make the bus. Its socket is held by systemd, and outlives its daemon.
var busUnits = map[string]string{
	"dbus.socket": "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
	"dbus.service": "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\n" +
		"ExecStart=dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only\n",
}

// Mount is a directory of the test's, and where a systemd has it.
type Mount struct{ Dir, At string }

// SystemdOptions are what a Systemd starts with.
type SystemdOptions struct {
	// Units are all that it knows, each by its name ("x.service.d/y.conf" for a
	// drop-in) with its text. They should have DefaultDependencies=no where the targets
	// that they then need are not among them.
	Units map[string]string
	// Start are those that it starts by itself.
	Start []string
	// Mounts are directories that it sees in the place of this machine's, in this order:
	// what covers the others' Dir comes last.
	Mounts []Mount
	// HostNetwork leaves it in this machine's network, where it finds the test's
	// servers; else it has one of its own, of loopback alone.
	HostNetwork bool
}

// StartSystemd starts one with units, each by its name with its text, and starts
// those that are named in start. They should have DefaultDependencies=no, since
// there is nothing that they could depend on. It returns when the bus is there.
//
// It needs root, or the test is skipped, or fails if [RequireEnv] is set. A machine that
// does not allow the namespaces and control groups is no fault: the test is skipped.
func StartSystemd(t testing.TB, units map[string]string, start ...string) *Systemd {
	t.Helper()
	return StartSystemdWith(t, SystemdOptions{Units: units, Start: start})
}

// StartSystemdWith is StartSystemd with all that can be chosen.
func StartSystemdWith(t testing.TB, o SystemdOptions) *Systemd {
	t.Helper()
	unshare := Require(t, "unshare")
	Require(t, "systemd")
	Require(t, "dbus-daemon")
	if os.Geteuid() != 0 {
		Missing(t, "only root may make the namespaces in which a systemd can be tried")
	}
	if why := namespacesAllowed(); why != "" {
		t.Skipf("this machine does not allow what a systemd needs: %s", why)
	}
	// Not t.TempDir: the path of a socket must be short.
	dir, err := os.MkdirTemp("/tmp", "ws")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// Users of its world come this way too.
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	run, group := filepath.Join(dir, "run"), filepath.Base(dir)
	all := maps.Clone(busUnits)
	maps.Copy(all, o.Units)
	all["test.target"] = "[Unit]\nDescription=What the test starts\nDefaultDependencies=no\nWants=" +
		strings.Join(slices.Concat(o.Start, []string{"dbus.socket", "dbus.service"}), " ") + "\n"
	s := &Systemd{Address: "unix:path=" + run + "/dbus/system_bus_socket", Bus: "dbus.service", dir: dir}
	for name, text := range all {
		s.WriteUnit(t, name, text)
	}
	mounts := ""
	for _, m := range o.Mounts {
		mounts += m.Dir + " " + m.At + "\n"
	}
	writeFile(t, filepath.Join(dir, "mounts"), mounts)
	writeFile(t, filepath.Join(dir, "boot.sh"), boot)
	namespaces := []string{"--pid", "--fork", "--mount", "--uts", "--ipc", "--mount-proc", "--kill-child"}
	if !o.HostNetwork {
		namespaces = append(namespaces, "--net")
	}
	s.Process = newProcess(t, Command{
		Name: "systemd",
		Path: unshare,
		Args: append(namespaces, "sh", filepath.Join(dir, "boot.sh"), run, filepath.Join(dir, "mounts"), group),
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
			t.Fatalf("systemd has ended (%v): %s", r.err, s.LogTail(2000))
		default:
		}
		if _, err := os.Stat(run + "/dbus/system_bus_socket"); err != nil {
			return errors.New("it has not opened the bus")
		}
		return nil
	})
	return s
}

// namespacesAllowed tries, once, what the boot script does before it becomes systemd. It
// says why that is not allowed, "" where it is.
var namespacesAllowed = sync.OnceValue(func() string {
	const script = `set -e
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$0"
trap 'echo $$ >/sys/fs/cgroup/cgroup.procs; rmdir "/sys/fs/cgroup/$0"' EXIT
echo $$ >"/sys/fs/cgroup/$0/cgroup.procs"
unshare --cgroup true
mount -o bind,ro /proc/sys /proc/sys
mount --make-rshared /`
	unshare, err := Find("unshare")
	if err != nil {
		return err.Error()
	}
	out, err := exec.Command(unshare, "--pid", "--fork", "--mount", "--uts", "--ipc", "--net", "--mount-proc", "--kill-child",
		"sh", "-c", script, fmt.Sprintf("ws-probe-%d", os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	return ""
})

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
