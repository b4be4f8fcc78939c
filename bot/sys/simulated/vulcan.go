package simulated

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"watchstander/bot/sys"
)

func (o Options) filled() Options {
	o.Name = cmp.Or(o.Name, "vulcan")
	o.RAM = cmp.Or(o.RAM, 67_321_872_384)
	o.Loader = cmp.Or(o.Loader, "grub")
	if o.Generations == nil {
		o.Generations = Vulcan()
	}
	o.Generations = slices.Clone(o.Generations)
	slices.SortFunc(o.Generations, func(a, b Generation) int { return cmp.Compare(a.Number, b.Number) })
	if n := len(o.Generations); n > 0 {
		o.Running = cmp.Or(o.Running, o.Generations[n-1].Number)
		o.Booted = cmp.Or(o.Booted, o.Running)
	}
	if o.Units == nil {
		o.Units = vulcanUnits()
	}
	if o.Pools == nil {
		o.Pools = vulcanPools(time.Now())
	}
	return o
}

const day = 24 * time.Hour

// Vulcan are the generations of the host of the plan: 38 to 42, of which 42 brings
// a newer nginx, PostgreSQL and step-ca than 41, and 40 an older kernel. Each is of the
// nixpkgs of two days before.
func Vulcan() []Generation {
	today := time.Now().UTC()
	base := map[string]Package{
		"nginx": {"1.28.1", 12 * mib}, "postgresql": {"16.10", 61 * mib}, "step-ca": {"0.28.4", 44 * mib},
		"openssl": {"3.5.4", 9 * mib}, "systemd": {"258.2", 38 * mib}, "podman": {"5.6.2", 72 * mib},
		"restic": {"0.18.1", 27 * mib}, "zfs-user": {"2.3.4", 14 * mib}, "bash": {"5.3p3", 7 * mib}, "watchstander": {"0.1.0", 51 * mib},
	}
	with := func(other map[string]Package) map[string]Package {
		out := map[string]Package{}
		for _, m := range []map[string]Package{base, other} {
			for name, p := range m {
				out[name] = p
			}
		}
		return out
	}
	g := func(number int, age time.Duration, revision, kernel string, packages map[string]Package) Generation {
		return Generation{
			Number: number, Age: age, NixOS: "26.05." + today.Add(-age-2*day).Format("20060102") + "." + revision[:7], Revision: revision,
			Kernel: kernel, Parameters: "zfs.zfs_arc_sys_free=0 apple_bce.enabled=1 loglevel=4", Packages: with(packages),
			Units: vulcanUnitFiles(packages), StateVersion: "25.05", Secrets: "sops-" + revision[7:13], Bot: &Bot{Version: "0.1.0", Schema: 1},
		}
	}
	return []Generation{
		g(38, 41*day, "1d3f9a2c77e04b518c0a6f21b3d94e7712aa0038", "6.18.13", map[string]Package{"openssl": {"3.5.3", 9 * mib}, "systemd": {"258.1", 38 * mib}}),
		g(39, 27*day, "5b8e0c4419d24a7f9e6d3b1807ac52f6e4cc0039", "6.18.16", map[string]Package{"openssl": {"3.5.3", 9 * mib}}),
		g(40, 13*day, "9c02d7be5af143608b7d1e94c3f02a68d15b0040", "6.18.16", nil),
		g(41, 6*day, "c47aa10f38e24d919f55b0e7d2168c30a97e0041", "6.18.17", nil),
		g(42, 1*day, "e90b6d52c1f74a83a4be07d39c8512f60d3a0042", "6.18.17", map[string]Package{
			"nginx": {"1.28.2", 12*mib + 90_000}, "postgresql": {"16.11", 61*mib + 200_000}, "step-ca": {"0.29.0", 46 * mib}, "zoxide": {"0.9.8", 1_300_000},
		}),
	}
}

// Newer is what might be proposed for that host: 43, with a newer nginx and openssl than
// 42, built from a copy of the configuration that is in no commit.
func Newer() Generation {
	all := Vulcan()
	g := all[len(all)-1]
	packages := map[string]Package{
		"nginx": {"1.28.3", 12*mib + 94_000}, "postgresql": {"16.11", 61*mib + 200_000}, "step-ca": {"0.29.0", 46 * mib}, "openssl": {"3.5.5", 9*mib + 12_000}, "zoxide": {"0.9.8", 1_300_000},
	}
	g.Number, g.Age, g.Revision = 43, 0, ""
	g.NixOS = "26.05." + time.Now().UTC().Add(-day).Format("20060102") + ".7c20e4f"
	for name, p := range packages {
		g.Packages[name] = p
	}
	g.Units = vulcanUnitFiles(packages)
	return g
}

// vulcanUnitFiles are the unit files of a generation: a new package makes a new text.
func vulcanUnitFiles(packages map[string]Package) map[string]string {
	file := func(description, kind, exec string, more ...string) string {
		return fmt.Sprintf("[Unit]\nDescription=%s\n%s\n[Service]\nType=%s\nExecStart=%s\n", description, strings.Join(more, "\n"), kind, exec)
	}
	bin := func(name, version, program string) string {
		return storePath(name+"-"+cmp.Or(packages[name].Version, version)) + "/bin/" + program
	}
	wanted, keep := "WantedBy=multi-user.target", "X-RestartIfChanged=false"
	return map[string]string{
		"postgresql.service":   file("PostgreSQL Server", "notify", bin("postgresql", "16.10", "postgres"), wanted),
		"nginx.service":        file("Nginx Web Server", "simple", bin("nginx", "1.28.1", "nginx")+" -c /etc/nginx/nginx.conf", wanted),
		"step-ca.service":      file("Smallstep Certificate Authority", "notify", bin("step-ca", "0.28.4", "step-ca"), wanted),
		"prometheus.service":   file("Prometheus", "simple", bin("prometheus", "3.8.0", "prometheus"), wanted),
		"alertmanager.service": file("Alertmanager", "simple", bin("alertmanager", "0.29.0", "alertmanager"), wanted),
		"sshd.service":         file("SSH Daemon", "notify", bin("openssl", "3.5.4", "sshd"), wanted, "X-StopIfChanged=false"),
		"podman-litellm.service": file("LiteLLM in Podman", "notify", bin("podman", "5.6.2", "podman")+" run litellm",
			wanted),
		"smokeping.service":          file("SmokePing", "simple", bin("smokeping", "2.9.0", "smokeping"), wanted),
		"dbus.service":               file("D-Bus System Message Bus", "notify-reload", bin("dbus", "1.16.2", "dbus-daemon"), wanted, "X-ReloadIfChanged=true"),
		"systemd-logind.service":     file("User Login Management", "notify", bin("systemd", "258.2", "systemd-logind"), wanted, keep),
		"watchstander.service":       file("Watchstander", "notify", bin("watchstander", "0.1.0", "watchstander")+" serve", wanted),
		"watchstander-agent.service": file("Watchstander's agent", "notify", bin("watchstander", "0.1.0", "watchstander")+" agent", wanted),
		"restic-backups-home.service": file("Backup of /home", "oneshot", bin("restic", "0.18.1", "restic")+" backup /home",
			keep),
		"restic-backups-tank.service": file("Backup of /tank", "oneshot", bin("restic", "0.18.1", "restic")+" backup /tank",
			keep),
		"postgresqlBackup.service": file("Dump of all databases", "oneshot", bin("postgresql", "16.10", "pg_dumpall"), keep),
	}
}

// vulcanUnits are there beside the running generation's unit files.
func vulcanUnits() []sys.Unit {
	timer := func(name, description string) sys.Unit {
		return sys.Unit{
			Name: name, Description: description, Load: "loaded", Active: "active", Sub: "waiting",
			Memory: -1, Fragment: "/etc/systemd/system/" + name,
		}
	}
	mount := func(name, where string) sys.Unit {
		return sys.Unit{Name: name, Description: where, Load: "loaded", Active: "active", Sub: "mounted", Memory: -1, Fragment: "/run/systemd/generator/" + name}
	}
	return []sys.Unit{
		{Name: "multi-user.target", Description: "Multi-User System", Load: "loaded", Active: "active", Sub: "active", Memory: -1, Fragment: "/etc/systemd/system/multi-user.target"},
		mount("tank.mount", "/tank"), mount("home.mount", "/home"),
		timer("restic-backups-home.timer", "Backup of /home, nightly"), timer("restic-backups-tank.timer", "Backup of /tank, nightly"),
		timer("postgresqlBackup.timer", "Dump of all databases, nightly"), timer("nix-gc.timer", "Collects garbage"),
		timer("sanoid.timer", "Snapshots"), timer("zfs-scrub.timer", "Scrubs the pools"),
	}
}

func vulcanPools(now time.Time) []Pool {
	return []Pool{
		{
			Name: "rpool", Health: "ONLINE", Disks: []string{"nvme-APPLE_SSD_AP1024N-part3", "nvme-Samsung_990_PRO-part1"},
			Size: 960 * gib, Used: 412 * gib, Scrubbed: now.Add(-12 * day),
			Datasets: []Dataset{{"rpool/root", "/", 38 * gib, 0, true}, {"rpool/nix", "/nix", 118 * gib, 0, false}, {"rpool/home", "/home", 201 * gib, 400 * gib, true}},
		},
		{
			Name: "tank", Health: "ONLINE", Disks: []string{"ata-ST16000NM001G-1", "ata-ST16000NM001G-2"},
			Size: 14_880 * gib, Used: 8_330 * gib, Scrubbed: now.Add(-11 * day),
			Datasets: []Dataset{{"tank", "/tank", 8_330 * gib, 0, true}, {"tank/backups", "/tank/backups", 2_100 * gib, 4_000 * gib, false}},
		},
	}
}

// build puts the host up.
func (h *Host) build() error {
	now := time.Now()
	h.booted = now
	h.lost = make(chan struct{})
	for name, p := range map[string]Program{
		"switch-to-configuration": h.switchToConfiguration,
		"nix":                     h.nix,
		"nix-env":                 h.nixEnv,
		"nix-store":               h.nixStore,
		"nixos-version":           h.nixosVersion,
		"zpool":                   plain(h.zpool),
		"zfs":                     plain(h.zfsProgram),
		"systemctl":               plain(h.systemctl),
		"journalctl":              plain(h.journalctl),
	} {
		h.name(name, p)
	}
	for _, dir := range []string{"/boot/grub", "/tmp", "/var/lib", "/var/tmp", "/root", "/home", "/tank/backups", "/run", "/proc/self", "/nix/store", "/etc/nixos"} {
		if err := os.MkdirAll(h.tree.Outside(dir), 0o755); err != nil {
			return err
		}
	}
	id := storePath("machine", h.o.Name)
	err := errors.Join(
		h.put("/etc/machine-id", fmt.Sprintf("%x", id[len(store)+1:][:16])+"\n", 0o444),
		h.put("/etc/hostname", h.o.Name+"\n", 0o644),
		h.put("/etc/NIXOS", "", 0o644),
		h.link("/etc/systemd/system", "/etc/static/systemd/system"),
		h.link("/etc/os-release", "/etc/static/os-release"),
		h.link("/etc/watchstander", "/etc/static/watchstander"),
		h.link("/etc/modprobe.d", "/etc/static/modprobe.d"),
		h.put("/proc/self/mountinfo", h.mountinfo(), 0o444),
	)
	if err != nil {
		return err
	}
	for _, g := range h.o.Generations {
		s, err := h.realise(g)
		if err != nil {
			return err
		}
		if err := h.keep(s, now.Add(-g.Age)); err != nil {
			return err
		}
	}
	running, booted := h.systems[h.o.Running], h.systems[h.o.Booted]
	if running == nil || booted == nil {
		return errors.New("a simulated host needs a generation that runs, and one that was booted")
	}
	if err := errors.Join(h.link(profile, fmt.Sprintf("system-%d-link", h.o.Running)), h.writeMenu(running), h.boot(running)); err != nil {
		return err
	}
	return h.link("/run/booted-system", booted.top)
}

func plain(p func(*Call) int) Program {
	return func(_ context.Context, c *Call) int { return p(c) }
}

// mountinfo has the pools' file systems, the disk that the host boots from, and
// what the kernel shows.
func (h *Host) mountinfo() string {
	var b strings.Builder
	n := 20
	line := func(target, kind, source, options string) {
		n++
		fmt.Fprintf(&b, "%d 1 0:%d / %s %s,relatime shared:%d - %s %s %s\n", n, n, target, options, n, kind, source, options)
	}
	if len(h.pools) == 0 {
		line("/", "ext4", "/dev/nvme0n1p2", "rw")
		h.free["/"] = 300 * gib
	}
	for _, p := range h.pools {
		for _, d := range p.Datasets {
			if d.Mount != "" {
				line(d.Mount, "zfs", d.Name, "rw")
				h.free[d.Mount] = p.Size - p.Used
			}
		}
	}
	line("/boot", "vfat", "/dev/nvme0n1p1", "rw")
	h.free["/boot"] = 380 * mib
	for _, k := range [][2]string{{"/proc", "proc"}, {"/sys", "sysfs"}} {
		line(k[0], k[1], k[1], "rw")
	}
	for _, m := range []string{"/run", "/tmp"} {
		line(m, "tmpfs", "tmpfs", "rw")
		h.free[m] = 12 * gib
	}
	return b.String()
}
