package checks

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
)

// The metrics that rules and dashboards may name are those of recorded/, which real
// programs published. This file makes them anew:
//
//	go test ./nix/checks -run TestRecord -record
//
// It needs root, the exporters in PATH (tools/get-real does not get these: they are only
// needed here), and for node_exporter the folder of its own fixtures in NODE_FIXTURES, for
// smartctl_exporter that of its testdata in SMART_FIXTURES.
var recordNew = flag.Bool("record", false, "make recorded/*.prom anew, from the real exporters")

// most is how many samples of one metric are kept: all are of one form.
const most = 60

// save writes what an address answers into recorded/, with how it came to be.
func save(t *testing.T, name, how, url string, wanted ...string) {
	t.Helper()
	var text string
	real.Eventually(t, 20*time.Second, name+" publishes "+strings.Join(wanted, ", "), func() error {
		text = read(t, url)
		for _, w := range wanted {
			if !strings.Contains(text, w) {
				return fmt.Errorf("there is no %s", w)
			}
		}
		return nil
	})
	var out strings.Builder
	for line := range strings.Lines(strings.TrimSpace(how) + "\n") {
		out.WriteString("# " + line)
	}
	seen := map[string]int{}
	for line := range strings.Lines(text) {
		metric := line[:max(0, strings.IndexAny(line, "{ "))]
		if strings.HasPrefix(line, "# ") {
			metric = strings.Fields(line)[2]
		} else if seen[metric]++; seen[metric] > most {
			continue
		}
		// The programs' own heap is nobody's concern, nor is what only that machine mounts.
		if !strings.Contains(line, "/mnt/") && !strings.Contains(line, `"mnt-`) && !strings.HasPrefix(metric, "go_") && !strings.HasPrefix(metric, "promhttp_") {
			out.WriteString(strings.ReplaceAll(line, os.TempDir()+"/", "/var/lib/"))
		}
	}
	if err := os.WriteFile(filepath.Join("recorded", name+".prom"), []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read gives what is served, or why not.
func read(t *testing.T, url string) string {
	t.Helper()
	body, err := get(t, url)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// exporter starts a program, and says which version it is.
func exporter(t *testing.T, program string, env []string, args ...string) (addr, version string) {
	t.Helper()
	path := real.Require(t, program)
	addr = real.FreeAddr(t)
	said, err := exec.CommandContext(t.Context(), path, "--version").CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	version, _, _ = strings.Cut(string(said), "\n")
	version, _, _ = strings.Cut(version, " (")
	real.StartProcess(t, real.Command{Name: program, Path: path, Env: append(os.Environ(), env...), Args: append(args, "--web.listen-address="+addr)})
	return "http://" + addr, version
}

// nodeFlags are those with which nix/modules/exporters.nix runs node_exporter.
var nodeFlags = []string{"--collector.processes", "--collector.textfile.directory="}

func TestRecord(t *testing.T) {
	if !*recordNew {
		t.Skip("-record makes the recordings anew")
	}
	t.Run("node", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "watchstander.prom"), []byte("sample 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		url, version := exporter(t, "node_exporter", nil, nodeFlags[0], nodeFlags[1]+dir, "--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|run|mnt|tmp|home)($|/)")
		save(t, "node", version+", built from its tag's source; on a machine with two processors, without ZFS:\n  node_exporter "+nodeFlags[0]+" "+nodeFlags[1]+"DIR (and without mount points of that machine alone)",
			url+"/metrics", "node_load1", "node_textfile_mtime_seconds", "node_pressure_cpu")
	})
	t.Run("node-zfs", func(t *testing.T) {
		fixtures := os.Getenv("NODE_FIXTURES")
		if fixtures == "" {
			t.Skip("NODE_FIXTURES is not set")
		}
		url, version := exporter(t, "node_exporter", nil, "--collector.disable-defaults", "--collector.zfs", "--path.procfs="+filepath.Join(fixtures, "proc"))
		save(t, "node-zfs", version+", built from its tag's source; the ZFS collector alone, on the kernel's files that its authors took from machines with ZFS:\n"+
			"  node_exporter --collector.disable-defaults --collector.zfs --path.procfs=collector/fixtures/proc", url+"/metrics", "node_zfs_arc_hits", "node_zfs_zpool_state")
	})
	t.Run("systemd", recordSystemd)
	t.Run("postgres", recordPostgres)
	t.Run("blackbox", recordBlackbox)
	t.Run("zfs", recordZFS)
	t.Run("smartctl", func(t *testing.T) {
		fixtures := os.Getenv("SMART_FIXTURES")
		if fixtures == "" {
			t.Skip("SMART_FIXTURES is not set")
		}
		// Its fake data are read from debug/, beside where it runs.
		path, addr, dir := real.Require(t, "smartctl_exporter"), real.FreeAddr(t), t.TempDir()
		if err := os.Symlink(fixtures, filepath.Join(dir, "debug")); err != nil {
			t.Fatal(err)
		}
		real.StartProcess(t, real.Command{Name: "smartctl_exporter", Path: path, Dir: dir, Args: []string{"--smartctl.fake-data", "--smartctl.device=/dev/INTEL_SSDPE2KX080T8_1", "--smartctl.device=/dev/Hitachi_HUA722020ALA330_29", "--web.listen-address=" + addr}})
		save(t, "smartctl", "smartctl_exporter 0.14.0, built from the module proxy's source; on what smartctl said of other people's disks (its testdata):\n  smartctl_exporter --smartctl.fake-data", "http://"+addr+"/metrics", "smartctl_device_smart_status")
	})
	t.Run("prometheus and alertmanager", recordPrometheus)
	t.Run("watchstander", recordBot)
}

// recordSystemd looks at a systemd with a unit that failed, one that is started again and
// again, a timer and a socket.
func recordSystemd(t *testing.T) {
	unit := func(s string) string { return "[Unit]\nDefaultDependencies=no\n" + s }
	s := real.StartSystemd(t, map[string]string{
		"nginx.service":                    unit("[Service]\nExecStart=/bin/sleep infinity\n"),
		"broken.service":                   unit("[Service]\nExecStart=/bin/false\n"),
		"flapping.service":                 unit("StartLimitIntervalSec=0\n[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=1s\n"),
		"restic-backups-b2.service":        unit("[Service]\nType=oneshot\nExecStart=/bin/true\n"),
		"restic-backups-b2.timer":          unit("[Timer]\nOnActiveSec=1s\nOnUnitActiveSec=1h\n"),
		"watchstander-agent.socket":        unit("[Socket]\nListenStream=/run/agent.sock\nAccept=no\nService=nginx.service\n"),
		"prometheus-node-exporter.service": unit("[Service]\nExecStart=/bin/sleep infinity\n"),
	}, "nginx.service", "broken.service", "flapping.service", "restic-backups-b2.timer", "watchstander-agent.socket", "prometheus-node-exporter.service")
	url, _ := exporter(t, "systemd_exporter", []string{"DBUS_SYSTEM_BUS_ADDRESS=" + s.Address}, "--systemd.collector.enable-restart-count")
	save(t, "systemd", "systemd_exporter 0.7.0, built from the module proxy's source; on a systemd 252 with a few units of the test:\n  systemd_exporter --systemd.collector.enable-restart-count",
		url+"/metrics", `systemd_unit_state{name="broken.service"`, "systemd_timer_last_trigger_seconds", "systemd_service_restart_total")
}

func recordPostgres(t *testing.T) {
	postgres, initdb, setpriv := real.Require(t, "postgres"), real.Require(t, "initdb"), real.Require(t, "setpriv")
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := []string{"--reuid=postgres", "--regid=postgres", "--clear-groups"}
	do := func(argv ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), setpriv, append(as, argv...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", argv[0], err, out)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "chown", "postgres", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	do(initdb, "-D", dir+"/data", "-A", "trust", "-U", "postgres")
	real.StartProcess(t, real.Command{Name: "postgres", Path: setpriv, Dir: dir, Args: append(as, postgres, "-D", dir+"/data", "-k", dir, "-h", "", "-c", "wal_level=replica", "-c", "archive_mode=on", "-c", "archive_command=true")})
	real.Eventually(t, time.Minute, "postgres answers", func() error {
		return exec.CommandContext(t.Context(), "psql", "-h", dir, "-U", "postgres", "-c", "create table if not exists t as select generate_series(1,1000) as a", "-c", "vacuum analyze t", "-c", "select pg_switch_wal()").Run()
	})
	url, version := exporter(t, "postgres_exporter", []string{"DATA_SOURCE_NAME=user=postgres database=postgres host=" + dir + " sslmode=disable"}, "--collector.long_running_transactions")
	save(t, "postgres", version+", built from the module proxy's source; on a PostgreSQL 15 of Debian's, new and empty:\n  postgres_exporter --collector.long_running_transactions",
		url+"/metrics", "pg_up 1", "pg_database_size_bytes", "pg_stat_database_numbackends")
}

func recordZFS(t *testing.T) {
	dir := t.TempDir()
	for name, script := range map[string]string{
		// The form is that of `zpool get -Hpo name,property,value` and `zfs list -Hprt filesystem -o name,…`.
		"zpool": `case $1 in
list) printf 'rpool\ntank\n' ;;
get) for last; do :; done
  case $last in rpool) size=1000000000000 free=400000000000 health=ONLINE ;; *) size=8000000000000 free=2000000000000 health=DEGRADED ;; esac
  for p in $(echo "$4" | tr , ' '); do case $p in
    health) v=$health ;; size) v=$size ;; free) v=$free ;; allocated) v=$((size - free)) ;; dedupratio) v=1.00 ;; fragmentation) v=12 ;; capacity) v=60 ;; readonly) v=off ;; *) v=0 ;; esac
    printf '%s\t%s\t%s\n' "$last" "$p" "$v"; done ;;
esac`,
		"zfs": `for last; do :; done
for p in $(echo "$6" | tr , ' '); do case $p in compressratio|refcompressratio) v=1.41 ;; *) v=250000000000 ;; esac
printf '%s/data\t%s\t%s\n' "$last" "$p" "$v"; done`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	url, _ := exporter(t, "zfs_exporter", []string{"PATH=" + dir + ":" + os.Getenv("PATH")})
	save(t, "zfs", "zfs_exporter 2.3.11, built from its tag's source; names and labels are the exporter's. There was no ZFS: `zpool` and `zfs` were\n"+
		"scripts that print in the form of `zpool get -Hpo name,property,value`, so that the values are made up:\n  zfs_exporter", url+"/metrics", "zfs_pool_health", "zfs_pool_free_bytes")
}
