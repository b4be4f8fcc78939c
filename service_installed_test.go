package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"watchstander/bot"
	"watchstander/bot/agent/api"
	"watchstander/bot/agent/client"
	"watchstander/bot/bottest/real"
	"watchstander/bot/journal"
)

// installed is a plain machine with a real systemd, on which somebody has installed
// Watchstander as the manual says: the sample units as they stand, the binary in
// /usr/local/bin, files below /etc/watchstander, the user by systemd-sysusers.
type installed struct {
	*testing.T
	*real.Systemd
	root   string // has its etc, bin and lib
	botUID int
	key    ed25519.PrivateKey // alice's, and its file in /etc/alice-key
	bot    api.Agent          // the agent, at the bot's socket, as the bot's user
}

// aliceUID is a person's user on the machine; 1001 is bob's.
const aliceUID = 1000

// installedAgent is the agent's file. What may be asked for wants a proof.
const installedAgent = `
version: 1
host: vulcan
bot_user: watchstander
people:
  - {name: alice, roles: [operator, approver], uid: [1000], ssh_keys: ["KEY"]}
policy:
  - name: guarded
    operations: [service.restart]
    risk: high
    requesters: [operator]
    approvers: {roles: [approver], requester_counts: true}
    step_up: [host, ssh]
services: {restart: [web-a, web-b, web-c], logs: [web-a]}
log: {level: debug}
`

type installation struct {
	agentFile string            // "" for installedAgent
	files     map[string]string // below /etc/watchstander, root's and secret
	start     []string          // what is enabled, beside the agent's sockets
	network   bool              // of this machine
}

func install(t *testing.T, x installation) *installed {
	t.Helper()
	if testing.Short() {
		t.Skip("a whole machine takes long")
	}
	if os.Geteuid() != 0 {
		real.Missing(t, "only root may make the namespaces in which a systemd can be tried")
	}
	sysusers := real.Require(t, "systemd-sysusers")
	real.Require(t, "nsenter")
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.MkdirTemp("", "ws-machine")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	m := &installed{T: t, root: root}
	m.must(os.Chmod(root, 0o755))
	for _, d := range []string{"etc", "bin", "lib", "tmp", "vartmp"} {
		m.must(os.Mkdir(filepath.Join(root, d), 0o755))
	}
	m.must(os.Chmod(filepath.Join(root, "tmp"), 0o1777))
	m.must(os.Chmod(filepath.Join(root, "vartmp"), 0o1777))
	m.exec("cp", "-a", "/etc/.", filepath.Join(root, "etc"))
	m.exec("cp", program, filepath.Join(root, "bin", "watchstander"))
	m.exec(sysusers, "--root="+root, mustAbs(t, unitsDir+"/watchstander.sysusers.conf"))
	m.botUID = m.user("watchstander")
	if _, err := os.Stat(filepath.Join(root, "etc", "machine-id")); errors.Is(err, os.ErrNotExist) {
		m.put("machine-id", strings.Repeat("0123456789abcdef", 2)+"\n", 0o444)
	}

	_, m.key, err = ed25519.GenerateKey(rand.Reader)
	m.must(err)
	block, err := ssh.MarshalPrivateKey(m.key, "")
	m.must(err)
	m.put("alice-key", string(pem.EncodeToMemory(block)), 0o600)
	m.must(os.Chown(filepath.Join(root, "etc", "alice-key"), aliceUID, aliceUID))
	if x.agentFile == "" {
		x.agentFile = installedAgent
	}
	m.agentFile(x.agentFile)
	for name, text := range x.files {
		m.put("watchstander/"+name, text, 0o600)
	}

	units := sampleUnits(t)
	for _, name := range []string{"sysinit", "basic", "sockets", "multi-user", "network-online", "shutdown"} {
		units[name+".target"] = "[Unit]\nDescription=A part of a plain machine\nDefaultDependencies=no\n"
	}
	for _, name := range []string{"web-a", "web-b", "web-c"} {
		units[name+".service"] = "[Unit]\nDescription=Something that serves\n[Service]\nExecStart=/bin/sleep 1000\n"
	}
	// Nobody keeps a journal here.
	for _, name := range []string{"watchstander", "watchstander-agent"} {
		units[name+".service.d/log.conf"] = "[Service]\nStandardError=append:/run/" + name + ".log\n"
	}
	m.Systemd = real.StartSystemdWith(t, real.SystemdOptions{
		Units: units, Start: append([]string{"watchstander-agent.socket", "watchstander-approve.socket", "web-a.service", "web-b.service", "web-c.service"}, x.start...),
		Mounts: []real.Mount{{Dir: root + "/etc", At: "/etc"}, {Dir: root + "/bin", At: "/usr/local/bin"}, {Dir: root + "/lib", At: "/var/lib"},
			{Dir: root + "/vartmp", At: "/var/tmp"}, {Dir: root + "/tmp", At: "/tmp"}},
		HostNetwork: x.network,
	})
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"watchstander", "watchstander-agent"} {
				text, _ := os.ReadFile(m.Path("/run/" + name + ".log"))
				t.Logf("the log of %s:\n%s", name, text[max(0, len(text)-16<<10):])
			}
		}
	})
	// Where NixOS has the running system's programs.
	m.must(os.MkdirAll(m.Path("/run/current-system/sw"), 0o755))
	m.must(os.Symlink("/usr/bin", m.Path("/run/current-system/sw/bin")))
	real.Eventually(t, 20*time.Second, "the machine has started", func() error {
		if s := m.show("watchstander-approve.socket", "ActiveState"); s != "active" {
			return errors.New("the socket for people is " + s)
		}
		return nil
	})
	m.bot = m.asBot()
	return m
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func (m *installed) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *installed) exec(argv ...string) {
	m.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		m.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, out)
	}
}

// put writes a file below /etc.
func (m *installed) put(name, text string, mode os.FileMode) {
	m.Helper()
	path := filepath.Join(m.root, "etc", name)
	m.must(os.MkdirAll(filepath.Dir(path), 0o755))
	m.must(os.WriteFile(path, []byte(text), mode))
	m.must(os.Chmod(path, mode))
}

func (m *installed) agentFile(text string) {
	m.Helper()
	public, err := ssh.NewPublicKey(m.key.Public())
	m.must(err)
	m.put("watchstander/agent.yaml", strings.ReplaceAll(text, "KEY", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))), 0o600)
}

// user is a user's number on the machine.
func (m *installed) user(name string) int {
	m.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, "etc", "passwd"))
	m.must(err)
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(line, ":"); f[0] == name {
			uid, err := strconv.Atoi(f[2])
			m.must(err)
			return uid
		}
	}
	m.Fatalf("the machine has no user %s", name)
	return -1
}

// systemctl must go through.
func (m *installed) systemctl(args ...string) string {
	m.Helper()
	out, err := m.Do(m.Context(), append([]string{"systemctl"}, args...)...)
	m.must(err)
	return out
}

func (m *installed) show(unit, property string) string {
	m.Helper()
	return m.systemctl("show", "--value", "-p", property, unit)
}

// is waits until a unit's property is as it should be.
func (m *installed) is(unit, property string, accept func(string) bool) (last string) {
	m.Helper()
	real.Eventually(m, 20*time.Second, property+" of "+unit, func() error {
		if last = m.show(unit, property); !accept(last) {
			return fmt.Errorf("it is %q", last)
		}
		return nil
	})
	return last
}

// isNot accepts what is another one, and there.
func isNot(old string) func(string) bool {
	return func(s string) bool { return s != old && s != "" && s != "0" }
}

func equals(want string) func(string) bool { return func(s string) bool { return s == want } }

// as runs watchstander on the machine as a user of it.
func (m *installed) as(uid int, args ...string) (string, error) {
	m.Helper()
	ctx, cancel := context.WithTimeout(m.Context(), 60*time.Second)
	defer cancel()
	return m.DoAs(ctx, uid, "", append([]string{"/usr/local/bin/watchstander"}, args...)...)
}

// asBot asks the agent as the bot's user does.
func (m *installed) asBot() api.Agent {
	m.Helper()
	path := filepath.Join(m.root, "as-bot.sock")
	l, err := net.Listen("unix", path)
	m.must(err)
	m.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			asked, err := l.Accept()
			if err != nil {
				return
			}
			conn, err := real.DialAs(m.botUID, m.Path("/run/watchstander-agent/agent.sock"))
			if err != nil {
				_ = asked.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{asked, conn}, {conn, asked}} {
				go func() {
					_, _ = io.Copy(way[0], way[1])
					_, _ = way[0].Close(), way[1].Close()
				}()
			}
		}
	}()
	c := client.New(path)
	m.Cleanup(c.Close)
	return c
}

// proposed is alice's wish for a restart, by way of the bot.
func (m *installed) proposed(unit string) bot.Proposal {
	m.Helper()
	p, err := m.bot.Propose(m.Context(), api.Propose{Key: bot.EffectKey("eff_" + rand.Text()), Operation: "service.restart",
		Arguments: bot.Arguments{"unit": {unit}}, Requester: "alice"})
	m.must(err)
	return p
}

// proposal is one as the agent has it, as soon as it answers.
func (m *installed) proposal(id bot.PlanID) bot.Proposal {
	m.Helper()
	return m.comesTo(id, "")
}

// comesTo waits until a proposal is in a state, "" for any.
func (m *installed) comesTo(id bot.PlanID, state bot.ProposalState) (found bot.Proposal) {
	m.Helper()
	real.Eventually(m, 40*time.Second, string(id)+" is "+string(state), func() error {
		all, _, err := everything(m.Context(), m.bot)
		if err != nil {
			return err
		}
		for _, p := range all {
			switch {
			case p.Plan.ID != id:
			case state != "" && p.State != state:
				return fmt.Errorf("it is %s: %s", p.State, p.Why)
			default:
				found = p
				return nil
			}
		}
		return errors.New("the agent has no such plan")
	})
	return found
}

// entries are the agent's journal so far, which must be whole.
func (m *installed) entries() []journal.Entry {
	m.Helper()
	f, err := os.Open(filepath.Join(m.root, "lib", "watchstander-agent", "journal"))
	m.must(err)
	defer f.Close()
	text, err := io.ReadAll(f)
	m.must(err)
	var out []journal.Entry
	for line := range strings.Lines(string(text)) {
		e, err := journal.Decode([]byte(strings.TrimSuffix(line, "\n")))
		m.must(err)
		out = append(out, e)
	}
	return out
}

// journaled are the entries of one kind about a plan.
func (m *installed) journaled(kind journal.Kind, id bot.PlanID) (out []journal.Entry) {
	m.Helper()
	for _, e := range m.entries() {
		if e.Kind == kind && e.Subject == string(id) {
			out = append(out, e)
		}
	}
	return out
}
