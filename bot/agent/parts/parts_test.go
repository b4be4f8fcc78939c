package parts

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"watchstander/bot"
	"watchstander/bot/config"
	"watchstander/bot/host"
	"watchstander/bot/sys"
)

// Backups exist where the file has them, and what the file says of them arrives.
func TestBackup(t *testing.T) {
	c := &config.Agent{Host: "vulcan", State: "/var/lib/watchstander-agent", Busy: []string{"pg-dump.service"}, Backup: &config.Backup{
		Repositories: []config.Repository{{Name: "b2", Location: "b2:x", Medium: "b2", Unit: "restic-b2.service", MaxAge: time.Hour}},
		Datasets:     []config.Dataset{{Name: "home", Paths: []string{"/home"}, Medium: "rpool"}},
		Check:        config.RepositoryCheck{Parts: 7}, Drill: config.Drill{Files: 9},
	}}
	names := func(p Parts) string {
		var all []string
		for _, o := range p.Operations {
			all = append(all, string(o.Name()))
		}
		for _, l := range p.Looks {
			all = append(all, l.Name)
		}
		slices.Sort(all)
		return " " + strings.Join(all, " ") + " "
	}
	p, err := Of(c, sys.Host{Name: "vulcan"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"backup.verify", "backup.run", host.LookBackups, host.LookThreeTwoOne} {
		if !strings.Contains(names(p), " "+want+" ") {
			t.Errorf("there is no %s in%s", want, names(p))
		}
	}
	for _, o := range p.Operations {
		if o.Name() != host.BackupVerifyOperation {
			continue
		}
		args, err := o.Parse(t.Context(), bot.Arguments{host.RepositoryArgument: {"b2"}})
		if err != nil || !strings.HasSuffix(args.One(host.PartArgument), "/7") {
			t.Errorf("%v: %v", args, err)
		}
	}
	c.Backup.Repositories = nil
	if _, err := Of(c, sys.Host{Name: "vulcan"}, Options{}); err == nil || !strings.Contains(err.Error(), "backup: there is no repository") {
		t.Errorf("%v", err)
	}
	c.Backup = nil
	if p, err := Of(c, sys.Host{Name: "vulcan"}, Options{}); err != nil || strings.Contains(names(p), "backup") {
		t.Errorf("without a section there is%s: %v", names(p), err)
	}
}

// Certificates are read on the host that the agent sees, and told by a probe;
// without any there is none.
func TestCertificates(t *testing.T) {
	tree, err := sys.OpenTree(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	names := func(c *config.Agent) (out []string, probe bot.Probe) {
		p, err := Of(c, sys.Host{Name: "vulcan", Files: tree}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range p.Probes {
			out, probe = append(out, p.Name()), p
		}
		return out, probe
	}
	if got, _ := names(&config.Agent{Host: "vulcan", Zone: time.UTC}); !slices.Equal(got, []string{"units vulcan"}) {
		t.Error(got)
	}
	got, probe := names(&config.Agent{Host: "vulcan", Zone: time.UTC, Certificates: []string{"/etc/hostname"}})
	if !slices.Equal(got, []string{"units vulcan", "certificates vulcan"}) {
		t.Fatal(got)
	}
	// This machine has such a file; the host's tree has none.
	if rs := probe.Read(t.Context()); len(rs) != 1 || rs[0].State != bot.Unknown || rs[0].Note != "/etc/hostname does not exist" && rs[0].Note != "etc/hostname does not exist" {
		t.Errorf("%+v", rs)
	}
}

// What keeps an agent from starting is told of the key that holds it, and no host is
// looked at for that.
func TestFaults(t *testing.T) {
	data, err := os.ReadFile("../../../docs/agent.example.yaml") // has every section
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.ParseAgent(data, config.AgentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := Faults(c); len(got) > 0 {
		t.Fatal(got)
	}
	c.Services.Logs = append(c.Services.Logs, "a b")
	c.Backup.Repositories[0].Name = "live"
	got := Faults(c)
	if len(got) != 2 || got[0].Field != fmt.Sprintf("services.logs[%d]", len(c.Services.Logs)-1) || got[1].Field != "backup.repositories[0]" ||
		!strings.HasPrefix(got[1].Message, "no repository may have the name live") {
		t.Errorf("%+v", got)
	}
	// What no member has alone is the section's.
	c.Services.Logs, c.Backup.Repositories = nil, nil
	if got := Faults(c); len(got) != 1 || got[0].Field != "backup" || got[0].Message != "there is no repository" {
		t.Errorf("%+v", got)
	}
}
