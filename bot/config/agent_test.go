package config_test

import (
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/gate"
)

// The keys of these tests were made with ssh-keygen, and nobody has kept their
// other halves.
const (
	aliceKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDOl0tWfadcYrn3HOJw4/Rs87Tbamj+Cx9iiGFqh2H+G alice"
	bobKey   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHjuy4Y6Y+vimXazbhdyrB1VMA+wkwVvaCMnn9o34NqE bob"
)

// soundAgent are the sections of an agent's file without faults and warnings.
var soundAgent = []struct{ key, text string }{
	{"version", `version: 1`},
	{"host", `host: vulcan`},
	{"bot_u", `bot_uid: 991`},
	{"people", `people: [{name: alice, roles: [operator, approver], uid: [1000]}, {name: bob, roles: [approver], uid: [1001]}]`},
	{"policy", `policy: [{name: arc, operations: [zfs.arc.set], risk: low, requesters: [operator], approvers: {roles: [approver]}}]`},
}

// wholeAgent is whole for the agent's file.
func wholeAgent(text string) []byte {
	if text == "" || strings.HasPrefix(text, "# whole\n") {
		return []byte(text)
	}
	for _, s := range soundAgent {
		if !regexp.MustCompile(`(?m)^` + s.key).MatchString(text) {
			text += s.text + "\n"
		}
	}
	return []byte(text)
}

// operations are those that the tests' agent has.
var operations = []gate.Known{
	{Name: "zfs.arc.set", Arguments: []string{"max", "min"}},
	{Name: "nixos.rollback", Arguments: []string{"generation"}},
	{Name: "service.restart", Arguments: []string{"unit"}},
	{Name: "backup.run", Arguments: []string{"repository"}},
	{Name: "backup.verify", Arguments: []string{"repository"}},
}

func parseAgent(t *testing.T, text string) *config.Agent {
	t.Helper()
	a, err := config.ParseAgent(wholeAgent(text), config.AgentOptions{Operations: operations})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAgentFaultyFiles(t *testing.T) {
	cases := 0
	eachArchiveOf(t, "testdata/agent/faulty/*.txtar", ".faults", wholeAgent, func(t *testing.T, data []byte) string {
		cases++
		var warnings config.Faults
		a, err := config.ParseAgent(data, config.AgentOptions{File: "f", Operations: operations, Warn: func(w config.Faults) { warnings = w }})
		var faults config.Faults
		if !errors.As(err, &faults) || len(faults) == 0 || a != nil {
			t.Errorf("got %v, %T %v", a, err, err)
			return ""
		}
		if strings.Contains(err.Error()+warnings.Error(), "hunter2") {
			t.Error("a secret is told")
		}
		return faults.Error() + "\n"
	})
	if cases < 35 {
		t.Errorf("%d cases", cases)
	}
}

func TestAgentWarnings(t *testing.T) {
	eachArchiveOf(t, "testdata/agent/warnings.txtar", ".warnings", wholeAgent, func(t *testing.T, data []byte) string {
		a, err := config.ParseAgent(data, config.AgentOptions{File: "f", Operations: operations})
		if err != nil {
			t.Error(err)
			return ""
		}
		return strings.TrimPrefix(config.Faults(a.Warnings).Error()+"\n", "\n")
	})
}

func TestAgentDefaults(t *testing.T) {
	a := parseAgent(t, "nixos: {}\nzfs: {}\nbackup: {repositories: [{name: local, repository: /backup, password_file: /p}]}\nzone: Europe/Berlin\nstanding: []\n")
	if len(a.Warnings) > 0 {
		t.Error(config.Faults(a.Warnings))
	}
	if a.Host != "vulcan" || a.Socket != "/run/watchstander-agent/agent.sock" || a.HumanSocket != "/run/watchstander-agent/approve.sock" || a.State != "/var/lib/watchstander-agent" || a.BotUID != 991 {
		t.Errorf("%+v", a)
	}
	r := a.Policy.Rules[0]
	if !slices.Equal(r.Hosts, []string{"vulcan"}) || r.Rule.Count != 1 || r.Rule.ApproveWithin != 1800 || r.Rule.ValidFor != 7200 || r.Rule.Queue || r.Rule.RequesterCounts || len(r.Rule.StepUp) > 0 || r.Arguments != nil {
		t.Errorf("%+v", r)
	}
	if n := a.NixOS; n.KeepGenerations != 3 || n.Settle != time.Minute || n.BuildLock != nil || n.Loader != "" {
		t.Errorf("%+v", n)
	}
	if z := a.ZFS; !reflect.DeepEqual(*z, config.ZFS{CapacityUsed: 80, QuotaUsed: 90, ScrubWithin: 35 * 24 * time.Hour}) {
		t.Errorf("%+v", z)
	}
	if b := a.Backup; b.Drill != (config.Drill{40, 2 << 30, 30 * time.Minute}) || b.Check != (config.RepositoryCheck{12, 4 * time.Hour, 5 * time.Minute}) ||
		b.Repositories[0].Medium != "local" || b.Repositories[0].MaxAge != 26*time.Hour {
		t.Errorf("%+v", b)
	}
	if _, err := a.Policy.Find("zfs.arc.set", "vulcan", nil, a.People[0].Person); err != nil {
		t.Error(err)
	}
	if _, err := a.Policy.Find("zfs.arc.set", "vulcan2", nil, a.People[0].Person); err == nil {
		t.Error("a rule without hosts is for this one")
	}
	a, err := config.ParseAgent(wholeAgent(""), config.AgentOptions{})
	if err == nil || a != nil {
		t.Error("an empty file is a fault")
	}
	a, err = config.ParseAgent(wholeAgent("bot_user: watchstander\n"), config.AgentOptions{Getenv: env("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")})
	if err != nil || a.State != "/var/lib/a" || a.BotUID != -1 {
		t.Error(a, err)
	}
}

// agentDir is a folder with an agent's file and its secrets, all of this user.
func agentDir(t *testing.T, text string, secrets map[string]string) (path string, o config.AgentOptions) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "agent.yaml")
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("agent.yaml", strings.NewReplacer("$DIR", dir, "$BASE", filepath.Base(dir)).Replace(text), 0o600)
	for name, value := range secrets {
		if folder, ok := strings.CutSuffix(name, "/."); ok {
			if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		write(name, value, 0o400)
	}
	trustState := func(path string) error { return config.TrustedState(path, os.Getuid()) }
	trustPrograms := func(path string) error { return config.TrustedPrograms(path, os.Getuid()) }
	return path, config.AgentOptions{Trust: config.TrustedOf(os.Getuid()), TrustState: trustState, TrustPrograms: trustPrograms, LookUp: func(name string) (int, error) {
		if name == "watchstander" {
			return 991, nil
		}
		return 0, errors.New("no such user")
	}}
}

// seed is a seed of so many bytes, another one for each n.
func seed(bytes, n int) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(strings.Repeat(string(rune('a'+n)), bytes)))
}

// zeros is one key of HMAC, written with so many zeros at its end.
func zeros(n int) string {
	return base32.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 20) + strings.Repeat("\x00", n)))
}

func TestLoadAgent(t *testing.T) {
	text := string(wholeAgent("bot_user: watchstander\npeople: [{name: alice, roles: [operator, approver], totp_seed_file: a}, {name: bob, roles: [approver], totp_seed_file: $DIR/b, ssh_keys: [\"" + bobKey + "\"]}]\n"))
	path, o := agentDir(t, text, map[string]string{"a": seed(20, 0) + "\n", "b": strings.ToLower(seed(16, 1))})
	a, err := config.LoadAgent(path, o)
	if err != nil {
		t.Fatal(err)
	}
	if a.BotUID != 991 || len(a.Digest) != 64 || a.File != path {
		t.Errorf("%+v", a)
	}
	alice, _ := a.Person("alice")
	bob, _ := a.Person("bob")
	if got, err := alice.Seed.Read(); err != nil || got != seed(20, 0) {
		t.Error(got, err)
	}
	if fmt.Sprint(alice.Proofs(), bob.Proofs()) != "[totp] [totp ssh]" || !bob.Has("approver") {
		t.Error(alice.Proofs(), bob.Proofs())
	}
	if _, ok := a.Person(""); ok {
		t.Error("nobody is somebody")
	}
}

// TestLockOfOthers: where anybody may make the builds' lock, that is said, and no fault.
func TestLockOfOthers(t *testing.T) {
	for _, x := range []struct {
		name, lock string
		mode       os.FileMode
		want       string // "" for no warning
	}{
		{"root's alone", "/nixos-build.lock", 0o700, ""},
		{"a directory that is not there", "$DIR/none/lock", 0o700, ""},
		{"anybody may put files there", "$DIR/open/lock", 0o777 | os.ModeSticky, "anybody may put files into $DIR/open)"},
		{"over a link", "$DIR/link/lock", 0o777 | os.ModeSticky, "anybody may put files into $DIR/link)"},
		{"anybody may take it away", "$DIR/open/lock", 0o777, "the directory $DIR/open has mode 0777"},
		{"anybody may exchange its directory", "$DIR/open/dir/lock", 0o777, "the directory $DIR/open has mode 0777"},
	} {
		t.Run(x.name, func(t *testing.T) {
			path, o := agentDir(t, string(wholeAgent("nixos: {build_lock: {path: "+x.lock+", format: flock}}\n")), nil)
			dir := filepath.Dir(path)
			for _, err := range []error{os.MkdirAll(filepath.Join(dir, "open", "dir"), 0o755), os.Chmod(filepath.Join(dir, "open"), x.mode), os.Symlink("open", filepath.Join(dir, "link"))} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if x.want != "" && os.Getuid() != 0 {
				t.Skip("what this user makes is not root's")
			}
			a, err := config.LoadAgent(path, o)
			if err != nil {
				t.Fatal(err)
			}
			got, want := config.Faults(a.Warnings).Error(), strings.ReplaceAll(x.want, "$DIR", dir)
			if (got == "") != (want == "") || !strings.Contains(got, want) || want != "" && !strings.Contains(got, "nixos.build_lock.path: others than root may decide about this lock") {
				t.Errorf("warnings %q, want %q", got, want)
			}
		})
	}
}

// TestLoadAgentFiles: what the agent's file names must be root's alone (here: of
// whoever runs the test), secret where it is a secret, and there.
func TestLoadAgentFiles(t *testing.T) {
	people := func(a, b string) string {
		return string(wholeAgent("people: [{name: alice, roles: [operator, approver], totp_seed_file: " + a + "}, {name: bob, roles: [approver], totp_seed_file: " + b + "}]\n"))
	}
	backup := string(wholeAgent("backup: {repositories: [{name: local, repository: /backup, password_file: $DIR/a}]}\n"))
	search := string(wholeAgent("backup: {search_path: [/, $DIR], repositories: [{name: local, repository: /backup, password_file: $DIR/a}]}\n"))
	open := string(wholeAgent("backup: {search_path: [/tmp], repositories: [{name: local, repository: /backup, password_file: $DIR/a}]}\n"))
	program := string(wholeAgent("backup: {search_path: [$DIR/a], repositories: [{name: local, repository: /backup, password_file: $DIR/a}]}\n"))
	check := string(wholeAgent("nixos: {health_checks: [{name: c, command: [$DIR/a, x]}]}\n"))
	for _, x := range []struct {
		name, text string
		files      map[string]string
		modes      map[string]os.FileMode
		want       string // "" for no fault
	}{
		{"all is well", people("a", "b"), map[string]string{"a": seed(20, 0), "b": seed(20, 1)}, nil, ""},
		{"others may write the file", people("a", "b"), map[string]string{"a": seed(20, 0), "b": seed(20, 1)}, map[string]os.FileMode{"agent.yaml": 0o666}, "anybody could have written it: $DIR/agent.yaml has mode 0666"},
		{"the group may write the file", people("a", "b"), map[string]string{"a": seed(20, 0), "b": seed(20, 1)}, map[string]os.FileMode{"agent.yaml": 0o620}, "anybody could have written it: $DIR/agent.yaml has mode 0620"},
		{"others may write its folder", string(wholeAgent("log: {}\n")), nil, map[string]os.FileMode{".": 0o777}, "anybody could have written it: the directory $DIR has mode 0777"},
		{"no seed there", people("a", "b"), map[string]string{"a": seed(20, 0)}, nil, "people[1].totp_seed_file: the secret's file does not exist"},
		{"a pasted seed", people("HUNTER2HUNTER2HU", "b"), map[string]string{"b": seed(20, 0)}, nil, "people[0].totp_seed_file: the secret's file does not exist"},
		{"others may read the seed", people("a", "b"), map[string]string{"a": seed(20, 0), "b": seed(20, 1)}, map[string]os.FileMode{"b": 0o444}, "people[1].totp_seed_file: the secret's file $DIR/b has mode 0444"},
		{"one seed for two", people("a", "b"), map[string]string{"a": seed(20, 0), "b": strings.ToLower(seed(20, 0))}, nil, "people[1].totp_seed_file: the seed is another person's already"},
		{"one file for two", people("a", "a"), map[string]string{"a": seed(20, 0)}, nil, "people[1].totp_seed_file: the seed is another person's already"},
		{"a short seed", people("a", "b"), map[string]string{"a": seed(20, 0), "b": seed(10, 1)}, nil, "people[1].totp_seed_file: the secret's file holds a seed of 80 bits"},
		{"no base32", people("a", "b"), map[string]string{"a": seed(20, 0), "b": "0189"}, nil, "people[1].totp_seed_file: the secret's file holds no base32"},
		{"a password", backup, map[string]string{"a": "hunter2"}, nil, ""},
		{"no password", backup, nil, nil, "backup.repositories[0].password_file: cannot be trusted: $DIR/a does not exist"},
		{"others may write the password", backup, map[string]string{"a": "hunter2"}, map[string]os.FileMode{"a": 0o602}, "backup.repositories[0].password_file: cannot be trusted: $DIR/a has mode 0602"},
		{"others may read the password", backup, map[string]string{"a": "hunter2"}, map[string]os.FileMode{"a": 0o404}, "backup.repositories[0].password_file: has mode 0404, so that everybody may read it"},
		{"directories for programs", search, map[string]string{"a": "hunter2"}, nil, ""},
		{"anybody may put programs there", open, map[string]string{"a": "hunter2"}, nil, "backup.search_path[0]: cannot be trusted: anybody may put files into /tmp"},
		{"a file for a directory", program, map[string]string{"a": "hunter2"}, nil, "backup.search_path[0]: cannot be trusted: $DIR/a is no directory"},
		{"one file for two in other words", people("a", "$DIR/../././"+"$BASE/a"), map[string]string{"a": seed(20, 0)}, nil, "people[1].totp_seed_file: the seed is another person's already"},
		{"one seed for two, whose last bits say nothing", people("a", "b"), map[string]string{"a": seed(16, 0), "b": seed(16, 0)[:25] + "F"}, nil, "people[1].totp_seed_file: the seed is another person's already"},
		{"one seed for two, with the zeros that HMAC adds", people("a", "b"), map[string]string{"a": zeros(0), "b": zeros(5)}, nil, "people[1].totp_seed_file: the seed is another person's already"},
		{"others may read a program", check, map[string]string{"a": ""}, map[string]os.FileMode{"a": 0o755}, ""},
		{"a state that is not there yet", string(wholeAgent("state: $DIR/none/state\n")), nil, nil, ""},
		{"a state of its own", string(wholeAgent("state: $DIR/state\n")), map[string]string{"state/.": ""}, nil, ""},
		{"others may enter the state", string(wholeAgent("state: $DIR/state\n")), map[string]string{"state/.": ""}, map[string]os.FileMode{"state": 0o750}, "state: cannot be trusted: the directory $DIR/state has mode 0750, so that others may enter it"},
		{"others may exchange the state", string(wholeAgent("state: $DIR/a/state\n")), map[string]string{"a/.": ""}, map[string]os.FileMode{"a": 0o777}, "state: cannot be trusted: the directory $DIR/a has mode 0777"},
		{"others may make the state first", string(wholeAgent("state: $DIR/a/b/state\n")), map[string]string{"a/.": ""}, map[string]os.FileMode{"a": 0o770}, "state: cannot be trusted: the directory $DIR/a has mode 0770"},
		{"a file where the state should be", string(wholeAgent("state: $DIR/a\n")), map[string]string{"a": ""}, nil, "state: cannot be trusted: $DIR/a is no directory"},
		{"others may write a program", check, map[string]string{"a": ""}, map[string]os.FileMode{"a": 0o757}, "nixos.health_checks[0].command[0]: cannot be trusted"},
	} {
		t.Run(x.name, func(t *testing.T) {
			path, o := agentDir(t, x.text, x.files)
			dir := filepath.Dir(path)
			for name, mode := range x.modes {
				if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
					t.Fatal(err)
				}
			}
			_, err := config.LoadAgent(path, o)
			if x.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			f := faultsOf(t, err)
			if want := strings.ReplaceAll(x.want, "$DIR", dir); len(f) != 1 || !strings.Contains(f[0].String(), want) {
				t.Errorf("got %v\nwant %s", err, want)
			}
			if strings.Contains(err.Error(), "HUNTER2") || strings.Contains(err.Error(), "hunter2") {
				t.Error("a secret is told")
			}
		})
	}
	path, o := agentDir(t, string(wholeAgent("bot_user: nobody-of-this-name\n")), nil)
	if _, err := config.LoadAgent(path, o); !strings.Contains(faultsOf(t, err).Error(), `bot_user: this host has no user "nobody-of-this-name"`) {
		t.Error(err)
	}
	// A user's name leads to the same faults as its number.
	for name, want := range map[string]string{
		"root":   "bot_user: is root: the bot must run as a user of its own",
		"nobody": "bot_user: is nobody: the kernel gives this number",
		"alice":  "people[0].uid[0]: is the bot's own user: a captured bot could agree in this person's name",
	} {
		path, o := agentDir(t, string(wholeAgent("bot_user: "+name+"\n")), nil)
		o.LookUp = func(name string) (int, error) {
			return map[string]int{"root": 0, "nobody": 65534, "alice": 1000}[name], nil
		}
		_, err := config.LoadAgent(path, o)
		if f := faultsOf(t, err); len(f) != 1 || !strings.Contains(f[0].String(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := config.LoadAgent(filepath.Join(filepath.Dir(path), "none.yaml"), o); !strings.HasSuffix(faultsOf(t, err).Error(), "none.yaml: does not exist") {
		t.Error(err)
	}
}

// TestAgentExample: the example shows every key, and is sound.
func TestAgentExample(t *testing.T) {
	path := filepath.Join(docs, "agent.example.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a, err := config.ParseAgent(data, config.AgentOptions{Operations: operations})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Warnings) > 0 {
		t.Error(config.Faults(a.Warnings))
	}
	used := config.Paths(data)
	for _, path := range config.AgentKeyPaths() {
		if !used[path] && path != "bot_uid" { // stands beside bot_user in a comment
			t.Errorf("the example does not show %s", path)
		}
	}
	alice := a.People[0]
	rule, err := a.Policy.Find("nixos.rollback", "vulcan", bot.Arguments{"generation": {"41"}}, alice.Person)
	if err != nil || !rule.Queue || len(rule.Windows) != 2 || rule.Windows[1].Zone != "America/Los_Angeles" || rule.ConfirmWithin != 600 {
		t.Errorf("%+v, %v", rule, err)
	}
	for max, want := range map[string]string{"32GiB": "usual-cache-sizes", "64GiB": ""} {
		if rule, _ := a.Policy.Find("zfs.arc.set", "vulcan", bot.Arguments{"max": {max}}, alice.Person); rule.Name != want {
			t.Errorf("%s: %q", max, rule.Name)
		}
	}
	s := a.Standing[0]
	if !s.Fits("service.restart", "vulcan", bot.Arguments{"unit": {"nginx.service"}}, bot.Labels{"alertname": "NginxDown", "instance": "vulcan:9100"}) || s.Budget != (gate.Budget{Count: 2, Per: 6 * time.Hour}) || s.Expires.Format(time.RFC3339) != "2099-01-01T08:00:00Z" {
		t.Errorf("%+v", s)
	}
	if a.ZFS.Max != (config.Range{From: 8 << 30, To: 48 << 30}) || len(a.NixOS.Checks) != 3 || len(a.Backup.Repositories) != 2 || !a.Backup.Repositories[1].OffSite {
		t.Errorf("%+v %+v %+v", a.ZFS, a.NixOS, a.Backup)
	}
	var exposed []string
	for _, e := range a.Policy.Exposed(operations, a.Approvers()) {
		exposed = append(exposed, fmt.Sprint(e.Rule, e.Operations, e.Codes))
	}
	if got := strings.Join(exposed, "; "); got != "usual-cache-sizes[zfs.arc.set] true; look-after-backups[backup.run backup.verify] false; restart[service.restart] false" {
		t.Error(got)
	}
}
