package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"watchstander/bot/bottest/real"
	"watchstander/bot/config"
	"watchstander/bot/journal"
)

// privileged is the real program as the agent of this machine, told about by
// systemd's own protocol. It plans nothing that this machine has.
type privileged struct {
	*testing.T
	dir, file string
	program   string
	notices   *net.UnixConn
	cmd       *exec.Cmd
	log       bytes.Buffer
	ended     chan error
}

const privilegedFile = `
version: 1
host: vulcan
bot_uid: 991
state: DIR/state
socket: DIR/agent.sock
human_socket: DIR/approve.sock
people:
  - {name: alice, roles: [operator, approver], uid: [1000], totp_seed_file: DIR/seed}
policy:
  - name: restart
    operations: [service.restart]
    risk: low
    requesters: [operator]
    approvers: {roles: [approver], requester_counts: true}
services: {restart: [nginx.service]}
`

func startPrivileged(t *testing.T) *privileged {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the agent and its file belong to root")
	}
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "ws") // a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &privileged{T: t, dir: dir, file: filepath.Join(dir, "agent.yaml"), program: program, ended: make(chan error, 1)}
	p.write("seed", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n") // made up
	p.write("agent.yaml", privilegedFile)
	p.notices, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: filepath.Join(dir, "notify")})
	p.must(err)
	t.Cleanup(func() { _ = p.notices.Close() })
	p.cmd = exec.Command(program, "agent", "--config", p.file)
	p.cmd.Env = []string{"NOTIFY_SOCKET=" + filepath.Join(dir, "notify"), "WATCHDOG_USEC=400000"}
	p.cmd.Stderr = &p.log
	p.must(p.cmd.Start())
	go func() { p.ended <- p.cmd.Wait() }()
	stop := sync.OnceFunc(func() { _ = p.cmd.Process.Kill(); <-p.ended })
	t.Cleanup(stop)
	p.hears("READY=1")
	return p
}

func (p *privileged) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatalf("%v\n%s", err, p.log.String())
	}
}

func (p *privileged) write(name, text string) {
	p.Helper()
	p.must(os.WriteFile(filepath.Join(p.dir, name), []byte(strings.ReplaceAll(text, "DIR", p.dir)), 0o600))
}

// hears waits for what the program tells systemd.
func (p *privileged) hears(want string) string {
	p.Helper()
	b := make([]byte, 8192)
	p.must(p.notices.SetReadDeadline(time.Now().Add(30 * time.Second)))
	for {
		n, err := p.notices.Read(b)
		p.must(err)
		if said := string(b[:n]); strings.Contains(said, want) {
			return said
		}
	}
}

func (p *privileged) other(args ...string) (string, error) {
	out, err := exec.Command(p.program, args...).CombinedOutput()
	return string(out), err
}

// entries are the journal's so far. The agent holds it meanwhile.
func (p *privileged) entries(kind journal.Kind) (out []journal.Entry) {
	p.Helper()
	b, err := os.ReadFile(filepath.Join(p.dir, "state", "journal"))
	p.must(err)
	for line := range bytes.Lines(b) {
		e, err := journal.Decode(bytes.TrimSuffix(line, []byte("\n")))
		p.must(err)
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

func TestTheAgentAsAProgram(t *testing.T) {
	t.Parallel()
	p := startPrivileged(t)
	p.hears("WATCHDOG=1")
	said, err := p.other("approve", "--socket", filepath.Join(p.dir, "approve.sock"))
	if err != nil || !strings.Contains(said, "Nothing waits") {
		t.Errorf("%s, %v", said, err)
	}
	said, err = p.other("approve", "--socket", filepath.Join(p.dir, "agent.sock"))
	if err == nil || !strings.Contains(said, "not for you") { // root is not the bot
		t.Errorf("%s, %v", said, err)
	}
	said, err = p.other("agent", "--config", p.file) // one agent at a time
	if err == nil || !strings.Contains(said, "Another program") {
		t.Errorf("%s, %v", said, err)
	}
	said, err = p.other("agent", "perform", "--config", p.file, "--state", filepath.Join(p.dir, "state"), "--", "pln_NOTHING")
	if err == nil || !strings.Contains(said, "there is no order for pln_NOTHING") {
		t.Errorf("%s, %v", said, err)
	}

	// People and policy are taken up while it runs; all else, and faults, are not.
	p.write("agent.yaml", strings.Replace(privilegedFile, "name: restart", "name: restarts", 1))
	p.must(p.cmd.Process.Signal(syscall.SIGHUP))
	p.hears("RELOADING=1")
	if status := p.hears("STATUS="); status != "STATUS=" {
		t.Errorf("%s", status)
	}
	p.hears("READY=1")
	if e := p.entries(journal.KindConfig); len(e) != 2 || e[1].Fields[journal.FieldDigest] == e[0].Fields[journal.FieldDigest] || e[0].Fields["source"] != p.file {
		t.Errorf("%+v", e)
	}
	for want, text := range map[string]string{
		"need a restart, and nothing counts before it: human_socket, services": strings.NewReplacer("approve.sock", "a.sock", "nginx", "caddy").Replace(privilegedFile),
		"there is no operation": strings.Replace(privilegedFile, "service.restart", "service.start", 1),
	} {
		p.write("agent.yaml", text)
		p.must(p.cmd.Process.Signal(syscall.SIGHUP))
		if status := p.hears("STATUS="); !strings.Contains(status, want) {
			t.Errorf("%s", status)
		}
		p.hears("READY=1")
	}
	if n := len(p.entries(journal.KindConfig)); n != 2 {
		t.Errorf("%d entries", n)
	}

	p.must(p.cmd.Process.Signal(syscall.SIGTERM))
	p.hears("STOPPING=1")
	err = <-p.ended
	p.ended <- err
	if err != nil {
		t.Errorf("%v\n%s", err, p.log.String())
	}
	if strings.Contains(p.log.String(), "JBSWY3DP") {
		t.Error("the log holds a seed")
	}
	for _, s := range []string{"agent.sock", "approve.sock"} {
		if _, err := os.Lstat(filepath.Join(p.dir, s)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", s, err)
		}
	}
}

// What the redactor knows of the files that the agent's file names.
func TestAgentRules(t *testing.T) {
	dir := t.TempDir()
	password, environment, far, near, other := filepath.Join(dir, "password"), filepath.Join(dir, "env"), filepath.Join(dir, "far"), filepath.Join(dir, "near"), filepath.Join(dir, "other")
	for file, text := range map[string]string{
		password:    "a long passphrase\n",
		far:         "rest:https://vulcan:b1rd%2Fh0use@backup.example:8000/vulcan\n",
		near:        "/tank/backup\n",
		other:       "RESTIC_REPOSITORY=\"rest:https://vulcan:w1nd0w-b0x@other.example/\"\n",
		environment: "# B2_ACCOUNT_KEY=notthisone\nB2_ACCOUNT_KEY=\"K0035zzzzzzzz\"\nRESTIC_REPOSITORY=b2:bucket:vulcan\nRESTIC_PASSWORD=short\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := &config.Agent{Backup: &config.Backup{Repositories: []config.Repository{{Name: "b2", PasswordFile: password, EnvironmentFile: environment}, {Name: "gone", PasswordFile: dir + "/gone"},
		{Name: "far", LocationFile: far}, {Name: "near", LocationFile: near}, {Name: "other", EnvironmentFile: other}}}}
	rules, err := agentRules(c, true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := rules.Redact("open b2:bucket:vulcan with a long passphrase, K0035zzzzzzzz, short, notthisone")
	if got != "open b2:bucket:vulcan with [redacted: repository-b2], [redacted: repository-b2-b2-account-key], short, notthisone" {
		t.Errorf("%s", got)
	}
	got, _ = rules.Redact("b1rd%2Fh0use or b1rd/h0use for backup.example, w1nd0w-b0x for other.example, none for /tank/backup")
	if got != "[redacted: repository-far-location-2] or [redacted: repository-far-location-3] for backup.example, [redacted: repository-other-location-2] for other.example, none for /tank/backup" {
		t.Errorf("%s", got)
	}
}

// The errand of the real program asks a real repository and puts down what it says,
// in nothing but the agent's state; one that does not answer is no failure of the
// unit.
func TestAgentAsksBackups(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the agent's file belongs to root")
	}
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	all := real.Restics(t)
	restic := all[slices.Sorted(maps.Keys(all))[0]]
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("password", "correct horse battery\n")
	write("agent.yaml", strings.NewReplacer("DIR", dir, "RESTIC", restic).Replace(privilegedFile+`
backup:
  program: RESTIC
  ask: {time: 10s}
  repositories:
    - {name: good, repository: DIR/good, password_file: DIR/password, limit_download: 10MiB}
    - {name: gone, repository: DIR/gone, password_file: DIR/password}
`))
	write("seed", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n")
	for _, args := range [][]string{{"init"}, {"backup", "--host=vulcan", "--", filepath.Join(dir, "seed")}} {
		cmd := exec.Command(restic, args...)
		cmd.Env = []string{"RESTIC_REPOSITORY=" + dir + "/good", "RESTIC_PASSWORD_FILE=" + dir + "/password", "RESTIC_CACHE_DIR=" + dir + "/cache"}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	file, err := os.ReadFile(filepath.Join(dir, "agent.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func() ([]byte, error) {
		return exec.Command(program, "agent", "ask-backups", "--config", filepath.Join(dir, "agent.yaml"), "--state", filepath.Join(dir, "state"),
			"--digest", fmt.Sprintf("%x", sha256.Sum256(file))).CombinedOutput()
	}
	// "good" is somewhere else by now, of which the agent does not know yet.
	write("agent.yaml", strings.Replace(string(file), dir+"/good", dir+"/other", 1))
	out, err := ask()
	if failed, ok := errors.AsType[*exec.ExitError](err); !ok || failed.ExitCode() != int(exitAnotherFile) || !strings.Contains(string(out), "was changed since the agent read it") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "state", "backup", "facts")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was asked by another file: %v", err)
	}
	write("agent.yaml", string(file))
	out, err = ask()
	if err != nil || !strings.Contains(string(out), "gone: there is no repository at its place") || strings.Contains(string(out), "horse") {
		t.Errorf("%v\n%s", err, out)
	}
	facts := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, "state", "backup", "facts", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if good := facts("good"); !strings.Contains(good, `"host":"vulcan"`) || strings.Contains(good, "fault") {
		t.Error(good)
	}
	if gone := facts("gone"); !strings.Contains(gone, `"state":"not ok"`) {
		t.Error(gone)
	}
}
