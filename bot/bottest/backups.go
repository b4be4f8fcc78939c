package bottest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"watchstander/bot/bottest/real"
	"watchstander/bot/sys"
	"watchstander/bot/sys/simulated"
)

// backups is the agent's file of a story with backups: two repositories of the same
// data, with small budgets.
const backups = `
version: 1
host: vulcan
bot_uid: 991
people:
  - {name: alice, roles: [operator, approver], uid: [1001]}
  - {name: bob, roles: [operator, approver], uid: [1002]}
  - {name: carol, roles: [approver], uid: [1003]}
policy:
  - {name: verify, operations: [backup.verify], risk: low, requesters: [operator], approvers: {roles: [operator]}, valid_for: 12h}
  - {name: run, operations: [backup.run], risk: low, requesters: [operator], approvers: {roles: [operator], requester_counts: true}}
backup:
  program: /usr/bin/restic
  scratch: /tmp
  repositories:
    - {name: disk, repository: /tank/backups/disk, password_file: /run/secrets/restic, medium: tank, unit: restic-backups-tank.service}
    - {name: b2, repository: /tank/backups/b2, password_file: /run/secrets/restic, medium: backblaze, offsite: true, unit: restic-backups-home.service}
  datasets:
    - {name: home, paths: [/home], medium: rpool}
  check: {parts: 1, time: 1h, lock_wait: 1m}
  drill: {files: 5, bytes: 16MiB, time: 30m}
services: {logs: [restic-backups-home.service]}
`

const resticPassword = "correct horse of the backups"

// restic is the true program as the simulated host has it. While it runs, the
// story's time stands still, since its goroutine waits for no other one; a story
// can have it take its time.
//
// The host's tree is not the program's root (simulated.Options.Real says what that
// comes to). What is backed up is named from the root on, without a slash, by which
// restic stores it under the host's own path; of its arguments only those that name
// files of the host become this machine's.
type restic struct {
	s       *stage
	program string

	mu    sync.Mutex
	takes map[string]time.Duration // by command
	fails map[string]string        // what it says instead of doing anything
	idle  bool                     // the units that back up do nothing, and end well
}

// emptyRepository is made once, outside of any story's time.
var emptyRepository = sync.OnceValues(func() (fs.FS, error) {
	program, err := real.Find("restic")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "stories-restic-")
	if err != nil {
		return nil, err
	}
	made := fstest.MapFS{}
	err = real.MakeRepository(program, filepath.Join(dir, "repository"), resticPassword)
	if err == nil {
		from := os.DirFS(filepath.Join(dir, "repository"))
		err = fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || name == "." {
				return err
			}
			if d.IsDir() {
				made[name] = &fstest.MapFile{Mode: fs.ModeDir | 0o700}
				return nil
			}
			data, err := fs.ReadFile(from, name)
			made[name] = &fstest.MapFile{Data: data, Mode: 0o600}
			return err
		})
	}
	return made, errors.Join(err, os.RemoveAll(dir))
})

// stock gives the host data, a restic, and repositories with a backup of six hours
// ago.
func (s *stage) stock() {
	program, err := real.Find("restic")
	s.must(err)
	s.restic = &restic{s: s, program: program, takes: map[string]time.Duration{}, fails: map[string]string{}}
	s.must(s.sim.Program(s.config.Backup.Program, s.restic.call))
	s.must(s.sim.PutFile("/run/secrets/restic", resticPassword+"\n"))
	for _, f := range []string{"letter", "photo", "taxes", "todo"} {
		s.must(s.sim.PutFile("/home/alice/"+f+".txt", strings.Repeat("the "+f+" of alice\n", 1000)))
	}
	empty, err := emptyRepository()
	s.must(err)
	for _, r := range s.config.Backup.Repositories {
		s.must(os.CopyFS(s.sim.Outside(r.Location), empty))
		_, err := s.restic.backUp(r.Location, time.Now().Add(-6*time.Hour))
		s.must(err)
	}
}

// backUp does what the units of the host do, and gives what restic says.
func (r *restic) backUp(location string, at time.Time) (string, error) {
	out, err := sys.Programs{}.Run(context.Background(), sys.Command{
		Argv: []string{r.program, "backup", "--no-cache", "--host=vulcan", "--time=" + at.UTC().Format(time.DateTime), "home"},
		Env:  []string{"TZ=UTC", "RESTIC_REPOSITORY=" + r.s.sim.Outside(location), "RESTIC_PASSWORD=" + resticPassword},
		Dir:  r.s.sim.Outside("/"),
	})
	if err == nil && out.Exit != 0 {
		err = fmt.Errorf("restic backup ended with %d: %s", out.Exit, out.Stderr)
	}
	return string(out.Stdout), err
}

// call is restic, called on the host.
func (r *restic) call(ctx context.Context, c *simulated.Call) int {
	command := c.Argv[1]
	r.mu.Lock()
	takes, fails := r.takes[command], r.fails[command]
	r.mu.Unlock()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return 130
		}
	}
	if fails != "" {
		fmt.Fprintln(c.Stderr, fails)
		return 1
	}
	run := sys.Command{Argv: []string{r.program}, Dir: r.s.sim.Outside("/")}
	for _, a := range c.Argv[1:] {
		name, value, _ := strings.Cut(a, "=")
		switch name {
		case "--password-file", "--target", "--cache-dir":
			a = name + "=" + r.inward(value)
		}
		run.Argv = append(run.Argv, a)
	}
	for _, v := range c.Env {
		name, value, _ := strings.Cut(v, "=")
		run.Env = append(run.Env, name+"="+r.inward(value))
	}
	var said bytes.Buffer
	run.Stdout = &said
	out, err := sys.Programs{Grace: time.Second}.Run(ctx, run)
	stdout := said.String()
	if command != "dump" { // which gives a file's content
		stdout = r.outward(stdout)
	}
	fmt.Fprint(c.Stdout, stdout)
	fmt.Fprint(c.Stderr, r.outward(string(out.Stderr)))
	if err != nil {
		return 130
	}
	return out.Exit
}

// inward is a path of the host as this machine has it. The agent's own directory
// is this machine's already.
func (r *restic) inward(p string) string {
	sim := r.s.sim
	for _, known := range []string{p, path.Dir(p)} {
		if _, err := os.Stat(sim.Outside(known)); err == nil && path.IsAbs(p) && known != "/" {
			return sim.Outside(p)
		}
	}
	return p
}

func (r *restic) outward(text string) string {
	return strings.ReplaceAll(text, strings.TrimSuffix(r.s.sim.Outside("/"), "/")+"/", "/")
}

// backingUp are the host's units, of which those of the repositories make backups
// when they are started.
type backingUp struct {
	sys.Units
	r *restic
}

func (b backingUp) Start(ctx context.Context, name string) error {
	if err := b.Units.Start(ctx, name); err != nil {
		return err
	}
	b.r.mu.Lock()
	idle := b.r.idle
	b.r.mu.Unlock()
	for _, repo := range b.r.s.config.Backup.Repositories {
		if repo.Unit != name || idle {
			continue
		}
		time.Sleep(time.Second) // restic takes whole seconds for a snapshot's time
		said, err := b.r.backUp(repo.Location, time.Now())
		for line := range strings.Lines(b.r.outward(said)) {
			b.r.s.sim.Log(name, "%s", strings.TrimSpace(line))
		}
		if err != nil {
			b.r.s.sim.Fail(name, "exit-code")
			return &sys.JobError{Unit: name, Result: "failed"}
		}
	}
	return nil
}

const usageBackups = "backups restic COMMAND takes 40m|restic COMMAND fails TEXT|restic COMMAND fine|NAME damaged|NAME gone|units do-nothing"

// stepBackups is what happens to the backups of vulcan.
func (p *player) stepBackups(l line) error {
	if p.stage == nil || p.stage.restic == nil {
		return errors.New("vulcan has no backups in this story")
	}
	r := p.stage.restic
	r.mu.Lock()
	defer r.mu.Unlock()
	switch what := l.words[1]; what {
	case "units":
		r.idle = true
	case "restic":
		command := l.words[2]
		delete(r.takes, command)
		delete(r.fails, command)
		switch l.words[3] {
		case "takes":
			d, err := time.ParseDuration(l.words[4])
			r.takes[command] = d
			return err
		case "fails":
			r.fails[command] = l.rest(4)
		}
	default:
		for _, repo := range p.stage.config.Backup.Repositories {
			if repo.Name == what {
				return spoil(p.stage.sim.Outside(repo.Location), l.words[2])
			}
		}
		return fmt.Errorf("there is no repository %q", what)
	}
	return nil
}

// spoil breaks a repository: each of its packs has rotted in the middle, or all of
// it is gone.
func spoil(dir, how string) error {
	if how == "gone" {
		return os.Rename(dir, dir+"-gone")
	}
	packs, err := filepath.Glob(filepath.Join(dir, "data", "*", "*"))
	if err != nil || len(packs) == 0 {
		return fmt.Errorf("%s has no packs", dir)
	}
	for _, pack := range packs {
		b, err := os.ReadFile(pack)
		if err != nil {
			return err
		}
		for i := range min(16, len(b)/2) {
			b[len(b)/2+i] ^= 0xff
		}
		if err := errors.Join(os.Chmod(pack, 0o600), os.WriteFile(pack, b, 0o600)); err != nil {
			return err
		}
	}
	return nil
}
