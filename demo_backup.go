package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"watchstander/bot/sys"
	simhost "watchstander/bot/sys/simulated"
)

// What the demo's agent file says of the repository.
const (
	demoRestic     = "/demo/restic"
	demoRepository = "/tank/backups/restic"
	demoPassword   = "/run/secrets/restic-local"
	demoBackupUnit = "restic-backups-home.service"
)

// noRestic says what is missing, and how to get it.
const noRestic = `restic is not installed here, so there is no backup to verify. To see that too:
apt-get install restic, or nix-shell -p restic.`

// errNoRestic: the demo goes on without.
var errNoRestic = errors.New("there is no restic on this machine")

// findRestic is this machine's, or the one that tools/get-real has built.
func findRestic() (string, error) {
	if runtime.GOOS != "linux" {
		return "", errNoRestic // bot/sys runs programs there alone
	}
	if path, err := exec.LookPath("restic"); err == nil {
		return filepath.Abs(path)
	}
	if cache, err := os.UserCacheDir(); err == nil {
		if path, err := exec.LookPath(filepath.Join(cache, "watchstander", "bin", "restic")); err == nil {
			return path, nil
		}
	}
	return "", errNoRestic
}

// backUp gives the host files, and makes a real repository of them with this
// machine's restic. Without one the error is errNoRestic, and the host has none
// either.
func (o *demoOperated) backUp(ctx context.Context) error {
	restic, err := findRestic()
	if err != nil {
		return err
	}
	for path, content := range demoFiles() {
		if err := o.put(path, content); err != nil {
			return err
		}
	}
	if err := o.put(demoPassword, []byte("only for the demo\n")); err != nil {
		return err
	}
	root, err := filepath.EvalSymlinks(o.sim.Outside("/"))
	if err != nil {
		return err
	}
	if err := o.sim.Program(demoRestic, translated(restic, root)); err != nil {
		return err
	}
	run := func(ctx context.Context, args ...string) error {
		argv := append([]string{restic}, args...)
		argv = append(argv, "--quiet", "--no-cache", "--password-file="+filepath.Join(root, demoPassword))
		out, err := sys.Programs{}.Run(ctx, sys.Command{Argv: argv, Dir: root, Env: []string{"RESTIC_REPOSITORY=" + filepath.Join(root, demoRepository)}, Limit: time.Minute})
		if err == nil && out.Exit != 0 {
			err = fmt.Errorf("restic %s ended with %d: %s", args[0], out.Exit, out.Stderr)
		}
		return err
	}
	// Relative paths: the snapshot then holds the host's, without where its tree is.
	backup := func(ctx context.Context) error {
		return run(ctx, "backup", "--host="+o.sim.Name(), "home", "var/backup")
	}
	if err := run(ctx, "init"); err != nil {
		return err
	}
	o.sim.Works(demoBackupUnit, backup)
	return backup(ctx)
}

// demoFiles are the host's, and the same at every visit.
func demoFiles() map[string][]byte {
	out := map[string][]byte{}
	r := rand.NewChaCha8([32]byte{1})
	file := func(size int, format string, args ...any) {
		b := make([]byte, size)
		_, _ = r.Read(b) // it never fails
		out[fmt.Sprintf(format, args...)] = b
	}
	for i := range 24 {
		file(3_000+i*900, "/home/alice/notes/%02d.md", i+1)
		file(90_000+i*7_000, "/home/alice/photos/2026-11/%04d.jpg", i+1)
	}
	for _, name := range []string{"app", "grafana", "keycloak"} {
		file(600_000, "/var/backup/postgresql/%s.sql.gz", name)
	}
	return out
}

// translated is this machine's restic as a program of the simulated host, whose
// files are below root: the paths in its options and in its repository's location
// are the host's, and so are those that it says. Paths in snapshots are the host's
// by themselves.
func translated(restic, root string) simhost.Program {
	return func(ctx context.Context, c *simhost.Call) int {
		inside := func(path string) string {
			for _, p := range []string{path, filepath.Dir(path)} {
				if _, err := c.Host.Files.Stat(p); err == nil && p != "/" {
					return filepath.Join(root, path)
				}
			}
			return path // the agent's own, which is outside
		}
		assigned := func(words []string, names ...string) []string {
			words = slices.Clone(words)
			for i, w := range words {
				if name, path, ok := strings.Cut(w, "="); ok && slices.Contains(names, name) {
					words[i] = name + "=" + inside(path)
				}
			}
			return words
		}
		run := sys.Command{
			Argv: append([]string{restic}, assigned(c.Argv[1:], "--target", "--cache-dir", "--password-file")...),
			Env:  assigned(c.Env, "RESTIC_REPOSITORY"), Dir: root, Most: 16 << 20,
		}
		if len(c.Argv) > 1 && c.Argv[1] == "dump" {
			run.Stdout = c.Stdout // the content of a file, which stays as it is
		}
		out, err := sys.Programs{}.Run(ctx, run)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return 127
		case err != nil || out.Cut:
			fmt.Fprintln(c.Stderr, "restic could not be run to its end:", err)
			return 1
		}
		for to, said := range map[io.Writer][]byte{c.Stdout: out.Stdout, c.Stderr: out.Stderr} {
			if _, err := to.Write(bytes.ReplaceAll(said, []byte(root+"/"), []byte("/"))); err != nil {
				return 1
			}
		}
		return out.Exit
	}
}
