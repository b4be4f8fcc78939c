package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"watchstander/bot/config"
)

// TestTrusted: a file is only as good as every name on the way to it.
func TestTrusted(t *testing.T) {
	trusted := config.TrustedOf(os.Getuid())
	for _, x := range []struct {
		name string
		make func(dir string) error
		want string // "" for trusted
	}{
		{"a file", nil, ""},
		{"the group may write it", func(dir string) error { return os.Chmod(dir+"/a/file", 0o420) }, "$DIR/a/file has mode 0420"},
		{"others may write it", func(dir string) error { return os.Chmod(dir+"/a/file", 0o402) }, "$DIR/a/file has mode 0402"},
		{"others may put another there", func(dir string) error { return os.Chmod(dir+"/a", 0o777) }, "the directory $DIR/a has mode 0777"},
		{"or exchange its folder", func(dir string) error { return os.Chmod(dir, 0o770) }, "the directory $DIR has mode 0770"},
		{"but not where the sticky bit keeps them", func(dir string) error { return os.Chmod(dir, 0o777|os.ModeSticky) }, ""},
		{"it is not there", func(dir string) error { return os.Remove(dir + "/a/file") }, "$DIR/a/file does not exist"},
		{"it is a folder", func(dir string) error { os.Remove(dir + "/a/file"); return os.Mkdir(dir+"/a/file", 0o700) }, "$DIR/a/file is no regular file"},
		{"a file is in the way", func(dir string) error { os.RemoveAll(dir + "/a"); return os.WriteFile(dir+"/a", nil, 0o600) }, "$DIR/a is no directory"},
		{"a link", link("a/other", "file"), ""},
		{"an absolute link", link("a/other", "$DIR/b/file"), ""},
		{"a link upwards", link("a/other", "../b/file"), ""},
		{"a link into a folder of others", func(dir string) error { os.Chmod(dir+"/b", 0o777); return link("a/other", "../b/file")(dir) }, "the directory $DIR/b has mode 0777"},
		// What is at the end is sound, but who may write b may lead the link elsewhere.
		{"a link that lies in a folder of others", func(dir string) error {
			if err := link("b/there", "../a/file")(dir); err != nil {
				return err
			}
			os.Chmod(dir+"/b", 0o777)
			return link("a/other", "../b/there")(dir)
		}, "the directory $DIR/b has mode 0777"},
		{"a link to a folder", func(dir string) error { os.RemoveAll(dir + "/a"); return os.Symlink("b", dir+"/a") }, ""},
		{"a link to nothing", link("a/other", "nothing"), "$DIR/a/nothing does not exist"},
		{"a link to itself", link("a/other", "other"), "too many links"},
		{"a link to a folder, for a file", link("a/other", "../b"), "is no regular file"},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, d := range []string{"a", "b"} {
				if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, d, "file"), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if x.make != nil {
				if err := x.make(dir); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, "a", "file")
			if _, err := os.Lstat(filepath.Join(dir, "a", "other")); err == nil {
				path = filepath.Join(dir, "a", "other")
			}
			err := trusted(path)
			want := strings.ReplaceAll(x.want, "$DIR", dir)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
	if err := trusted("file"); err == nil {
		t.Error("a relative path hangs on where the program stands")
	}
}

// TestTrustedPrograms: others may not put anything into it, nor exchange it.
func TestTrustedPrograms(t *testing.T) {
	trusted := func(path string) error { return config.TrustedPrograms(path, os.Getuid()) }
	for _, x := range []struct {
		name string
		make func(dir string) error
		want string // "" for trusted
	}{
		{"a directory", func(dir string) error { return os.Mkdir(dir+"/bin", 0o755) }, ""},
		{"a link to one", func(dir string) error { return os.Symlink("a", dir+"/bin") }, ""},
		{"others may write it", func(dir string) error { os.Chmod(dir+"/a", 0o757); return os.Symlink("a", dir+"/bin") }, "the directory $DIR/a has mode 0757"},
		{"the group may write it", func(dir string) error { os.Chmod(dir+"/a", 0o775); return os.Symlink("a", dir+"/bin") }, "the directory $DIR/a has mode 0775"},
		{"others may add to it", func(dir string) error {
			os.Chmod(dir+"/a", 0o777|os.ModeSticky)
			return os.Symlink("a", dir+"/bin")
		}, "anybody may put files into $DIR/bin"},
		{"others may exchange it", func(dir string) error { os.Chmod(dir, 0o777); return os.Mkdir(dir+"/bin", 0o755) }, "the directory $DIR has mode 0777"},
		{"a file", func(dir string) error { return os.WriteFile(dir+"/bin", nil, 0o600) }, "$DIR/bin is no directory"},
		{"nothing", func(string) error { return nil }, "$DIR/bin does not exist"},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "a"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := x.make(dir); err != nil {
				t.Fatal(err)
			}
			err := trusted(filepath.Join(dir, "bin"))
			if want := strings.ReplaceAll(x.want, "$DIR", dir); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

func link(at, target string) func(dir string) error {
	return func(dir string) error {
		return os.Symlink(strings.ReplaceAll(target, "$DIR", dir), filepath.Join(dir, at))
	}
}

// TestTrustedOwner: only root, and whoever was named, may own what is trusted.
func TestTrustedOwner(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		if err := config.Trusted(file); err == nil || !strings.Contains(err.Error(), "it must be root's") {
			t.Error(err)
		}
		return
	}
	if err := config.Trusted(file); err != nil {
		t.Error(err)
	}
	const stranger = 65534
	chown := func(path string, uid int) {
		if err := os.Lchown(path, uid, -1); err != nil {
			t.Fatal(err)
		}
	}
	chown(file, stranger)
	if err := config.Trusted(file); err == nil || !strings.HasSuffix(err.Error(), "file belongs to the user 65534: it must be root's") {
		t.Error(err)
	}
	if err := config.TrustedOf(stranger)(file); err != nil {
		t.Error(err)
	}
	chown(file, 0)
	chown(dir, stranger)
	if err := config.Trusted(file); err == nil {
		t.Error("a folder of somebody else's")
	}
	// In a sticky folder others can exchange what is theirs.
	chown(dir, 0)
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	chown(filepath.Join(dir, "link"), stranger)
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := config.Trusted(filepath.Join(dir, "link")); err == nil || !strings.Contains(err.Error(), "lies where anybody may put files") {
		t.Error(err)
	}
}

// TestTrustedDirectory: what is to be trusted may not be there yet, and nobody else
// may put anything into what is.
func TestTrustedDirectory(t *testing.T) {
	for _, x := range []struct {
		name string
		mode os.FileMode // of $DIR/a
		path string
		want string // "" for trusted
	}{
		{"a directory", 0o755, "a", ""},
		{"one that is not there", 0o755, "a/b/c", ""},
		{"others may write it", 0o777, "a", "the directory $DIR/a has mode 0777"},
		{"the group may write the one above", 0o775, "a/b", "the directory $DIR/a has mode 0775"},
		{"anybody may put files into it", 0o777 | os.ModeSticky, "a", "anybody may put files into $DIR/a"},
		{"the sticky bit above keeps what is root's", 0o777 | os.ModeSticky, "a/b", ""},
		{"a file", 0o755, "file", "$DIR/file is no directory"},
		{"through a file", 0o755, "file/b", "$DIR/file is no directory"},
		{"through a link", 0o755, "link", ""},
		{"up out of what is not there", 0o755, "a/none/../../a", "is not written plainly"},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, err := range []error{os.Mkdir(dir+"/a", 0o700), os.Chmod(dir+"/a", x.mode), os.WriteFile(dir+"/file", nil, 0o600), os.Symlink("a", dir+"/link")} {
				if err != nil {
					t.Fatal(err)
				}
			}
			err := config.TrustedDirectory(dir+"/"+x.path, os.Getuid())
			want := strings.ReplaceAll(x.want, "$DIR", dir)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
	if os.Getuid() != 0 {
		return
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 65534, -1); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, dir + "/none"} {
		if err := config.TrustedState(path); err == nil || !strings.Contains(err.Error(), "belongs to the user 65534") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
