package linux

import (
	"path/filepath"
	"strings"
	"testing"

	"watchstander/bot"
)

// In a unit with ProtectSystem=strict each mount is read-only for the bot. What a
// filesystem tells of itself is the host's truth all the same, and fstab tells what
// was wished.
func TestReadOnlyFromAUnit(t *testing.T) {
	const fstab = `# <device> <mount point> <type> <options>
/dev/sda1 / ext4 defaults,errors=remount-ro 0 1
/dev/sda2 /data xfs
/dev/sda3 /archive ext4 ro,noatime 0 2
/dev/sda4 /my\040disk ext4 noatime
/srv /data/bound none bind,ro 0 0
/dev/sda9 none swap sw 0 0
`
	const (
		ok      = "ok"
		wrong   = "to be written by /etc/fstab and is read-only now"
		stopped = "mounted to be written and is read-only now"
		untold  = "cannot be told from inside the bot's unit"
	)
	tests := []struct {
		name, mounts, fstab string
		want                map[string]string
	}{
		{"all is well, and read-only for the unit alone", `
22 1 8:1 / / ro,relatime shared:500 master:1 - ext4 /dev/sda1 rw
23 22 8:2 / /data ro,relatime shared:501 master:2 - xfs /dev/sda2 rw
24 22 8:1 /var/lib/watchstander /var/lib/watchstander rw,relatime shared:502 master:1 - ext4 /dev/sda1 rw`, fstab,
			map[string]string{"/": ok, "/data": ok}},
		{"they have fallen", `
22 1 8:1 / / ro,relatime shared:500 master:1 - ext4 /dev/sda1 ro,errors=remount-ro
23 22 8:2 / /data ro,relatime shared:501 master:2 - xfs /dev/sda2 ro
24 22 8:3 / /archive ro,relatime shared:503 master:3 - ext4 /dev/sda3 ro
25 22 8:4 / /my\040disk ro,relatime shared:504 master:3 - ext4 /dev/sda4 ro`, fstab,
			map[string]string{"/": wrong, "/data": wrong, "/archive": ok, "/my disk": wrong}},
		{"the bot's own directory shows that the root was written", `
22 1 8:1 / / ro,relatime shared:500 master:1 - ext4 /dev/sda1 ro
24 22 8:1 /var/lib/watchstander /var/lib/watchstander rw,relatime shared:502 master:1 - ext4 /dev/sda1 ro`, "",
			map[string]string{"/": stopped}},
		{"nothing tells what was wished", `
22 1 8:1 / / ro,relatime shared:500 master:1 - ext4 /dev/sda1 rw
23 22 8:5 / /media ro,relatime shared:501 master:2 - btrfs /dev/sdb1 ro
24 22 0:9 / /nas ro,relatime shared:501 master:2 - nfs4 nas:/x ro`, fstab,
			map[string]string{"/": ok, "/media": untold, "/nas": ok}},
		{"a namespace that takes nothing from the host", `
22 1 8:1 / / ro,relatime - ext4 /dev/sda1 rw
23 22 8:5 / /media ro,relatime - btrfs /dev/sdb1 ro`, fstab,
			map[string]string{"/": ok, "/media": untold}},
		{"on the host itself the mount tells", `
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 ro
23 22 8:5 / /media ro,relatime shared:2 - btrfs /dev/sdb1 ro
24 22 8:3 / /archive rw,relatime shared:3 - ext4 /dev/sda3 ro`, fstab,
			map[string]string{"/": stopped, "/media": ok, "/archive": ok}},
		{"ext4 has given up, whatever was wished", `
22 1 8:1 / / ro,relatime shared:500 master:1 - ext4 /dev/sda1 rw
24 22 8:3 / /archive ro,relatime shared:3 master:2 - ext4 /dev/sda3 ro,emergency_ro`, fstab,
			map[string]string{"/": ok, "/archive": stopped}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "proc/self/mountinfo", strings.TrimPrefix(tt.mounts, "\n")+"\n")
			write(t, dir, "fstab", tt.fstab)
			p := New(Options{Host: "x", Proc: filepath.Join(dir, "proc"), Fstab: filepath.Join(dir, "fstab"),
				Statfs: func(string) (Room, error) { return Room{Size: 1 << 30, Free: 1 << 29, Available: 1 << 29}, nil }})
			got := map[string]string{}
			for _, r := range p.disks(t.Context()) {
				name := strings.TrimPrefix(r.What, "disk ")
				got[name] = r.Note
				if want := tt.want[name]; (r.State == bot.OK) != (want == ok) || (r.State == bot.Unknown) != (want == untold) || want != ok && !strings.Contains(r.Note, want) {
					t.Errorf("%s: %+v, want %q", name, r, want)
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("told of %v", got)
			}
		})
	}
}

// A dataset that is covered where the bot looks is told beside the others of its pool.
func TestCoveredDataset(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "proc/self/mountinfo", `22 1 0:25 / / rw shared:1 - zfs rpool/root rw
43 22 0:50 / /home rw shared:1 - zfs rpool/home rw
44 43 0:51 / /home/alice rw shared:1 - zfs rpool/home/alice rw
45 43 0:70 / /home ro shared:1 - tmpfs tmpfs ro
`)
	p := New(Options{Host: "x", Proc: filepath.Join(dir, "proc"), Fstab: filepath.Join(dir, "fstab"),
		Statfs: func(string) (Room, error) { return Room{Size: 1 << 30, Free: 1 << 29, Available: 1 << 29}, nil }})
	got := tell(p.disks(t.Context()))
	const want = "1 dataset holds 512 MiB without snapshots, 2 not seen from here (tmpfs is mounted over them)"
	if !strings.Contains(got, want) {
		t.Errorf("%s", got)
	}
}

func FuzzFstab(f *testing.F) {
	f.Add("/dev/sda1 / ext4 ro,rw 0 1\n", "/")
	f.Add("# x\n\n/a /b none bind,ro\n", "/b")
	f.Fuzz(func(t *testing.T, text, point string) {
		if ro, named := parseFstab(text)[point]; named && (!strings.Contains(text, point) || ro && !strings.Contains(text, "ro")) {
			t.Errorf("%q: %s is named", text, point)
		}
	})
}
