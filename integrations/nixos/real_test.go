package nixos_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchstander/bot"
	"watchstander/bot/bottest/real"
	"watchstander/bot/host"
	"watchstander/bot/sys"
	"watchstander/integrations/nixos"
)

// realNix is a real Nix with a store, a profile and a database of its own below a
// directory of the test, and without any network.
type realNix struct {
	dir string
	env []string
}

// Run gives Nix its own store; the integration itself sets nothing of the kind.
func (n realNix) Run(ctx context.Context, c sys.Command) (sys.Output, error) {
	c.Env = append(slices.Clone(c.Env), n.env...)
	return sys.Programs{}.Run(ctx, c)
}

func startNix(t *testing.T) (realNix, string) {
	t.Helper()
	nix := real.Require(t, "nix")
	real.Require(t, "nix-env")
	real.Require(t, "nix-build")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	n := realNix{dir: dir, env: []string{"HOME=" + dir, "NIX_REMOTE=", "NIX_STORE_DIR=" + dir + "/store", "NIX_STATE_DIR=" + dir + "/state", "NIX_LOG_DIR=" + dir + "/log",
		"NIX_CONF_DIR=" + dir + "/conf", "NIX_CONFIG=sandbox = false\nbuild-users-group =\nsubstituters =\n"}}
	t.Cleanup(func() { // the store is read-only
		_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				_ = os.Chmod(p, 0o700)
			}
			return nil
		})
	})
	return n, nix
}

func (n realNix) must(t *testing.T, argv ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = append(n.env, "PATH="+os.Getenv("PATH")), n.dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// systems is an expression for two systems that look like NixOS' own; it builds
// with nothing but a shell.
const systems = `
let
  mk = name: script: builtins.derivation {
    inherit name; system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/usr/bin:/bin"; args = [ "-ec" script ];
  };
  package = name: size: mk name "mkdir $out; head -c ${toString size} /dev/zero > $out/data";
  system = v: packages: mk "nixos-system-vulcan-25.11.${v}" ''
    mkdir -p $out/bin $out/sw $out/etc/watchstander $out/kernel-modules/lib/modules/6.18.${v}
    for p in ${toString packages}; do ln -s $p $out/sw/''${p##*/}; done
    printf 25.11.${v} > $out/nixos-version
    for f in activate init kernel initrd bin/switch-to-configuration; do printf '#!/bin/sh\n' > $out/$f; chmod +x $out/$f; done
    echo '{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub","bot":{"version":"1.4.0","schema":9}}' > $out/etc/watchstander/host.json
  '';
in {
  former = system "1" [ (package "postgresql-16.9" 20000) (package "acl" 10) ];
  latter = system "2" [ (package "postgresql-16.10" 4000000) (package "zoxide-0.9.8" 100) ];
}
`

// A real Nix makes, compares and switches generations; what it prints is read, and
// the links that it makes are understood.
func TestRealNix(t *testing.T) {
	n, nix := startNix(t)
	if err := os.WriteFile(filepath.Join(n.dir, "systems.nix"), []byte(systems), 0o600); err != nil {
		t.Fatal(err)
	}
	profile := filepath.Join(n.dir, "profiles", "system")
	for _, d := range []string{"profiles", "run"} {
		if err := os.Mkdir(filepath.Join(n.dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var built []string
	for _, which := range []string{"former", "latter"} {
		at := n.must(t, "nix-build", "--no-out-link", "systems.nix", "-A", which)
		n.must(t, "nix-env", "-p", profile, "--set", at)
		built = append(built, at)
	}
	tree, err := sys.OpenTree("/")
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	i, err := nixos.New(nixos.Options{
		Host:    sys.Host{Name: "vulcan", Files: withRun{tree, filepath.Join(n.dir, "run")}, Run: n},
		Profile: profile, Store: n.dir + "/store", Nix: nix, NixEnv: path.Join(path.Dir(nix), "nix-env"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"current-system", "booted-system"} {
		if err := os.Symlink(built[1], filepath.Join(n.dir, "run", link)); err != nil {
			t.Fatal(err)
		}
	}

	gs, err := i.Generations(t.Context())
	if err != nil || len(gs) != 2 || gs[0].Number != 2 || gs[0].StorePath != built[1] || !gs[0].Default || !gs[0].Current || gs[1].Default || gs[1].Kernel != "6.18.1" || !gs[1].Complete() || gs[1].Date.IsZero() {
		t.Errorf("%+v, %v", gs, err)
	}
	d, err := i.Diff(t.Context(), "current", "1")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range d.Packages {
		lines = append(lines, p.String())
	}
	if got, want := strings.Join(lines, "; "), "acl: ∅ → ε; nixos-system-vulcan: 25.11.2 → 25.11.1; postgresql: 16.10 → 16.9, -3.8 MiB; zoxide: 0.9.8 → ∅"; got != want || d.PackagesUnknown != "" {
		t.Errorf("got  %s %s\nwant %s", got, d.PackagesUnknown, want)
	}
	if d.ClosureFrom < 4*1000*1000 || d.ClosureTo < 20000 || d.ClosureTo > host.MiB {
		t.Errorf("sizes %s and %s", d.ClosureFrom, d.ClosureTo)
	}

	// Commit's own two steps, on the real profile.
	w := &fakeWork{notes: map[string]string{}}
	p := bot.Plan{ID: "pln_TEST", Draft: bot.Draft{Bound: []bot.Fact{
		{Name: "target generation", Value: "1"}, {Name: "target system", Value: built[0]}, {Name: "running system", Value: built[1]},
		{Name: "profile's generation", Value: "2"}, {Name: "profile's system", Value: built[1]},
	}}}
	if err := os.Remove(filepath.Join(n.dir, "run", "current-system")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(built[0], filepath.Join(n.dir, "run", "current-system")); err != nil {
		t.Fatal(err)
	}
	rs, err := i.Rollback().Commit(t.Context(), p, w)
	if err != nil || rs[0].State != bot.OK || rs[0].Value != "generation 1" {
		t.Errorf("%+v, %v", rs, err)
	}
	if to, err := os.Readlink(profile); err != nil || to != "system-1-link" {
		t.Errorf("the profile points at %s, %v", to, err)
	}
	p.Draft.Bound[0].Value, p.Draft.Bound[1].Value = "7", built[0]
	if _, err := i.Rollback().Commit(t.Context(), p, w); err == nil || bot.ForPeople(err) != "The profile of vulcan could not be set to generation 7." {
		t.Errorf("a generation that is not there: %v", err)
	}
	fmt.Fprintln(t.Output(), strings.Join(lines, "\n"))
}

// withRun has another directory for /run, which a test may write.
type withRun struct {
	sys.Files
	run string
}

func (f withRun) Resolve(p string) (string, error) {
	if rest, ok := strings.CutPrefix(p, "/run/"); ok {
		p = path.Join(f.run, rest)
	}
	return f.Files.Resolve(p)
}
