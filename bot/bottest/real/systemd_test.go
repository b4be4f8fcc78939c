package real

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A systemd sees the test's directory in the place of this machine's, has a network
// of its own or this machine's, and can be talked to from within.
func TestSystemdInAWorldOfItsOwn(t *testing.T) {
	for _, host := range []bool{false, true} {
		etc := t.TempDir()
		writeFile(t, filepath.Join(etc, "motto"), "ours")
		s := StartSystemdWith(t, SystemdOptions{
			Units: map[string]string{
				"a.service":          "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 1000\n",
				"a.service.d/x.conf": "[Unit]\nDescription=Of the drop-in\n",
			},
			Start: []string{"a.service"}, Mounts: []Mount{{etc, "/etc/alternatives"}}, HostNetwork: host,
		})
		for want, argv := range map[string][]string{
			"Description=Of the drop-in\nActiveState=active": {"systemctl", "show", "-p", "ActiveState,Description", "a.service"},
			"ours": {"cat", "/etc/alternatives/motto"},
		} {
			got, err := s.Do(t.Context(), argv...)
			if err != nil || got != want {
				t.Errorf("%v: %q, %v", argv, got, err)
			}
		}
		mine, err := os.Readlink("/proc/self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		its, err := s.Do(t.Context(), "readlink", "/proc/1/ns/net")
		if err != nil || (its == mine) != host {
			t.Errorf("its network is %s, and this machine's %s: %v", its, mine, err)
		}
		if _, err := os.Stat(s.Path("/run/dbus/system_bus_socket")); err != nil {
			t.Error(err)
		}
		if _, err := s.Do(t.Context(), "systemctl", "start", "none.service"); err == nil || !strings.Contains(err.Error(), "not found") {
			t.Error(err)
		}
	}
}
