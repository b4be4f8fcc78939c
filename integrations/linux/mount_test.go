package linux

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// table makes mounts of lines "id parent dev root point type source options".
func table(t testing.TB, text string) []*procfs.MountInfo {
	t.Helper()
	var found []*procfs.MountInfo
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		m := &procfs.MountInfo{
			MajorMinorVer: f[2], Root: f[3], MountPoint: f[4], FSType: f[5], Source: f[6],
			Options: map[string]string{"rw": ""}, SuperOptions: map[string]string{f[7]: ""},
		}
		if _, err := fmt.Sscan(f[0], &m.MountID); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(f[1], &m.ParentID); err != nil {
			t.Fatal(err)
		}
		found = append(found, m)
	}
	return found
}

func TestVolumes(t *testing.T) {
	tests := []struct{ name, table, want string }{
		{"bind mounts are one", `
			1 0 8:1 / / ext4 /dev/sda1 rw
			2 1 8:1 /nix/store /nix/store ext4 /dev/sda1 rw
			3 1 8:1 /srv /a ext4 /dev/sda1 rw`,
			"/ [/ /a /nix/store]"},
		{"a filesystem that is mounted by parts only", `
			1 0 0:9 / / tmpfs none rw
			2 1 8:1 /persist/var /var ext4 /dev/sda1 rw
			3 1 8:1 /persist/nix /nix ext4 /dev/sda1 rw`,
			"/ [/]; /nix [/nix /var]"},
		{"what covers is what is seen", `
			1 0 8:1 / / ext4 /dev/sda1 rw
			2 1 8:2 / /home ext4 /dev/sda2 rw
			3 2 0:9 / /home tmpfs tmpfs rw
			4 2 8:3 / /home/alice xfs /dev/sda3 rw`,
			"/ [/]; /home under tmpfs; /home/alice under tmpfs"},
		{"covered here, seen there", `
			1 0 8:1 / / ext4 /dev/sda1 rw
			2 1 8:2 / /home ext4 /dev/sda2 rw
			3 2 0:9 / /home tmpfs tmpfs rw
			4 1 8:2 /x /mnt/x ext4 /dev/sda2 rw`,
			"/ [/]; /mnt/x [/mnt/x]"},
		{"the initial root below the real one", `
			1 1 0:2 / / rootfs rootfs rw
			22 1 8:1 / / ext4 /dev/sda1 rw
			23 22 8:2 / /boot vfat /dev/sda2 rw`,
			"/ [/]; /boot [/boot]"},
		{"a chroot without a mount of its own", `
			7 3 8:2 / /data ext4 /dev/sda2 rw`,
			"/data [/data]"},
		{"a table that loops", `
			1 2 8:1 / / ext4 /dev/sda1 rw
			2 1 8:2 / / ext4 /dev/sda2 rw`,
			"/ [/]; / [/]"},
		{"an automount that nobody has used yet", `
			1 0 8:1 / / ext4 /dev/sda1 rw
			2 1 0:5 / /nas autofs systemd-1 rw`,
			"/ [/]"},
		{"and one that is in use", `
			1 0 8:1 / / ext4 /dev/sda1 rw
			2 1 0:5 / /nas autofs systemd-1 rw
			3 2 0:6 / /nas nfs4 nas:/x rw`,
			"/ [/]; /nas [/nas]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, v := range volumes(table(t, tt.table), nil) {
				if len(v.paths) == 0 {
					got = append(got, v.name+" under "+v.cover)
					continue
				}
				got = append(got, fmt.Sprintf("%s %v", v.name, v.paths))
			}
			if s := strings.Join(got, "; "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

// A path that no kernel has must not cost seconds: the walk is quadratic.
func TestLongPathIsQuick(t *testing.T) {
	mounts := table(t, "1 0 8:1 / / ext4 /dev/sda1 rw\n2 1 8:2 / /x ext4 /dev/sda2 rw\n")
	mounts[1].MountPoint = strings.Repeat("/a", 1<<20)
	begin := time.Now()
	if got := volumes(mounts, nil); len(got) != 2 || len(got[1].paths) != 1 {
		t.Errorf("%d volumes", len(got))
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		``: ``, `/a`: `/a`, `/a\040b`: `/a b`, `/\134`: `/\`, `\`: `\`, `\04`: `\04`, `\048`: `\048`, `\777`: `\777`, `\012\011`: "\n\t",
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	f.Add(`/a\040b`)
	f.Add(`\`)
	f.Add(`\400\999`)
	f.Fuzz(func(t *testing.T, s string) {
		got := unescape(s)
		if len(got) > len(s) {
			t.Errorf("%q grew to %q", s, got)
		}
		if !strings.Contains(s, `\`) && got != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}

// No table of mounts, however odd, panics, loops, or asks about one path twice.
func FuzzVolumes(f *testing.F) {
	f.Add("1 0 8:1 / / ext4 /dev/sda1 rw\n2 1 0:5 / /a zfs p/x rw\n")
	f.Add("1 1 0:2 / / rootfs r rw\n1 1 0:2 / / zfs @ ro\n")
	f.Add("1 2 a / /b/c zfs / ro\n2 1 a / /b btrfs x rw\n")
	f.Fuzz(func(t *testing.T, text string) {
		var lines []string
		for line := range strings.Lines(text) {
			fields := strings.Fields(line)
			var id, parent int
			if len(fields) != 8 || len(lines) > 100 {
				continue
			}
			if _, err := fmt.Sscan(fields[0], &id); err != nil {
				continue
			}
			if _, err := fmt.Sscan(fields[1], &parent); err != nil {
				continue
			}
			lines = append(lines, strings.Join(fields, " "))
		}
		mounts := table(t, strings.Join(lines, "\n"))
		for _, v := range volumes(mounts, nil) {
			if len(v.paths) > len(mounts) || len(v.name) > 4*longest {
				t.Errorf("%+v", v)
			}
		}
	})
}

// The fixtures' tables are such as procfs reads.
func TestFixturesAreTables(t *testing.T) {
	for _, name := range []string{"vulcan", "container", "full"} {
		kernel, err := procfs.NewFS(filepath.Join("testdata", name, "proc"))
		if err != nil {
			t.Fatal(err)
		}
		mounts, err := kernel.GetMounts()
		if err != nil || len(mounts) == 0 {
			t.Errorf("%s: %d mounts, %v", name, len(mounts), err)
		}
	}
}
