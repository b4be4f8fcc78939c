package nixos_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/sys"
	"watchstander/integrations/nixos"
)

// vulcan is a NixOS host with generations 39 to 42, of which 42 runs, was booted and
// is the profile's. Its switch-to-configuration does what nixpkgs' does to the links
// in /run, the profile and GRUB's menu; what it does to units is each test's matter.
type vulcan struct {
	files *fakeFiles
	units *fakeUnits
	// dry is what a system's dry run prints, and how it ends.
	dry map[string]outcome
	// test is what happens while a system is activated.
	test map[string]func() outcome
	// boot: how writing the menu ends.
	boot map[string]outcome
	// closures is what nix store diff-closures prints.
	closures string
	nixEnv   outcome
	programs map[string]func() outcome

	mu   sync.Mutex
	argv []string
	envs [][]string
}

type outcome struct {
	lines string
	exit  int
	// still: the links stay, nothing was activated.
	still bool
	err   error
}

const (
	profiles = "/nix/var/nix/profiles"
	menu     = "/boot/grub/grub.cfg"
)

func store(name string) string {
	return "/nix/store/" + strings.Repeat("0", 32-len(hash(name))) + hash(name) + "-" + name
}

// hash makes the middle of a store path: the name's letters that may stand there.
func hash(name string) string {
	out := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' && !strings.ContainsRune("eotu", r) {
			return r
		}
		return -1
	}, name)
	return out[max(0, len(out)-20):]
}

func toplevel(number int) string { return store(fmt.Sprintf("nixos-system-vulcan-25.11.%d", number)) }

func etc(number int) string { return store(fmt.Sprintf("etc-%d", number)) + "/etc" }

func newVulcan() *vulcan {
	v := &vulcan{files: newFiles(), units: &fakeUnits{all: map[string]sys.Unit{}}, dry: map[string]outcome{}, test: map[string]func() outcome{},
		boot: map[string]outcome{}, programs: map[string]func() outcome{}, closures: "linux: 6.18.16 → 6.18.17, -434.2 KiB\n"}
	for n := 39; n <= 42; n++ {
		v.generation(n)
	}
	v.files.link("/run/current-system", toplevel(42))
	v.files.link("/run/booted-system", toplevel(42))
	v.files.link(profiles+"/system", "system-42-link")
	v.files.link("/etc/static", toplevel(42)+"/etc")
	v.files.link("/etc/systemd/system", "/etc/static/systemd/system")
	v.files.file("/proc/sys/kernel/random/boot_id", "f3a1c9de-0000-4000-8000-000000000001\n")
	v.writeMenu(toplevel(42))
	v.units.set(service("nginx.service"), service("postgresql.service"), sys.Unit{Name: "dump.service", Load: "loaded", Active: "inactive", Sub: "dead", Result: "success", Type: "oneshot"})
	return v
}

// generation makes one with its system. All have the same kernel.
func (v *vulcan) generation(n int) {
	at := toplevel(n)
	f := v.files
	f.put(fmt.Sprintf("%s/system-%d-link", profiles, n), node{mode: fs.ModeSymlink, data: at, mtime: time.Date(2026, 3, n-38, 10, 0, 0, 0, time.UTC)})
	f.file(at+"/bin/switch-to-configuration", "#!/bin/sh -e\nexport OUT='"+at+"'\nexport INSTALL_BOOTLOADER='/nix/store/0123456789abcdfghijklmnpqrsvwxyz-install-grub.sh'\nexec x\n")
	f.file(at+"/activate", "#!/bin/sh\n")
	f.file(at+"/init", "#!/bin/sh\n")
	f.file(at+"/init-interface-version", "systemd 2")
	f.file(at+"/nixos-version", fmt.Sprintf("25.11.%d", n))
	f.file(at+"/kernel-params", "loglevel=4 quiet")
	v.kernel(n, "6.18.16")
	f.file(at+"/sw/bin/nixos-version", "#!/bin/sh\ncase \"$1\" in\n  --json)\n    cat <<EOF\n{\"configurationRevision\":\"c0ffee"+strconv.Itoa(n)+"\",\"nixosVersion\":\"25.11\"}\nEOF\n    ;;\nesac\n")
	f.link(at+"/etc", etc(n))
	f.file(etc(n)+"/systemd/system/nginx.service", "[Service]\n")
	v.mark(n, `{"version":1,"host":"vulcan","state_version":"25.05","loader":"grub","secrets":"rev-7","bot":{"version":"1.4.0","schema":9},"later":true}`)
}

func (v *vulcan) kernel(n int, version string) {
	at := toplevel(n)
	v.files.file(store("linux-"+version)+"/bzImage", "")
	v.files.file(store("initrd-"+version)+"/initrd", "")
	v.files.file(store("modules-"+version)+"/lib/modules/"+version+"/modules.dep", "")
	v.files.link(at+"/kernel", store("linux-"+version)+"/bzImage")
	v.files.link(at+"/initrd", store("initrd-"+version)+"/initrd")
	v.files.link(at+"/kernel-modules", store("modules-"+version))
}

func (v *vulcan) mark(n int, text string) {
	p := etc(n) + "/watchstander/host.json"
	if v.files.delete(p); text != "" {
		v.files.file(p, text)
	}
}

func (v *vulcan) writeMenu(system string) {
	v.files.file(menu, `
search --set=drive1 --fs-uuid 1234
if [ "${saved_entry}" ]; then
  set default="${saved_entry}"
else
  set default="0"
fi
menuentry "NixOS" --class nixos --unrestricted {
search --set=drive1 --fs-uuid 1234
  linux ($drive1)//kernels/x-bzImage init=`+system+`/init loglevel=4
  initrd ($drive1)//kernels/x-initrd
}
submenu "NixOS - All configurations" {
menuentry "NixOS - Configuration 1" {
  linux ($drive1)//kernels/x-bzImage init=/nix/store/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-nixos-old/init
}
}
`)
}

// Run is the host's programs.
func (v *vulcan) Run(_ context.Context, c sys.Command) (sys.Output, error) {
	v.mu.Lock()
	v.argv = append(v.argv, strings.Join(c.Argv, " "))
	v.envs = append(v.envs, c.Env)
	v.mu.Unlock()
	o := v.do(c.Argv)
	if c.Line != nil {
		for line := range strings.Lines(o.lines) {
			c.Line("stderr", strings.TrimSuffix(line, "\n"))
		}
	}
	return sys.Output{Stdout: []byte(o.lines), Exit: o.exit}, o.err
}

func (v *vulcan) do(argv []string) outcome {
	if f := v.programs[argv[0]]; f != nil {
		return f()
	}
	system, isSwitch := strings.CutSuffix(argv[0], "/bin/switch-to-configuration")
	switch {
	case isSwitch && argv[1] == "dry-activate":
		if o, ok := v.dry[system]; ok {
			return o
		}
		return outcome{lines: "would stop the following units: nginx.service\nwould activate the configuration...\nwould start the following units: nginx.service\n"}
	case isSwitch && argv[1] == "test":
		o := outcome{lines: "stopping the following units: nginx.service\nactivating the configuration...\nstarting the following units: nginx.service\n"}
		if f := v.test[system]; f != nil {
			o = f()
		}
		if !o.still {
			v.files.mu.Lock()
			v.files.link("/run/current-system", system)
			v.files.link("/etc/static", system+"/etc")
			v.files.mu.Unlock()
		}
		return o
	case isSwitch && argv[1] == "boot":
		o := v.boot[system]
		if o.exit == 0 && !o.still {
			v.files.mu.Lock()
			v.writeMenu(system)
			v.files.mu.Unlock()
		}
		return o
	case path.Base(argv[0]) == "nix-env":
		if v.nixEnv.exit == 0 && v.nixEnv.err == nil && !v.nixEnv.still {
			v.files.mu.Lock()
			v.files.link(profiles+"/system", "system-"+argv[len(argv)-1]+"-link")
			v.files.mu.Unlock()
		}
		return v.nixEnv
	case slices.Contains(argv, "diff-closures"):
		return outcome{lines: v.closures}
	case slices.Contains(argv, "--recursive"):
		return outcome{lines: v.valid(argv[len(argv)-1])}
	case slices.Contains(argv, "path-info"):
		return outcome{lines: argv[len(argv)-1] + "\t  2147483648\n"}
	}
	return outcome{err: fs.ErrNotExist}
}

// valid are all store paths but those that a build is still making; none where at is one.
func (v *vulcan) valid(at string) string {
	v.files.mu.Lock()
	defer v.files.mu.Unlock()
	found := map[string]bool{}
	for p := range v.files.nodes {
		if name, ok := strings.CutPrefix(p, "/nix/store/"); ok && !strings.Contains(name, ".chroot") {
			name, _, _ = strings.Cut(name, "/")
			found["/nix/store/"+name] = true
		}
	}
	if !found[at] {
		return ""
	}
	return strings.Join(slices.Sorted(maps.Keys(found)), "\n") + "\n"
}

// ran are the programs that changed something, in order.
func (v *vulcan) ran() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []string
	for _, a := range v.argv {
		if strings.HasSuffix(a, " test") || strings.HasSuffix(a, " boot") || strings.Contains(a, "nix-env") {
			for n := 39; n <= 42; n++ {
				a = strings.ReplaceAll(a, toplevel(n), strconv.Itoa(n))
			}
			out = append(out, strings.ReplaceAll(a, "/bin/switch-to-configuration", ""))
		}
	}
	return out
}

func (v *vulcan) options() nixos.Options {
	return nixos.Options{
		Host:      sys.Host{Name: "vulcan", Files: v.files, Run: v, Units: v.units},
		BuildLock: sys.Lock{Path: "/var/lock/build.lock", Format: sys.LockFlock},
		Busy:      []string{"restic-backups-b2.service"},
		Stateful:  []string{"postgresql"},
		Settle:    30 * time.Second,
	}
}

func (v *vulcan) integration(t testing.TB, change func(*nixos.Options)) *nixos.NixOS {
	t.Helper()
	o := v.options()
	if change != nil {
		change(&o)
	}
	n, err := nixos.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// current is the number of the generation that runs.
func (v *vulcan) current(t testing.TB) int {
	t.Helper()
	at, err := v.files.Resolve("/run/current-system")
	if err != nil {
		t.Fatal(err)
	}
	for n := 39; n <= 42; n++ {
		if at == toplevel(n) {
			return n
		}
	}
	return 0
}

func (v *vulcan) profile(t testing.TB) string {
	t.Helper()
	to, err := v.files.Readlink(profiles + "/system")
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func (v *vulcan) starts(t testing.TB) int {
	t.Helper()
	data, err := v.files.Read(menu, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for n := 39; n <= 42; n++ {
		if strings.Contains(string(data), "init="+toplevel(n)+"/init") {
			return n
		}
	}
	return 0
}

// operation is what a rollback and a deploy both are.
type operation interface {
	bot.Operation
	bot.Undoer
	bot.Committer
}

// plan parses and plans as the agent does.
func plan(t testing.TB, r operation, generation string) (bot.Plan, error) {
	t.Helper()
	args := bot.Arguments{}
	if generation != "" {
		args["generation"] = []string{generation}
	}
	args, err := r.Parse(t.Context(), args)
	if err != nil {
		return bot.Plan{}, err
	}
	d, err := r.Plan(t.Context(), args)
	return bot.Plan{ID: "pln_TEST", Host: "vulcan", Operation: r.Name(), Arguments: args, Draft: d}, err
}

// run takes a plan through to its end, as the worker does.
func run(t testing.TB, r operation, p bot.Plan) (state bot.ProposalState, evidence []bot.Reading, w *fakeWork, err error) {
	t.Helper()
	w = &fakeWork{notes: map[string]string{}}
	ctx := t.Context()
	fine := func(rs []bot.Reading) bool {
		return len(rs) > 0 && !slices.ContainsFunc(rs, func(r bot.Reading) bool { return r.State != bot.OK })
	}
	if err = r.Apply(ctx, p, w); err == nil {
		if evidence, err = r.Verify(ctx, p, w); err == nil && fine(evidence) {
			var read []bot.Reading
			// What cannot be read back is told, and no failure (bot.Committer).
			wrong := func(r bot.Reading) bool { return r.State == bot.NotOK }
			if read, err = r.Commit(ctx, p, w); err == nil && len(read) > 0 && !slices.ContainsFunc(read, wrong) {
				return bot.Done, append(evidence, read...), w, nil
			}
		}
	}
	back, undoErr := r.Undo(ctx, p, w)
	if undoErr == nil && fine(back) {
		return bot.Undone, append(evidence, back...), w, err
	}
	if err == nil {
		err = undoErr
	}
	return bot.UndoFailed, append(evidence, back...), w, err
}

// told is evidence as lines.
func told(rs []bot.Reading) string {
	var b strings.Builder
	for _, r := range rs {
		line := fmt.Sprintf("%s | %s | %s | %s\n", r.State, r.What, r.Value, r.Note)
		for n := 39; n <= 42; n++ {
			line = strings.ReplaceAll(line, toplevel(n), strconv.Itoa(n))
		}
		b.WriteString(line)
	}
	return b.String()
}
