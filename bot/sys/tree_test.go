package sys_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"watchstander/bot/sys"
)

// plant makes a tree: "path" → content, "path ->" → a link's text, "path/" → a
// directory.
func plant(t *testing.T, files map[string]string) *sys.Tree {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		link, isLink := strings.CutSuffix(name, " ->")
		where := filepath.Join(dir, link)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(where, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(where), 0o755))
		if isLink {
			must(t, os.Symlink(content, where))
		} else {
			must(t, os.WriteFile(where, []byte(content), 0o644))
		}
	}
	tree, err := sys.OpenTree(dir)
	must(t, err)
	t.Cleanup(func() { tree.Close() })
	return tree
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadThroughLinks(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(outside, []byte("outside"), 0o600))
	tree := plant(t, map[string]string{
		"nix/store/abc-system/nixos-version":    "26.05",
		"nix/var/profiles/system-1-link ->":     "/nix/store/abc-system",
		"nix/var/profiles/system ->":            "system-1-link",
		"run/current-system ->":                 "../../../../nix/var/profiles/system",
		"run/up ->":                             "..",
		"run/loop ->":                           "loop",
		"run/gone ->":                           "/nix/store/collected",
		"run/absolute ->":                       outside,
		"run/relative ->":                       strings.Repeat("../", 40) + outside[1:],
		"run/file":                              "a file",
		"run/empty":                             "",
		"run/roundabout ->":                     "./../run/./up/run/file",
		"nix/store/abc-system/kernel":           "kernel",
		"nix/store/abc-system/through-file/":    "",
		"nix/store/abc-system/linked-kernel ->": "kernel",
	})
	for _, tt := range []struct {
		path, want string
		err        error
	}{
		{"/run/current-system/nixos-version", "26.05", nil},
		{"/run/current-system/linked-kernel", "kernel", nil},
		{"/run/up/run/current-system/kernel", "kernel", nil},
		{"/run/roundabout", "a file", nil},
		{"/run/empty", "", nil},
		{"/run/loop", "", syscall.ELOOP},
		{"/run/gone", "", fs.ErrNotExist},
		// What is outside is looked for inside, and is not there.
		{"/run/absolute", "", fs.ErrNotExist},
		{"/run/relative", "", fs.ErrNotExist},
		{"/run/file/x", "", syscall.ENOTDIR},
		{"/run/file/..", "", fs.ErrInvalid},
		{"/run/../run/file", "", fs.ErrInvalid},
		{"run/file", "", fs.ErrInvalid},
		{"/run/file/", "", fs.ErrInvalid},
		{"", "", fs.ErrInvalid},
		{"/run/fi\x00le", "", fs.ErrInvalid},
		{"/run/current-system", "", syscall.EISDIR},
		{"/", "", syscall.EISDIR},
	} {
		data, err := tree.Read(tt.path, 100)
		if string(data) != tt.want || !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("%s: %q, %v; want %q, %v", tt.path, data, err, tt.want, tt.err)
		}
		if e, ok := errors.AsType[*fs.PathError](err); err != nil && (!ok || e.Path != tt.path) {
			t.Errorf("%s: the error %v does not name the path that was asked for", tt.path, err)
		}
	}
	for path, want := range map[string]string{
		"/run/current-system":        "/nix/store/abc-system",
		"/run/current-system/kernel": "/nix/store/abc-system/kernel",
		"/run/up":                    "/",
		"/":                          "/",
		"/run/file":                  "/run/file",
	} {
		if got, err := tree.Resolve(path); got != want || err != nil {
			t.Errorf("%s resolves to %q, %v; want %q", path, got, err, want)
		}
	}
	if text, err := tree.Readlink("/run/up/run/current-system"); text != "../../../../nix/var/profiles/system" || err != nil {
		t.Errorf("the link reads %q, %v", text, err)
	}
	if _, err := tree.Readlink("/run/file"); err == nil {
		t.Error("a file was read as a link")
	}
	info, err := tree.Stat("/run/current-system")
	if err != nil || !info.IsDir() {
		t.Errorf("%v, %v", info, err)
	}
	entries, err := tree.List("/run/current-system")
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "kernel linked-kernel nixos-version through-file" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got := tree.Outside("/run/file"); !strings.HasSuffix(got, "/run/file") || got == "/run/file" {
		t.Errorf("outside it is %q", got)
	}
}

// As many links as the kernel follows.
func TestManyLinks(t *testing.T) {
	files := map[string]string{"l0": "end"}
	for i := 1; i <= 41; i++ {
		files[fmt.Sprintf("l%d ->", i)] = fmt.Sprintf("/l%d", i-1)
	}
	tree := plant(t, files)
	if data, err := tree.Read("/l40", 10); string(data) != "end" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := tree.Read("/l41", 10); !errors.Is(err, syscall.ELOOP) {
		t.Error(err)
	}
}

func TestReadIsBounded(t *testing.T) {
	tree := plant(t, map[string]string{"f": "12345"})
	must(t, syscall.Mkfifo(tree.Outside("/pipe"), 0o600))
	if data, err := tree.Read("/f", 5); string(data) != "12345" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	if data, err := tree.Read("/f", 1<<63-1); string(data) != "12345" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	if data, err := tree.Read("/f", 4); data != nil || !errors.Is(err, sys.ErrTooLong) {
		t.Errorf("%q, %v", data, err)
	}
	if _, err := tree.Read("/f", -1); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	// Nobody writes into the pipe: it must not be waited for.
	if _, err := tree.Read("/pipe", 10); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	if err := tree.Write("/pipe", []byte("x")); err == nil {
		t.Error("a pipe was written to")
	}
	r, err := tree.Open("/f")
	must(t, err)
	defer r.Close()
	if data, err := io.ReadAll(r); string(data) != "12345" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
}

func TestWriteInPlace(t *testing.T) {
	tree := plant(t, map[string]string{"sys/value": "34359738368\n", "sys/link ->": "/sys/value", "sys/dir/": ""})
	before, err := tree.Stat("/sys/value")
	must(t, err)
	must(t, tree.Write("/sys/link", []byte("0\n")))
	if data, err := tree.Read("/sys/value", 100); string(data) != "0\n" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	after, err := tree.Stat("/sys/value")
	must(t, err)
	if !os.SameFile(before, after) {
		t.Error("it was replaced")
	}
	if err := tree.Write("/sys/new", []byte("1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("writing what is not there: %v", err)
	}
	if _, err := os.Lstat(tree.Outside("/sys/new")); err == nil {
		t.Error("a file was made")
	}
	if err := tree.Write("/sys/dir", []byte("1")); !errors.Is(err, syscall.EISDIR) {
		t.Error(err)
	}
	if err := tree.Write("/sys/value", nil); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
}

// The host's own root, with what NixOS, Debian and containers have alike.
func TestThisMachine(t *testing.T) {
	tree, err := sys.OpenTree("/")
	must(t, err)
	defer tree.Close()
	if _, err := os.Stat("/proc/self/mountinfo"); err != nil {
		t.Skip("there is no procfs here")
	}
	id, err := tree.Read("/proc/sys/kernel/random/boot_id", 64)
	if len(id) != 37 || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	mounts, err := tree.Mounts()
	must(t, err)
	if m, ok := sys.MountOf(mounts, "/proc/self/mountinfo"); !ok || m.Type != "proc" || m.Target != "/proc" {
		t.Errorf("procfs is mounted as %+v", m)
	}
	free, err := tree.Free("/proc/self") // a link
	if free != 0 || err != nil {
		t.Errorf("procfs has %d bytes free, %v", free, err)
	}
	free, err = tree.Free(t.TempDir())
	if free <= 0 || err != nil {
		t.Errorf("%d bytes free, %v", free, err)
	}
	if _, err := tree.Free("/nonexistent"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	// What the kernel shows is written without being cut: this value is writable by
	// its own process alone, and means the same before and after.
	score, err := tree.Read("/proc/self/oom_score_adj", 16)
	must(t, err)
	if err := tree.Write("/proc/self/oom_score_adj", score); err != nil {
		t.Errorf("writing to procfs: %v", err)
	}
	if err := tree.Write("/proc/self/oom_score_adj", []byte("nonsense")); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("the kernel's refusal is %v", err)
	}
}

func TestMounts(t *testing.T) {
	tree := plant(t, map[string]string{"proc/self/mountinfo": `22 1 0:21 / / rw,relatime shared:1 - zfs rpool/root rw,xattr,posixacl
35 22 0:30 / /tank rw,relatime shared:2 master:1 - zfs tank rw
36 35 0:31 / /tank/a\040b\134c ro,relatime - zfs tank/a\040b rw
37 22 0:32 / /mnt/usb rw - ext4 /dev/sdb1 ro,errors=remount-ro
38 35 0:33 / /tank rw - tmpfs none rw
`})
	mounts, err := tree.Mounts()
	must(t, err)
	want := []sys.Mount{
		{Source: "rpool/root", Target: "/", Type: "zfs"},
		{Source: "tank", Target: "/tank", Type: "zfs"},
		{Source: "tank/a b", Target: `/tank/a b\c`, Type: "zfs", ReadOnly: true},
		{Source: "/dev/sdb1", Target: "/mnt/usb", Type: "ext4", ReadOnly: true},
		{Source: "none", Target: "/tank", Type: "tmpfs"},
	}
	if len(mounts) != len(want) {
		t.Fatalf("%+v", mounts)
	}
	for i := range want {
		if mounts[i] != want[i] {
			t.Errorf("%+v, want %+v", mounts[i], want[i])
		}
	}
	for path, source := range map[string]string{
		"/": "rpool/root", "/home": "rpool/root", "/tank": "none", "/tank/x": "none",
		"/tankard": "rpool/root", `/tank/a b\c/d`: "tank/a b",
	} {
		if m, ok := sys.MountOf(mounts, path); !ok || m.Source != source {
			t.Errorf("%s is on %+v", path, m)
		}
	}
	if _, ok := sys.MountOf(mounts[1:], "/home"); ok {
		t.Error("/home is on no mount")
	}
}

// Where a unit sees everything read-only (ProtectSystem=strict), that a mount is says
// nothing of it; that its file system is does.
func TestMountsOfAConfinedUnit(t *testing.T) {
	mounts, err := sys.ParseMounts(`22 1 0:21 / / ro,relatime shared:1 - ext4 /dev/sda1 rw
35 22 0:30 / /scratch ro,relatime - ext4 /dev/sdb1 rw
37 22 0:32 / /mnt/usb ro - ext4 /dev/sdc1 ro
`)
	must(t, err)
	for i, want := range []bool{false, false, true} {
		if mounts[i].ReadOnly != want {
			t.Errorf("%+v", mounts[i])
		}
	}
}

func FuzzMounts(f *testing.F) {
	f.Add("22 1 0:21 / / rw,relatime shared:1 - zfs rpool/root rw\n")
	f.Add(`1 1 0:1 / /\04 ro - x \777 - `)
	f.Add(" - \n")
	f.Fuzz(func(t *testing.T, text string) {
		mounts, err := sys.ParseMounts(text)
		if err != nil && mounts != nil {
			t.Error("mounts and an error")
		}
		if len(mounts) > strings.Count(text, "\n")+1 {
			t.Errorf("%d mounts", len(mounts))
		}
	})
}

func TestScratch(t *testing.T) {
	tree := plant(t, map[string]string{
		"var/scratch/": "", "var/link ->": "/var/scratch", "var/data/precious": "x",
		"proc/self/mountinfo": "1 1 0:1 / / rw - zfs rpool rw\n",
	})
	dir, err := tree.Scratch("/var/link", "drill-*-tank")
	must(t, err)
	if !strings.HasPrefix(dir, "/var/scratch/watchstander-scratch-drill-") || !strings.HasSuffix(dir, "-tank") {
		t.Errorf("it is %s", dir)
	}
	info, err := os.Stat(tree.Outside(dir))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	other, err := tree.Scratch("/var/scratch", "drill-*-tank")
	if err != nil || other == dir {
		t.Errorf("%s, %v", other, err)
	}
	must(t, os.MkdirAll(tree.Outside(dir+"/a/b"), 0o755))
	must(t, os.WriteFile(tree.Outside(dir+"/a/b/c"), nil, 0o600))
	must(t, os.Symlink(tree.Outside("/var/data"), tree.Outside(dir+"/way-out")))

	// Another process removes it later.
	later, err := sys.OpenTree(tree.Outside("/"))
	must(t, err)
	defer later.Close()
	must(t, later.Remove(dir))
	must(t, later.Remove(dir)) // gone already
	if _, err := os.Stat(tree.Outside(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := os.Stat(tree.Outside("/var/data/precious")); err != nil {
		t.Error("a link was followed out of it")
	}

	base := filepath.Base(other)
	must(t, os.Mkdir(tree.Outside("/var/data/"+base), 0o777))
	must(t, os.Chmod(tree.Outside("/var/data/"+base), 0o777))
	must(t, os.Symlink("/var/data", tree.Outside("/var/"+base)))
	for _, path := range []string{"/", "/var/data", "/var/scratch", "/var/scratch/watchstander-scratch-x", "/var/data/" + base, "/var/" + base} {
		if err := tree.Remove(path); !errors.Is(err, sys.ErrNotScratch) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{"", "x", "/var/scratch/../scratch/" + base, other + "/"} {
		if err := tree.Remove(path); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if os.Geteuid() == 0 {
		must(t, os.Chown(tree.Outside(other), 65534, 65534))
		if err := tree.Remove(other); !errors.Is(err, sys.ErrNotScratch) {
			t.Errorf("another one's: %v", err)
		}
		must(t, os.Chown(tree.Outside(other), 0, 0))
	}
	must(t, os.WriteFile(tree.Outside("/proc/self/mountinfo"), []byte("1 1 0:1 / "+other+"/usb rw - ext4 /dev/sdb1 rw\n"), 0o600))
	if err := tree.Remove(other); !errors.Is(err, sys.ErrNotScratch) || !strings.Contains(err.Error(), "/dev/sdb1") {
		t.Errorf("with a disk in it: %v", err)
	}
	for _, pattern := range []string{"../x", "a/b", "a*b*", "*\n", strings.Repeat("x", 101)} {
		if _, err := tree.Scratch("/var/scratch", pattern); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("the pattern %q: %v", pattern, err)
		}
	}
	if _, err := tree.Scratch("/var/none", "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
